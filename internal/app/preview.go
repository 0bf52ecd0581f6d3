package app

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"clientele"
	"clientele/internal/audience"
	"clientele/internal/audience/preview"
	"clientele/internal/resolve"
	"clientele/internal/store/duckstore"
)

var _ preview.Columns = (*duckstore.Store)(nil)

// PreviewAudience counts who would be in an audience of the definition. Nothing is changed. A later call
// with the same editor ends this one with Conflict; "" is nobody's.
func (a *App) PreviewAudience(ctx context.Context, editor string, where clientele.RawJSON) (*clientele.AudiencePreview, error) {
	c, err := audience.Parse(where)
	if err != nil {
		return nil, err
	}
	ctx, done := a.previews.Edit(ctx, editor)
	defer done()
	schema, err := a.audienceSchema(ctx)
	if err != nil {
		return nil, err
	}
	at, thresholds, err := a.momentOf(ctx, schema, c)
	if err != nil {
		return nil, previewError(ctx, err)
	}
	r, err := a.previews.Preview(ctx, schema, c, at)
	if err != nil {
		return nil, previewError(ctx, err)
	}
	out := &clientele.AudiencePreview{Reads: audience.String(c), Count: r.Count, Total: r.Total, Share: r.Share, Revenue: r.Revenue.String(), RevenueShare: r.RevenueShare, Sample: r.Sample,
		Commit: r.Commit, Leaves: r.Leaves, Computed: r.Computed, TookMS: r.Took.Milliseconds(), Percentiles: thresholds}
	for _, p := range r.Parts {
		out.Breakdown = append(out.Breakdown, clientele.AudiencePart{Reads: p.Reads, Count: p.Count, Without: p.Alone})
	}
	out.Meant = r.Meant
	for _, x := range r.Removed {
		out.Suppressed = append(out.Suppressed, clientele.SuppressCount{Name: x.Name, Reads: x.Reads, Alone: x.Alone, Removed: x.Left})
	}
	names := &catalogue{a: a, ctx: ctx, known: map[[2]string][]string{}}
	for _, p := range audience.Check(c, remembered{names, &a.names}) {
		out.Problems = append(out.Problems, clientele.AudienceProblem{At: p.At, What: p.What, Hint: p.Hint})
	}
	if names.err != nil {
		return nil, previewError(ctx, names.err)
	}
	return out, nil
}

// PreviewProgress is how far the preview is that the editor has asked for.
func (a *App) PreviewProgress(editor string) clientele.PreviewProgress {
	done, of, running := a.previews.Progress(editor)
	return clientele.PreviewProgress{Running: running, Done: done, Of: of}
}

func previewError(ctx context.Context, err error) error {
	if ctx.Err() != nil && clientele.ErrorCode(err) == clientele.Internal {
		return clientele.Errorf(clientele.Unavailable, "preview: %w", ctx.Err())
	}
	return err
}

// AudienceOverlap is how many members audiences have in common.
func (a *App) AudienceOverlap(ctx context.Context, list []clientele.AudienceToCompare) (*clientele.AudienceOverlap, error) {
	began := time.Now()
	out := &clientele.AudienceOverlap{}
	var conditions []audience.Condition
	for i, x := range list {
		var c audience.Condition = &audience.Ref{Audience: x.Name}
		name := x.Name
		switch {
		case (x.Name == "") == (len(x.Where) == 0):
			return nil, clientele.Errorf(clientele.Invalid, "audiences[%d] has to have a name or a definition", i).WithHint(`write {"name":"vip"} or {"where":{...}}`)
		case x.Name != "":
			switch _, err := resolve.LoadAudience(a.rows, x.Name); {
			case x.Optional && clientele.ErrorCode(err) == clientele.NotFound:
				continue
			case err != nil:
				return nil, err
			}
		default:
			var err error
			if c, err = audience.Parse(x.Where); err != nil {
				return nil, err
			}
			name = audience.String(c)
		}
		out.Audiences, conditions = append(out.Audiences, name), append(conditions, c)
	}
	if len(list) > 0 && len(conditions) == 0 {
		return nil, clientele.Errorf(clientele.NotFound, "none of the audiences is there any more")
	}
	schema, err := a.audienceSchema(ctx)
	if err != nil {
		return nil, err
	}
	at, _, err := a.momentOf(ctx, schema, conditions...)
	if err != nil {
		return nil, previewError(ctx, err)
	}
	o, err := a.previews.Overlaps(ctx, schema, conditions, at)
	if err != nil {
		return nil, previewError(ctx, err)
	}
	out.Counts, out.Common, out.Any, out.All, out.Total, out.TookMS = o.Counts, o.Common, o.Any, o.All, o.Total, time.Since(began).Milliseconds()
	return out, nil
}

