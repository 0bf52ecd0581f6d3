package app

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"clientele"
	"clientele/internal/api"
	"clientele/internal/audience"
	"clientele/internal/resolve"
	"clientele/internal/store/duckstore"
)

var _ api.Audiences = (*App)(nil)

// Audiences are all, by name.
func (a *App) Audiences(ctx context.Context) ([]clientele.AudienceInForce, error) {
	list, err := resolve.LoadAudiences(a.rows)
	for i := range list {
		if a.schedule(&list[i]); err == nil {
			err = a.filling(ctx, &list[i])
		}
	}
	if err != nil {
		return nil, err
	}
	return a.withDrafts(list)
}

// Audience is the named one.
func (a *App) Audience(ctx context.Context, name string) (*clientele.AudienceInForce, error) {
	v, err := resolve.LoadAudience(a.rows, name)
	if err == nil {
		a.schedule(v)
		err = a.filling(ctx, v)
	}
	return a.withDraft(name, v, err)
}

// filling says how many profiles there are to be looked at.
func (a *App) filling(ctx context.Context, v *clientele.AudienceInForce) error {
	if v.Filling == nil {
		return nil
	}
	return a.columns.Numbers(ctx, "select count(*) from profiles", func(row []int64) error { v.Filling.Profiles = row[0]; return nil })
}

// SetAudience brings an audience into force, or a new version of it. It is filled afterwards; the
// version before stays live meanwhile.
func (a *App) SetAudience(ctx context.Context, by string, in clientele.Audience) (*clientele.AudienceInForce, error) {
	if err := a.ofTheFile(in.Name); err != nil {
		return nil, err
	}
	if _, err := resolve.CheckAudience(a.rows, in); err != nil {
		return nil, err
	}
	if err := a.checkQuery(ctx, in); err != nil {
		return nil, err
	}
	if _, err := a.command(ctx, clientele.CommandAudience, by, resolve.AudienceBody{Audience: in}); err != nil {
		return nil, err
	}
	if in.Kind == clientele.AudienceSQL { // an error stands in the answer: the audience is in force
		if _, err := a.RefreshAudience(ctx, by, in.Name); err != nil && ctx.Err() != nil {
			return nil, err
		}
	}
	return a.Audience(ctx, in.Name)
}

// DeleteAudience ends an audience: its members leave it.
func (a *App) DeleteAudience(ctx context.Context, by, name string) error {
	if _, err := resolve.LoadAudience(a.rows, name); err != nil {
		if d, failed := resolve.LoadDraft(a.rows, name); failed == nil && d != nil {
			return a.WithdrawDraft(ctx, by, name, true)
		}
		return err
	}
	if err := a.ofTheFile(name); err != nil {
		return err
	}
	_, err := a.command(ctx, clientele.CommandAudience, by, resolve.AudienceBody{Audience: clientele.Audience{Name: name}, Delete: true})
	return err
}

// AudienceMembers are the members of the live version, by the numbers of their profiles.
func (a *App) AudienceMembers(_ context.Context, name string, limit int, cursor string) ([]clientele.Membership, string, error) {
	if _, err := resolve.LoadAudience(a.rows, name); err != nil {
		return nil, "", err
	}
	behind := clientele.ProfileID(0)
	if cursor != "" {
		var err error
		if behind, err = clientele.ParseProfileID(cursor); err != nil {
			return nil, "", clientele.Errorf(clientele.Invalid, "cursor is not one of ours")
		}
	}
	out := []clientele.Membership{}
	err := resolve.MembersOf(a.rows, name, behind, func(m clientele.Membership) bool {
		out = append(out, m)
		return len(out) <= limit
	})
	if len(out) > limit {
		return out[:limit], out[limit-1].Profile.String(), err
	}
	return out, "", err
}

// AudienceMoves are who came into the audience and left it last, the newest first.
func (a *App) AudienceMoves(ctx context.Context, name string, limit int) ([]clientele.AudienceMove, error) {
	if _, err := a.Audience(ctx, name); err != nil {
		return nil, err
	}
	res, err := a.columns.Query(ctx, `select profile_id, epoch_us(moved), move, reason from (
		select profile_id, entered_at as moved, 'entered' as move, entered_reason as reason from audience_members where audience = $1
		union all
		select profile_id, exited_at, 'left', exited_reason from audience_members where audience = $1 and exited_at is not null
	) moves order by moved desc, profile_id, move limit $2`, []any{name, int64(limit)}, duckstore.Limits{})
	if err != nil {
		return nil, err
	}
	out := make([]clientele.AudienceMove, 0, len(res.Rows))
	for _, row := range res.Rows {
		p, err := integer(row[0])
		if err != nil {
			return nil, err
		}
		at, err := integer(row[1])
		if err != nil {
			return nil, err
		}
		move, _ := row[2].(string)
		reason, _ := row[3].(string)
		out = append(out, clientele.AudienceMove{Profile: clientele.ProfileID(p), At: clientele.Micros(at), Move: move, Reason: reason})
	}
	return out, nil
}

