package resolve

import (
	"cmp"
	"slices"

	"clientele"
	"clientele/internal/audience"
	"clientele/internal/rowcache"
)

// What stands at a percentile of a trait depends on everybody, so no record says it: SQL finds it now and then, and a
// command puts it into the log, of all percentiles that audiences compare with. From there on both executions
// compare with it, and the audiences whose threshold is another are filled anew.

// PercentilesBody is of the command percentiles, in the log for ever.
type PercentilesBody struct {
	Thresholds []clientele.PercentileThreshold `json:"thresholds"` // all that are asked for
}

// percentiles are the thresholds in force. Field numbers are on disk.
type percentiles struct {
	List []clientele.PercentileThreshold `cbor:"1,keyasint"`
}

var percentilesKey = clientele.MetaKey("percentiles")

// LoadPercentiles are the thresholds as of their last computation.
func LoadPercentiles(rows clientele.Rows) ([]clientele.PercentileThreshold, error) {
	p, err := rowcache.Load[percentiles](rows, percentilesKey)
	if err != nil || p == nil {
		return nil, err
	}
	return p.List, nil
}

// PercentilesOf answers from the thresholds.
func PercentilesOf(list []clientele.PercentileThreshold) audience.Percentiles {
	return func(trait string, percentile float64) (float64, bool) {
		t := thresholdOf(list, trait, percentile)
		if t == nil || t.Value == nil {
			return 0, false
		}
		return *t.Value, true
	}
}

func thresholdOf(list []clientele.PercentileThreshold, trait string, percentile float64) *clientele.PercentileThreshold {
	for i := range list {
		if list[i].Trait == trait && list[i].Percentile == percentile {
			return &list[i]
		}
	}
	return nil
}

// AskedThresholds are the thresholds that the definition compares with, of the list; without a value those that
// are not in it.
func AskedThresholds(c audience.Condition, list []clientele.PercentileThreshold) (out []clientele.PercentileThreshold) {
	for _, p := range audience.AskedPercentiles(c) {
		if thresholdOf(out, p.Trait, p.Percentile) != nil {
			continue
		}
		t := clientele.PercentileThreshold{Trait: p.Trait, Percentile: p.Percentile}
		if have := thresholdOf(list, p.Trait, p.Percentile); have != nil {
			t = *have
		}
		out = append(out, t)
	}
	return out
}

// PercentilesWanted are the thresholds that the definitions of audiences compare with, in order, as they are known.
func PercentilesWanted(rows clientele.Rows) ([]clientele.PercentileThreshold, error) {
	known, err := LoadPercentiles(rows)
	if err != nil {
		return nil, err
	}
	all, err := storedAudiences(rows)
	if err != nil {
		return nil, err
	}
	var out []clientele.PercentileThreshold
	for _, x := range all {
		for _, where := range [][]byte{x.Where, nextWhere(x)} {
			if len(where) == 0 {
				continue
			}
			c, err := audience.Parse(where)
			if err != nil {
				return nil, err
			}
			for _, t := range AskedThresholds(c, known) {
				if thresholdOf(out, t.Trait, t.Percentile) == nil {
					out = append(out, t)
				}
			}
		}
	}
	slices.SortFunc(out, func(a, b clientele.PercentileThreshold) int {
		return cmp.Or(cmp.Compare(a.Trait, b.Trait), cmp.Compare(a.Percentile, b.Percentile))
	})
	return out, nil
}

// percentilesCommand takes down the thresholds, and has the audiences whose threshold is another filled anew.
func (r *Resolver) percentilesCommand(b PercentilesBody, p clientele.Position, now clientele.Micros) error {
	have := r.audiences.percentiles
	var news []clientele.PercentileThreshold
	for i := range b.Thresholds {
		t := &b.Thresholds[i]
		t.At = now
		if was := thresholdOf(have, t.Trait, t.Percentile); was == nil || !sameNumber(was.Value, t.Value) {
			news = append(news, *t)
		}
	}
	v, err := rowcache.Encode(&percentiles{b.Thresholds})
	if err != nil {
		return err
	}
	r.put(percentilesKey, v)
	r.audiences.percentiles = b.Thresholds
	return r.renewAll(p, func(c audience.Condition) bool {
		return slices.ContainsFunc(audience.AskedPercentiles(c), func(x audience.TraitPercentile) bool {
			return thresholdOf(news, x.Trait, x.Percentile) != nil
		})
	})
}

func sameNumber(a, b *float64) bool { return a == b || a != nil && b != nil && *a == *b }
