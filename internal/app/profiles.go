package app

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"clientele"
	"clientele/internal/identity"
	"clientele/internal/profile"
	"clientele/internal/resolve"
	"clientele/internal/store/duckstore"
)

// view is the state as of one change set, for one request: it is not safe for concurrent use.
type view struct {
	clientele.Snapshot
	graph  *identity.Graph
	traits profile.Rules
	books  *resolve.ComputedBooks
	read   map[string][]byte // rows that were read, nil for what is not there
}

// maxRead is how many rows a view remembers.
const maxRead = 256

// Get remembers: what makes up the parts of a profile is often the same row. Nobody may alter what it answers.
func (v *view) Get(k clientele.Key) ([]byte, error) {
	if b, known := v.read[string(k)]; known {
		return b, nil
	}
	b, err := v.Snapshot.Get(k)
	if err != nil {
		return nil, err
	}
	if v.read == nil || len(v.read) >= maxRead {
		v.read = map[string][]byte{}
	}
	v.read[string(k)] = b
	return b, nil
}

func (a *App) view() (*view, error) {
	snap, err := a.rows.Snapshot()
	if err != nil {
		return nil, err
	}
	rules, traits, err := a.stored.Read(snap, a.rules, nil)
	if err == nil {
		var g *identity.Graph
		if g, err = identity.NewGraph(rules, snap); err == nil {
			return &view{Snapshot: snap, graph: g, traits: traits, books: &a.computedBook}, nil
		}
	}
	return nil, errors.Join(err, snap.Close())
}

// viewOf is a view and the profile that the identifier is of in it; who gets one closes it.
func (a *App) viewOf(id clientele.Identifier) (*view, clientele.ProfileID, error) {
	v, err := a.view()
	if err != nil {
		return nil, 0, err
	}
	p, err := v.find(id)
	if err != nil {
		return nil, 0, errors.Join(err, v.Close())
	}
	return v, p, nil
}

// find is the profile of the identifier today.
func (v *view) find(id clientele.Identifier) (clientele.ProfileID, error) {
	anchor, err := v.graph.Find(id)
	if err != nil {
		return 0, err
	}
	return v.graph.Profile(anchor)
}

// Profile is the profile that has the identifier.
func (a *App) Profile(_ context.Context, id clientele.Identifier, explain bool) (*clientele.Profile, error) {
	v, p, err := a.viewOf(id)
	if err != nil {
		return nil, err
	}
	defer v.Close()
	return v.profile(p, explain)
}

func (v *view) profile(p clientele.ProfileID, explain bool) (*clientele.Profile, error) {
	golden, err := resolve.LoadProfile(v, v.graph, v.traits, p)
	if err != nil {
		return nil, err
	}
	consent, err := resolve.LoadConsents(v, v.graph, p)
	if err != nil {
		return nil, err
	}
	ids, err := v.graph.Identifiers(p)
	if err != nil {
		return nil, err
	}
	former, err := v.graph.FormerIDs(p)
	if err != nil {
		return nil, err
	}
	in, err := memberships(v, p)
	if err != nil {
		return nil, err
	}
	stage, err := resolve.LoadStage(v, p)
	if err != nil {
		return nil, err
	}
	out := &clientele.Profile{ID: p, Identifiers: ids, Traits: make(map[string]any, len(golden.Traits)), Computed: map[string]any{},
		Audiences: in, Lifecycle: stage, Consent: consent, FirstSeen: golden.First.At, LastSeen: golden.Last, FormerIDs: former, Events: golden.Records}
	for name, t := range golden.Traits {
		out.Traits[name] = t
	}
	values, err := v.computed(p)
	if err != nil {
		return nil, err
	}
	for name, value := range values {
		out.Computed[name] = value
	}
	if out.Predictions, err = v.predictions(p); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(golden.Provenance)) {
		if from := golden.Provenance[name]; from.ExpiresAt != 0 {
			out.Enrichment = append(out.Enrichment, clientele.Enriched{Source: from.Source, Trait: name, Value: golden.Traits[name], At: from.At, ExpiresAt: from.ExpiresAt})
		}
	}
	if explain {
		out.Provenance = golden.Provenance
	}
	return out, nil
}

