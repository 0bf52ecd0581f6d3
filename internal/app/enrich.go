package app

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"clientele"
	"clientele/internal/api"
	"clientele/internal/resolve"
)

var _ api.Enriching = (*App)(nil)

// Limits of the frames that enrichment is put into the log in.
const (
	enrichedFrame = 500
	enrichedBytes = 500 << 10
)

// longestEnriched is for how long a third party's word can hold.
const longestEnriched = 5 * 365 * 24 * time.Hour

// Enrich takes a part of a file of attributes in: those of people that there are become traits of theirs, the others are held where
// the request says so, or left out. It answers what the import has come to with this part.
func (a *App) Enrich(ctx context.Context, by string, req clientele.EnrichmentRequest) (*clientele.Enrichment, error) {
	if err := a.checkEnrichment(req); err != nil {
		return nil, err
	}
	e := &enriching{req: req, names: map[string]bool{}, sums: map[clientele.Identifier][]int{}}
	for i, row := range req.Rows {
		traits, err := e.traits(row)
		if err != nil {
			return nil, clientele.Errorf(clientele.Invalid, "row %d: %w", i+1, err).WithHint("%s", clientele.ErrorHint(err))
		}
		e.rows = append(e.rows, traits)
	}
	a.listing.Lock()
	defer a.listing.Unlock()
	at, _, err := a.rows.Position()
	if err != nil {
		return nil, err
	}
	found, err := e.find(a, 0, nil)
	if err != nil {
		return nil, err
	}
	if !req.Keep {
		clear(e.held)
	}
	if err := a.tellEnriched(ctx, e, found, e.held); err != nil {
		return nil, err
	}
	if len(e.held) > 0 { // who has come since they were looked for
		late, err := e.find(a, at, e.held)
		if err != nil {
			return nil, err
		}
		if err := a.tellEnriched(ctx, e, late, nil); err != nil {
			return nil, err
		}
		maps.Copy(found, late)
	}
	_, err = a.command(ctx, clientele.CommandEnrichment, by, clientele.Enrichment{Source: req.Source, Revision: req.Revision, Namespace: req.Namespace, ExpiresAt: req.ExpiresAt,
		Rows: int64(len(req.Rows)), Matched: int64(len(found)), Held: int64(len(e.held)), Traits: slices.Sorted(maps.Keys(e.names))})
	if err != nil {
		return nil, err
	}
	all, err := a.Enrichments(ctx)
	for i := range all {
		if all[i].Source == req.Source {
			return &all[i], nil
		}
	}
	return nil, err
}

func (a *App) checkEnrichment(req clientele.EnrichmentRequest) error {
	if err := clientele.CheckEnrichmentName("source", req.Source); err != nil {
		return err
	}
	now := clientele.MicrosOf(a.o.Now())
	switch {
	case req.Namespace == "":
		return clientele.Errorf(clientele.Invalid, "the namespace of the keys is missing").WithHint("email, email_sha256, phone, user_id, ...")
	case req.Revision == "" || len(req.Revision) > 64:
		return clientele.Errorf(clientele.Invalid, "the revision is missing or over 64 bytes").WithHint("any text that names this import, the same for all of its parts")
	case req.ExpiresAt <= now:
		return clientele.Errorf(clientele.Invalid, "it would expire before it is said").WithHint("what third parties say holds until a time to come: expires_at")
	case req.ExpiresAt > now+clientele.Micros(longestEnriched.Microseconds()):
		return clientele.Errorf(clientele.Invalid, "it would hold for over five years").WithHint("buy it again before")
	case len(req.Rows) == 0 || len(req.Rows) > clientele.MaxEnrichedRows:
		return clientele.Errorf(clientele.Invalid, "there are %d rows, not 1 to %d", len(req.Rows), clientele.MaxEnrichedRows)
	}
	return nil
}

// Enrichments are the sources of enrichment and what their last imports came to.
func (a *App) Enrichments(context.Context) ([]clientele.Enrichment, error) {
	return resolve.LoadEnrichments(a.rows)
}

// EndEnrichment has all go that the source has said so far, before it expires. NotFound for a source that has said nothing.
func (a *App) EndEnrichment(ctx context.Context, by, source string) error {
	_, err := a.command(ctx, clientele.CommandEnrichmentEnd, by, resolve.EnrichmentEndBody{Source: source})
	return err
}

// enriching is a part of a file on its way into the log.
type enriching struct {
	req   clientele.EnrichmentRequest
	rows  []json.RawMessage // the traits of each
	names map[string]bool
	sums  map[clientele.Identifier][]int // rows by the hash that is their key
	held  map[int]clientele.Identifier   // rows that are held, by the hashed form of their key
	plain map[clientele.Namespace]bool   // namespaces whose hashes are wanted
}