// audienceSchema are the typed columns that there are.
func (a *App) audienceSchema(ctx context.Context) (s audience.Schema, err error) {
	events, err := a.columns.Promoted(ctx, "events")
	if err != nil {
		return s, err
	}
	profiles, err := a.columns.Promoted(ctx, "profiles")
	if err != nil {
		return s, err
	}
	book, err := a.computedBook.Read(a.rows)
	if err != nil {
		return s, err
	}
	return audience.SchemaOf(events, profiles, book.Types()), nil
}

// catalogue answers what the data holds from the column store.
type catalogue struct {
	a     *App
	ctx   context.Context
	known map[[2]string][]string
	err   error
}

func (k *catalogue) Names(kind audience.Naming, of string) ([]string, bool) {
	query, params := "", []any{}
	switch kind {
	case audience.NameEvent:
		query = "select distinct coalesce(name, type) from events"
	case audience.NameProperty:
		query = "select distinct k from (select unnest(json_keys(properties)) k from events where coalesce(name, type) = $1)"
		params = append(params, of)
	case audience.NameTrait:
		query = "select distinct k from (select unnest(json_keys(traits)) k from profiles)"
	case audience.NameNamespace:
		query = "select distinct namespace from identifiers"
	case audience.NamePurpose:
		query = "select distinct purpose from consents"
	case audience.NameComputed:
		book, err := k.a.computedBook.Read(k.a.rows)
		if err != nil {
			k.err = firstOf(k.err, err)
			return nil, false
		}
		return book.Names(), true
	case audience.NamePrediction:
		names, err := k.a.predicted()
		k.err = firstOf(k.err, err)
		return names, err == nil
	case audience.NameStage:
		life, err := resolve.LoadLifecycle(k.a.rows)
		if k.err = firstOf(k.err, err); err != nil {
			return nil, false
		}
		var names []string
		for _, s := range life.Stages {
			names = append(names, s.Name)
		}
		return names, true
	case audience.NameAudience:
		list, err := resolve.LoadAudiences(k.a.rows)
		var names []string
		for _, x := range list {
			names = append(names, x.Name)
		}
		k.err = firstOf(k.err, err)
		return names, true
	default:
		return nil, false
	}
	key := [2]string{string(kind), of}
	if names, ok := k.known[key]; ok {
		return names, true
	}
	res, err := k.a.columns.Query(k.ctx, query, params, duckstore.Limits{})
	if err != nil {
		k.err = firstOf(k.err, err)
		return nil, false
	}
	names := []string{}
	for _, row := range res.Rows {
		if s, ok := row[0].(string); ok {
			names = append(names, s)
		}
	}
	k.known[key] = names
	return names, true
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// fillLook is how often the stage looks for a version to fill while nothing tells it of one.
const fillLook = 200 * time.Millisecond

// fillAtOnce is how many profiles one command tells of.
const fillAtOnce = 20_000

// fill asks SQL for the members of versions that are not live yet, and puts them into the log,
// range by range. After a stop it goes on behind the last range that is in the log.
func (a *App) fill(ctx context.Context) error {
	if !a.o.Serves {
		return nil
	}
	select {
	case <-a.told:
	case <-ctx.Done():
		return nil
	}
	seen := uint64(0)
	for pause(ctx, fillLook) == nil {
		if at := a.resolved.get(); at == seen {
			continue
		} else if seen = at; at == 0 {
			continue
		}
		if err := firstError(ctx, a.duePercentiles, a.tellStock); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			a.trouble.add("fill", err.Error())
			a.o.Log.Warn("fill", "error", err.Error())
			seen = 0
			continue
		}
		list, err := resolve.LoadFilling(a.rows)
		if err != nil {
			return err
		}
		for i := range list {
			if err := a.fillVersion(ctx, &list[i]); err != nil {
				if ctx.Err() != nil {
					return nil
				}
				a.trouble.add("fill", "audience "+list[i].Name+": "+err.Error())
				a.o.Log.Warn("fill", "audience", list[i].Name, "error", err.Error())
				seen = 0
				continue
			}
			a.trouble.clear("fill")
		}
	}
	return nil
}