// Names are what the profiles are called.
func (a *App) Names(_ context.Context, ids []clientele.ProfileID) ([]clientele.ProfileName, error) {
	v, err := a.view()
	if err != nil {
		return nil, err
	}
	defer v.Close()
	out := make([]clientele.ProfileName, 0, len(ids))
	for _, id := range ids {
		switch n, err := v.name(id); clientele.ErrorCode(err) {
		case "":
			out = append(out, n)
		case clientele.NotFound: // erased meanwhile
		default:
			return nil, err
		}
	}
	return out, nil
}

func (v *view) name(id clientele.ProfileID) (clientele.ProfileName, error) {
	n := clientele.ProfileName{ID: id, Traits: map[string]any{}}
	p, err := v.find(clientele.Identifier{Namespace: "id", Value: id.String()})
	if err != nil {
		return n, err
	}
	golden, err := resolve.LoadProfile(v, v.graph, v.traits, p)
	if err != nil {
		return n, err
	}
	ids, err := v.graph.Identifiers(p)
	if err != nil {
		return n, err
	}
	n.Profile = p
	for _, trait := range []string{"name", "first_name", "last_name"} {
		if value, has := golden.Traits[trait]; has {
			n.Traits[trait] = value
		}
	}
	for _, ns := range []clientele.Namespace{"email", "phone", "user_id"} {
		if i := slices.IndexFunc(ids, func(i clientele.ProfileIdentifier) bool { return i.Namespace == ns && !i.Blocked }); i >= 0 {
			n.Identifier = &ids[i].Identifier
			break
		}
	}
	return n, nil
}

// Search finds profiles by a part of an identifier or of a trait, by id order; all for "".
func (a *App) Search(ctx context.Context, q string, limit int, cursor string) ([]*clientele.Profile, string, error) {
	after := int64(0)
	if cursor != "" {
		p, err := clientele.ParseProfileID(cursor)
		if err != nil {
			return nil, "", clientele.Errorf(clientele.Invalid, "cursor is not one of ours")
		}
		after = int64(p)
	}
	text := `select profile_id from profiles where profile_id > $1 order by profile_id limit $2`
	params := []any{after, int64(limit) + 1}
	if q = strings.TrimSpace(q); q != "" {
		text = `select profile_id from (select profile_id from identifiers where profile_id > $1 and value ilike $3 escape '!'
			union select profile_id from profiles where profile_id > $1 and cast(traits as varchar) ilike $3 escape '!') as found order by profile_id limit $2`
		params = append(params, "%"+strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(q)+"%")
	}
	found, err := a.columns.Query(ctx, text, params, duckstore.Limits{})
	if err != nil {
		return nil, "", err
	}
	v, err := a.view()
	if err != nil {
		return nil, "", err
	}
	defer v.Close()
	out, next := []*clientele.Profile{}, ""
	for i, row := range found.Rows {
		n, err := integer(row[0])
		if err != nil {
			return nil, "", err
		}
		if i == limit {
			next = out[len(out)-1].ID.String()
			break
		}
		// The column store may be a moment behind: what has merged since is found by its former id.
		p, err := v.find(clientele.Identifier{Namespace: "id", Value: clientele.ProfileID(n).String()})
		if err != nil {
			continue
		}
		if slices.ContainsFunc(out, func(o *clientele.Profile) bool { return o.ID == p }) {
			continue
		}
		one, err := v.profile(p, false)
		if err != nil {
			return nil, "", err
		}
		out = append(out, one)
	}
	return out, next, nil
}

func integer(v any) (int64, error) {
	switch v := v.(type) {
	case int64:
		return v, nil
	case string:
		n, err := strconv.ParseInt(v, 10, 64)
		if err == nil {
			return n, nil
		}
	}
	return 0, clientele.Errorf(clientele.Internal, "profile id of type %T", v)
}

