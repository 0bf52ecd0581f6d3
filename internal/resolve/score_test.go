package resolve_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"clientele"
	"clientele/internal/identity"
	"clientele/internal/race"
	"clientele/internal/resolve"
)

// version adds a version of the model, and promotes it.
func (s *stream) version(at int64, model, learned string) {
	s.t.Helper()
	sum := sha256.Sum256([]byte(learned))
	hash := hex.EncodeToString(sum[:])
	for i, part := range slices.Collect(slices.Chunk([]byte(learned), 3)) {
		s.commandAt(at, clientele.CommandModelPart, resolve.ModelPartBody{Hash: hash, Part: i, Data: part})
	}
	s.commandAt(at, clientele.CommandModelVersion, resolve.ModelVersionBody{Model: model, Version: clientele.ModelVersion{Artefact: hash, Quality: "good"}, Report: clientele.RawJSON(`{"summary":["x"]}`)})
	m, err := resolve.LoadModel(s.store, model)
	s.must(err)
	s.commandAt(at, clientele.CommandModelState, resolve.ModelStateBody{Model: model, Version: m.Last, State: clientele.VersionPromoted})
}

// A version is whole or it is none; promoting and going back move states; what no version has learned is forgotten.
func TestVersions(t *testing.T) {
	s := newStream(t)
	at := int64(day)
	s.commandAt(at, clientele.CommandModel, resolve.ModelBody{Model: clientele.Model{Name: "m", Kind: clientele.ModelLTV, Horizon: "90d"}})
	s.version(at, "m", "first learned")
	s.commandAt(at, clientele.CommandModelVersion, resolve.ModelVersionBody{Model: "m", Version: clientele.ModelVersion{Artefact: strings.Repeat("ab", 32)}})
	s.commandAt(at, clientele.CommandModelVersion, resolve.ModelVersionBody{Model: "m", Version: clientele.ModelVersion{State: clientele.VersionRefused, Why: "too little data"}})
	s.version(at, "m", "learned again")
	states := func() string {
		m, err := resolve.LoadModel(s.store, "m")
		s.must(err)
		out := fmt.Sprint(m.Promoted)
		for _, v := range m.Versions {
			out += fmt.Sprintf(" %d:%s", v.Version, v.State)
		}
		return out
	}
	if got := states(); got != "3 1:retired 2:refused 3:promoted" {
		t.Errorf("versions are %s", got)
	}
	s.commandAt(at, clientele.CommandModelState, resolve.ModelStateBody{Model: "m", Version: 2, State: clientele.VersionPromoted}) // in vain
	s.commandAt(at, clientele.CommandModelState, resolve.ModelStateBody{Model: "m", State: clientele.VersionRolledBack})
	if got := states(); got != "1 1:promoted 2:refused 3:rolled_back" {
		t.Errorf("after going back: %s", got)
	}
	s.commandAt(at, clientele.CommandModelState, resolve.ModelStateBody{Model: "m", State: clientele.VersionRolledBack}) // in vain
	m, err := resolve.LoadModel(s.store, "m")
	s.must(err)
	if b, err := resolve.LoadArtefact(s.store, m.Versions[2].Artefact); err != nil || string(b) != "learned again" {
		t.Errorf("learned %q, %v", b, err)
	}
	for i := range 40 { // old versions go, the promoted one stays
		s.commandAt(at, clientele.CommandModelVersion, resolve.ModelVersionBody{Model: "m", Version: clientele.ModelVersion{State: clientele.VersionRefused, Why: fmt.Sprint(i)}})
	}
	m, err = resolve.LoadModel(s.store, "m")
	s.must(err)
	if len(m.Versions) > 31 || m.Versions[0].Version != 1 || m.Last != 43 {
		t.Errorf("%d versions are kept from %d on, the last is %d", len(m.Versions), m.Versions[0].Version, m.Last)
	}
	s.commandAt(at, clientele.CommandModel, resolve.ModelBody{Model: clientele.Model{Name: "m"}, Delete: true})
	for k := range s.dump() {
		if k[0] == clientele.RowModel {
			t.Errorf("of a model that is no more there is %q", k)
		}
	}
}