// traits are a row's, by the names that they have on profiles.
func (e *enriching) traits(row clientele.EnrichmentRow) (json.RawMessage, error) {
	if len(row.Traits) > clientele.MaxEnrichedTraits {
		return nil, clientele.Errorf(clientele.Invalid, "it has %d attributes, over %d", len(row.Traits), clientele.MaxEnrichedTraits)
	}
	out := map[string]any{}
	for name, v := range row.Traits {
		if err := clientele.CheckEnrichmentName("attribute", name); err != nil {
			return nil, err
		}
		switch v.(type) {
		case nil:
			continue
		case map[string]any:
			return nil, clientele.Errorf(clientele.Invalid, "attribute %q is an object", name).WithHint("give each of its values a name of its own")
		}
		trait := clientele.EnrichedTrait(e.req.Source, name)
		out[trait] = v
		e.names[trait] = true
	}
	b, err := json.Marshal(out)
	if err != nil {
		return nil, clientele.Errorf(clientele.Invalid, "its attributes are no JSON")
	}
	return b, nil
}

// find says by row which identifier of a person its key is, of those rows that are wanted (nil: all) and of identifiers first seen
// behind the position. What is found nowhere and can be held is noted.
func (e *enriching) find(a *App, behind clientele.Position, wanted map[int]clientele.Identifier) (map[int]clientele.Identifier, error) {
	v, err := a.view()
	if err != nil {
		return nil, err
	}
	defer v.Close()
	found := map[int]clientele.Identifier{}
	if wanted == nil {
		e.held, e.plain = map[int]clientele.Identifier{}, map[clientele.Namespace]bool{}
	}
	for i, row := range e.req.Rows {
		if _, is := wanted[i]; wanted != nil && !is {
			continue
		}
		key := strings.TrimSpace(row.Key)
		if key == "" {
			continue
		}
		id := identifiersOf(e.req.Namespace, []string{key})[0]
		if base, is := strings.CutSuffix(string(id.Namespace), "_sha256"); is {
			if _, hash := sha256Of(id.Value); hash && wanted == nil {
				e.sums[id] = append(e.sums[id], i)
				e.plain[clientele.Namespace(base)] = true
				e.held[i] = id
			}
			continue
		}
		norm, ok := v.graph.Rules().Normalise(id)
		if !ok {
			continue
		}
		anchor, identifies, err := v.graph.Known(norm)
		switch {
		case err != nil:
			return nil, err
		case anchor != 0 && identifies:
			found[i] = norm
		case anchor == 0 && wanted == nil:
			e.held[i] = norm.Hashed()[0]
		}
	}
	for ns := range e.plain {
		if err := e.findHashed(v, ns, behind, found); err != nil {
			return nil, err
		}
	}
	for i := range found {
		delete(e.held, i)
	}
	return found, nil
}

// findHashed looks through a namespace for the identifiers whose hashes are keys.
func (e *enriching) findHashed(v *view, ns clientele.Namespace, behind clientele.Position, found map[int]clientele.Identifier) error {
	return v.Scan(clientele.Prefix(clientele.NewKey(clientele.RowIdentifier).Text(string(ns))), func(k clientele.Key, _ []byte) (bool, error) {
		r := k.Read()
		id := clientele.Identifier{Namespace: clientele.Namespace(r.Text()), Value: r.Text()}
		for _, form := range id.Hashed() {
			rows := e.sums[form]
			if len(rows) == 0 {
				continue
			}
			anchor, identifies, err := v.graph.Known(id)
			if err != nil {
				return false, err
			}
			if identifies && anchor.Position() >= behind {
				for _, i := range rows {
					found[i] = id
				}
			}
		}
		return true, r.Err()
	})
}

// tellEnriched puts rows into the log, those that were found and those that are held, and waits until they are resolved.
func (a *App) tellEnriched(ctx context.Context, e *enriching, found, held map[int]clientele.Identifier) error {
	now := clientele.MicrosOf(a.o.Now())
	var frame []clientele.Record
	size, last := 0, clientele.Position(0)
	flush := func() (err error) {
		if len(frame) > 0 {
			last, err = a.log.Append(ctx, clientele.KindRow, frame)
			frame, size = nil, 0
		}
		return err
	}
	for i := range e.rows {
		id, is := found[i]
		hold := false
		if !is {
			if id, hold = held[i]; !hold {
				continue
			}
		}
		raw, err := json.Marshal(struct {
			Table   string                       `json:"table"`
			ID      string                       `json:"id"`
			IDs     []clientele.RecordIdentifier `json:"ids"`
			Traits  json.RawMessage              `json:"traits"`
			Expires clientele.Micros             `json:"expires"`
			Hold    bool                         `json:"hold,omitempty"`
		}{clientele.EnrichmentRows, fmt.Sprintf("%s-%d", e.req.Revision, i), []clientele.RecordIdentifier{{Namespace: id.Namespace, Value: id.Value}}, e.rows[i], e.req.ExpiresAt, hold})
		if err != nil {
			return clientele.Errorf(clientele.Internal, "enrichment: %w", err)
		}
		if len(frame) == enrichedFrame || size+len(raw) > enrichedBytes {
			if err := flush(); err != nil {
				return err
			}
		}
		frame, size = append(frame, clientele.Record{Source: e.req.Source, ReceivedAt: now, Raw: raw}), size+len(raw)
	}
	if err := flush(); err != nil {
		return err
	}
	return a.resolved.reach(ctx, uint64(last))
}