// firstError does one after the other until one fails.
func firstError(ctx context.Context, steps ...func(context.Context) error) error {
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// fillVersion fills one version. The column store must have all up to its position: what came
// behind that, evaluation knows.
func (a *App) fillVersion(ctx context.Context, v *clientele.AudienceInForce) error {
	if err := a.resolved.reach(ctx, uint64(v.Filling.Position)); err != nil {
		return err
	}
	if err := a.applied.reach(ctx, a.committed.get()); err != nil {
		return err
	}
	c, err := resolve.AudienceCondition(&v.Audience)
	if err != nil {
		return err
	}
	from, ok, err := resolve.FillFrom(a.rows, v.Name, v.Filling.Version)
	if err != nil || !ok {
		return err
	}
	found, err := a.found(ctx, c, from)
	if err != nil {
		return err
	}
	tell := func(b resolve.AudienceFillBody) error {
		b.Name, b.Version = v.Name, v.Filling.Version
		p, err := a.append(ctx, clientele.CommandAudienceFill, "clientele", b)
		if err != nil {
			return err
		}
		return a.resolved.reach(ctx, uint64(p))
	}
	for len(found.profiles) > 0 {
		some := found.profiles[:min(fillAtOnce, len(found.profiles))]
		found.profiles = found.profiles[len(some):]
		to := some[len(some)-1] + 1
		b := resolve.AudienceFillBody{From: from, To: clientele.ProfileID(to), Profiles: int64(len(some))}
		b.Members = resolve.PackIDs(below(&found.members, to))
		n := len(below(&found.due, to))
		b.Due, b.DueAt = resolve.PackIDs(found.dueAll[:n]), resolve.PackIDs(found.dueAt[:n])
		found.dueAll, found.dueAt = found.dueAll[n:], found.dueAt[n:]
		n = len(below(&found.suppressed, to))
		b.Suppressed, b.Masks = resolve.PackIDs(found.suppressedAll[:n]), resolve.PackIDs(found.masks[:n])
		found.suppressedAll, found.masks = found.suppressedAll[n:], found.masks[n:]
		if err := tell(b); err != nil {
			return err
		}
		from = clientele.ProfileID(to)
	}
	return tell(resolve.AudienceFillBody{Live: true})
}

// below takes the ids below to from the front of the list.
func below(list *[]int64, to int64) []int64 {
	n, _ := slices.BinarySearch(*list, to)
	out := (*list)[:n]
	*list = (*list)[n:]
	return out
}

// filled is what SQL finds: ascending ids of all profiles, of the members, and of those whom time
// may change, with when.
type filled struct {
	profiles, members, due, dueAll, dueAt []int64
	suppressed, suppressedAll, masks      []int64 // whom suppress rules leave out, and which
}

// leftOut adds whom the suppress rules leave out. ids reads the profiles of a query.
func (f *filled) leftOut(s *audience.Suppressed, schema audience.Schema, at audience.At, ids func(*[]int64, string)) {
	masks := map[int64]int64{}
	for i := range s.Rules {
		var held []int64
		ids(&held, schema.Members(s.By(i), at))
		for _, id := range held {
			masks[id] |= 1 << i
		}
	}
	f.suppressedAll = slices.Sorted(maps.Keys(masks))
	f.suppressed = f.suppressedAll
	for _, id := range f.suppressedAll {
		f.masks = append(f.masks, masks[id])
	}
}

func (a *App) found(ctx context.Context, c audience.Condition, from clientele.ProfileID) (*filled, error) {
	schema, err := a.audienceSchema(ctx)
	if err != nil {
		return nil, err
	}
	at, _, err := a.momentOf(ctx, schema, c)
	if err != nil {
		return nil, err
	}
	f := &filled{}
	ids := func(list *[]int64, query string) {
		if err == nil {
			err = a.columns.Numbers(ctx, "select profile_id from ("+query+") q where profile_id >= "+strconv.FormatInt(int64(from), 10)+" order by profile_id", func(row []int64) error {
				*list = append(*list, row[0])
				return nil
			})
		}
	}
	ids(&f.profiles, "select profile_id from profiles")
	ids(&f.members, schema.Members(c, at))
	if s, ok := c.(*audience.Suppressed); ok {
		f.leftOut(s, schema, at, ids)
	}
	if query := schema.Rechecks(c, at); query != "" && err == nil {
		err = a.columns.Numbers(ctx, "select profile_id, recheck from ("+query+") q where profile_id >= "+strconv.FormatInt(int64(from), 10)+" order by profile_id", func(row []int64) error {
			f.due, f.dueAt = append(f.due, row[0]), append(f.dueAt, row[1])
			return nil
		})
	}
	f.dueAll = f.due
	return f, err
}

// memberships are the names of the audiences that the profile is in.
func memberships(rows clientele.Rows, p clientele.ProfileID) ([]string, error) {
	in, err := resolve.LoadMemberships(rows, p)
	out := []string{}
	for name := range in {
		out = append(out, name)
	}
	slices.SortFunc(out, strings.Compare)
	return out, err
}

// FillAudience fills the version that waits for it, for a command that has opened the directory
// itself; a server does so by a stage of its own.
func (a *App) FillAudience(ctx context.Context, v *clientele.AudienceInForce) error {
	if v.Filling == nil || a.o.Serves {
		return nil
	}
	if err := a.duePercentiles(ctx); err != nil {
		return err
	}
	latest, err := a.Audience(ctx, v.Name) // a new threshold has begun another version
	if err != nil {
		return err
	}
	if err := a.fillVersion(ctx, latest); err != nil {
		return err
	}
	now, err := a.Audience(ctx, v.Name)
	if err == nil {
		*v = *now
	}
	return err
}