// TestScoresProperty: whatever the history of scorings, late ones among them, of versions, merges, unmerges and erasures,
// a profile has what a computation from scratch gives, followers were told it, an audience of it has whom it should, and the
// log resolved anew in one batch comes to the same rows.
func TestScoresProperty(t *testing.T) {
	for seed := range race.Cases(40) {
		rnd := rand.New(rand.NewPCG(seed, 4))
		s := newStream(t)
		now := int64(20 * day)
		s.commandAt(now, clientele.CommandModel, resolve.ModelBody{Model: clientele.Model{Name: "m", Kind: clientele.ModelLTV, Horizon: "90d"}})
		s.version(now, "m", "1")
		s.activate("rich", `{"trait":"predictions.m.expected_value","op":"gte","value":5}`)
		type scored struct {
			version int
			at      int64
			value   int
		}
		want, promoted, sent := map[clientele.Anchor]scored{}, 1, 0
		for range 60 {
			now += rnd.Int64N(day / 2)
			user := func() string { return fmt.Sprintf("u%d", rnd.IntN(6)) }
			switch rnd.IntN(9) {
			case 0, 1, 2:
				sent++
				s.events(event("web", now, fmt.Sprintf(`{"type":"identify","userId":%q,"anonymousId":"a%d","messageId":"m%d"}`, user(), rnd.IntN(8), sent)))
			case 3:
				if m := s.members("user_id", user()); len(m) > 1 {
					s.commandAt(now, clientele.CommandUnmerge, resolve.MergeBody{Anchors: m[1:2]})
				}
			case 4:
				if m := s.members("user_id", user()); m != nil && rnd.IntN(4) == 0 {
					s.commandAt(now, clientele.CommandErase, resolve.EraseBody{Anchors: m})
					for _, a := range m {
						delete(want, a)
					}
				}
			case 5:
				if rnd.IntN(3) == 0 {
					s.version(now, "m", fmt.Sprint(now))
					promoted++
				}
			case 6:
				if m := s.members("user_id", user()); m != nil {
					s.commandAt(now, clientele.CommandScores, resolve.ScoresBody{Model: "m", AsOf: clientele.Micros(now), Gone: resolve.PackIDs([]int64{int64(m[0])})})
					delete(want, m[0])
				}
			default:
				b := resolve.ScoresBody{Model: "m", Version: promoted - rnd.IntN(2), AsOf: clientele.Micros(now - rnd.Int64N(2*day)), Outputs: []string{"expected_value", "tier"}}
				var ids []int64
				for u := range 6 {
					if m := s.members("user_id", fmt.Sprintf("u%d", u)); m != nil && rnd.IntN(2) == 0 && !slices.Contains(ids, int64(m[0])) {
						ids = append(ids, int64(m[0]))
					}
				}
				slices.Sort(ids)
				values := make([][]clientele.RawJSON, 2)
				for _, id := range ids {
					v := rnd.IntN(10)
					values[0], values[1] = append(values[0], clientele.RawJSON(fmt.Sprint(v))), append(values[1], clientele.RawJSON(`"rest"`))
					have, ok := want[clientele.Anchor(id)]
					if b.Version == promoted && (!ok || have.version != promoted || have.at <= int64(b.AsOf)) {
						want[clientele.Anchor(id)] = scored{promoted, int64(b.AsOf), v}
					}
				}
				b.Anchors, b.Values = resolve.PackIDs(ids), values
				s.commandAt(now, clientele.CommandScores, b)
			}
		}
		g, err := identity.NewGraph(s.rules, s.store)
		s.must(err)
		told := s.tellsPredictions()
		s.must(s.store.Scan(clientele.Prefix(clientele.NewKey(clientele.RowAnchor)), func(k clientele.Key, _ []byte) (bool, error) {
			p, err := g.Profile(k.Read().Anchor())
			s.must(err)
			members, err := g.Members(p)
			s.must(err)
			best, any := scored{}, false
			for _, a := range members {
				if w, ok := want[a]; ok && (!any || w.at > best.at) {
					best, any = w, true
				}
			}
			got, err := resolve.LoadScores(s.store, members)
			s.must(err)
			text := ""
			if any {
				text = fmt.Sprintf(`{"expected_value":%d,"tier":"rest","as_of":%q,"version":%d}`, best.value, clientele.Micros(best.at), best.version)
			}
			if m, ok := got["m"]; ok != any || ok && string(m.JSON()) != text {
				t.Fatalf("seed %d: profile %d has %s, want %s", seed, p, m.JSON(), text)
			}
			if want := map[bool]string{true: `{"m":` + text + `}`}[any]; told[int64(p)] != want {
				t.Fatalf("seed %d: followers have %s of profile %d, want %s", seed, told[int64(p)], p, want)
			}
			in, err := resolve.LoadMemberships(s.store, p)
			s.must(err)
			if _, is := in["rich"]; is != (any && best.value >= 5) {
				t.Fatalf("seed %d: profile %d of %s is rich: %t", seed, p, text, is)
			}
			return true, nil
		}))
		n := newStream(t)
		n.frames = s.frames
		n.run(len(n.frames))
		if d := differences(s.dump(), n.dump()); len(d) > 0 {
			t.Fatalf("seed %d, resolved anew in one batch:\n%s", seed, strings.Join(d, "\n"))
		}
	}
}

// tellsPredictions is what followers have of each profile.
func (s *stream) tellsPredictions() map[int64]string {
	entries, err := s.store.Changes(0, 1<<20)
	s.must(err)
	t := clientele.TableNamed("profiles")
	out := map[int64]string{}
	for _, e := range entries {
		c, err := resolve.DecodeChange(e.Bytes)
		s.must(err)
		for _, tr := range c.Tables {
			if tr.Table != t.Name {
				continue
			}
			for _, row := range slices.Concat(tr.Insert, tr.Upsert) {
				text, _ := row[t.Column("predictions")].(string)
				if out[row[0].(int64)] = text; text != "" && !json.Valid([]byte(text)) {
					s.t.Fatalf("%s is no JSON", text)
				}
			}
			for _, key := range tr.Delete {
				delete(out, key[0].(int64))
			}
		}
	}
	return out
}