// Values are the most frequent values that begin so.
func (a *App) Values(ctx context.Context, q clientele.ValuesQuery) ([]clientele.ValueCount, error) {
	schema, err := a.audienceSchema(ctx)
	if err != nil {
		return nil, err
	}
	column := func(columns map[string]audience.Column, name, document string) string {
		if c, typed := columns[name]; typed {
			return "cast(" + `"` + strings.ReplaceAll(c.Name, `"`, `""`) + `" as varchar)`
		}
		return fmt.Sprintf("(%s->>$2)", document)
	}
	value, from, params := "coalesce(name, type)", "events", []any{strings.ToLower(q.Prefix)}
	switch q.Of {
	case clientele.ValuesOfEvent:
	case clientele.ValuesOfTrait:
		if q.Name == "" {
			return nil, clientele.Errorf(clientele.Invalid, "name is missing: of which trait?")
		}
		name, columns, document := q.Name, schema.Traits, "traits"
		if rest, ok := strings.CutPrefix(q.Name, resolve.ComputedPrefix); ok {
			name, columns, document = rest, schema.Computed, "computed"
		}
		if rest, ok := strings.CutPrefix(q.Name, clientele.PredictionsPrefix); ok {
			name, columns, document = rest, schema.Predictions, "predictions"
		}
		if value, from = column(columns, name, document), "profiles"; strings.Contains(value, "$2") {
			params = append(params, jsonPath(name))
		}
	case clientele.ValuesOfProperty:
		if q.Name == "" || q.Property == "" {
			return nil, clientele.Errorf(clientele.Invalid, "name and property are needed: of which event, and which property?")
		}
		if value = column(schema.Properties, q.Property, "properties"); strings.Contains(value, "$2") {
			params = append(params, jsonPath(q.Property))
		}
		params = append(params, q.Name)
		from = fmt.Sprintf("events where coalesce(name, type) = $%d", len(params))
	default:
		return nil, clientele.Errorf(clientele.Invalid, "there are values of a trait, an event or a property")
	}
	res, err := a.columns.Query(ctx, fmt.Sprintf("select v, count(*) from (select %s as v from %s) x where v is not null and starts_with(lower(v), $1) group by v order by 2 desc, 1 limit %d", value, from, q.Limit),
		params, duckstore.Limits{Time: time.Duration(a.cfg.Query.Timeout)})
	if err != nil {
		return nil, err
	}
	out := []clientele.ValueCount{}
	for _, row := range res.Rows {
		v, isText := row[0].(string)
		n, isNumber := row[1].(int64)
		if isText && isNumber {
			out = append(out, clientele.ValueCount{Value: v, Count: n})
		}
	}
	return out, nil
}

// jsonPath is the path of a member; dots lead inward.
func jsonPath(name string) string {
	var b strings.Builder
	b.WriteByte('$')
	for part := range strings.SplitSeq(name, ".") {
		b.WriteString(`."` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(part) + `"`)
	}
	return b.String()
}

// names are what the data was found to hold, for a while: looking for the properties of an event reads
// all of its events.
type names struct {
	mu    sync.Mutex
	known map[string]namesAt
}

type namesAt struct {
	list []string
	at   time.Time
}

// namesFor is how long what the data holds is remembered.
const namesFor = time.Minute

// remembered is a catalogue that asks for each kind of names once a while.
type remembered struct {
	*catalogue
	names *names
}

func (r remembered) Names(kind audience.Naming, of string) ([]string, bool) {
	if kind == audience.NameAudience {
		return r.catalogue.Names(kind, of)
	}
	key := string(kind) + "\x00" + of
	r.names.mu.Lock()
	old, there := r.names.known[key]
	r.names.mu.Unlock()
	if there && time.Since(old.at) < namesFor {
		return old.list, true
	}
	list, known := r.catalogue.Names(kind, of)
	if !known {
		return nil, false
	}
	r.names.mu.Lock()
	defer r.names.mu.Unlock()
	if len(r.names.known) > 1000 || r.names.known == nil {
		r.names.known = map[string]namesAt{}
	}
	r.names.known[key] = namesAt{list, time.Now()}
	return list, true
}