// place is where a page of a timeline ended: the key of its last entry.
type place struct {
	TS     clientele.Micros `json:"t"`
	Source string           `json:"s"`
	ID     string           `json:"i"`
	Name   string           `json:"n"`
}

func (p place) compare(q place) int {
	return cmp.Or(cmp.Compare(p.TS, q.TS), cmp.Compare(p.Source, q.Source), cmp.Compare(p.ID, q.ID), cmp.Compare(p.Name, q.Name))
}

func placeOf(e *resolve.TimelineEntry) place { return place{e.TS, e.Source, e.ID, e.Name} }

// Events is the profile's timeline, the newest first.
func (a *App) Events(_ context.Context, id clientele.Identifier, limit int, cursor string) ([]clientele.Event, string, error) {
	all, next, err := a.timelinePage(id, limit, cursor)
	if err != nil {
		return nil, "", err
	}
	out := make([]clientele.Event, len(all))
	for i := range all {
		out[i] = all[i].Event
	}
	return out, next, nil
}

// timelinePage is a page of the timeline as the row store has it.
func (a *App) timelinePage(id clientele.Identifier, limit int, cursor string) ([]resolve.TimelineEntry, string, error) {
	before := place{TS: clientele.MaxTime}
	if cursor != "" {
		b, err := base64.RawURLEncoding.DecodeString(cursor)
		if err != nil || json.Unmarshal(b, &before) != nil {
			return nil, "", clientele.Errorf(clientele.Invalid, "cursor is not one of ours")
		}
	}
	v, p, err := a.viewOf(id)
	if err != nil {
		return nil, "", err
	}
	defer v.Close()
	members, err := v.graph.Members(p)
	if err != nil {
		return nil, "", err
	}
	var all []resolve.TimelineEntry
	for _, m := range members {
		if all, err = v.timeline(all, m, before, limit+1); err != nil {
			return nil, "", err
		}
	}
	slices.SortFunc(all, func(x, y resolve.TimelineEntry) int { return placeOf(&y).compare(placeOf(&x)) })
	next := ""
	if len(all) > limit {
		all = all[:limit]
		b, err := json.Marshal(placeOf(&all[limit-1]))
		if err != nil {
			return nil, "", clientele.Errorf(clientele.Internal, "cursor: %w", err)
		}
		next = base64.RawURLEncoding.EncodeToString(b)
	}
	return all, next, nil
}

// timeline adds the anchor's newest entries before the place, at most limit of each name.
func (v *view) timeline(all []resolve.TimelineEntry, anchor clientele.Anchor, before place, limit int) ([]resolve.TimelineEntry, error) {
	prefix := clientele.Prefix(clientele.NewKey(clientele.RowTimeline).Anchor(anchor))
	for {
		// One seek finds the next name, then its newest entries are read backwards.
		name, found := "", false
		err := v.Scan(prefix, func(k clientele.Key, _ []byte) (bool, error) {
			r := k.Read()
			r.Anchor()
			name, found = r.Text(), true
			return false, r.Err()
		})
		if err != nil || !found {
			return all, err
		}
		own := clientele.Prefix(clientele.NewKey(clientele.RowTimeline).Anchor(anchor).Text(name))
		prefix.Start = own.End
		own.End, own.Reverse = append(slices.Clone(own.Start), clientele.NewKey(0).Time(before.TS + 1)[1:]...), true
		n := 0
		err = v.Scan(own, func(k clientele.Key, value []byte) (bool, error) {
			e, err := resolve.ReadTimelineEntry(slices.Clone(k), slices.Clone(value))
			if err != nil {
				return false, err
			}
			if placeOf(&e).compare(before) < 0 {
				all = append(all, e)
				n++
			}
			return n < limit, nil
		})
		if err != nil {
			return all, err
		}
	}
}
