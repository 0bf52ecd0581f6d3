package resolve

import (
	"encoding/base64"
	"encoding/binary"
	"maps"
	"regexp"
	"slices"
	"strings"

	"clientele"
	"clientele/internal/audience"
	"clientele/internal/rowcache"
)

// Bodies of the commands about audiences, in the log for ever.
type (
	// AudienceBody is an audience, or a new version of it.
	AudienceBody struct {
		clientele.Audience
		Delete bool `json:"delete,omitempty"`
	}
	// AudienceFillBody tells of a version what SQL found for a range of profiles, or with Live
	// that all of them are told.
	AudienceFillBody struct {
		Name     string              `json:"name"`
		Version  int                 `json:"version"`
		From     clientele.ProfileID `json:"from"` // inclusive
		To       clientele.ProfileID `json:"to"`   // exclusive
		Profiles int64               `json:"profiles"`
		Members  string              `json:"members,omitempty"` // PackIDs of the members
		Due      string              `json:"due,omitempty"`     // PackIDs of those whom time alone may change,
		DueAt    string              `json:"due_at,omitempty"`  // and when, likewise
		// Suppressed are those whom suppress rules leave out, Masks the rules that hold for each, likewise.
		Suppressed string `json:"suppressed,omitempty"`
		Masks      string `json:"masks,omitempty"`
		Live       bool   `json:"live,omitempty"`
	}
)

// PackIDs makes text of numbers: varints of their differences.
func PackIDs(ids []int64) string {
	var b []byte
	last := int64(0)
	for _, id := range ids {
		b = binary.AppendVarint(b, id-last)
		last = id
	}
	return base64.StdEncoding.EncodeToString(b)
}

func unpackIDs(s string) ([]int64, error) {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return nil, invalid("command audience_fill: %s", err.Error())
	}
	var out []int64
	last := int64(0)
	for len(b) > 0 {
		d, n := binary.Varint(b)
		if n <= 0 {
			return nil, invalid("command audience_fill: cut short")
		}
		last += d
		out = append(out, last)
		b = b[n:]
	}
	return out, nil
}

var audienceName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9 _.-]{0,63}$`)

// CheckAudience says whether the audience can come into force beside those that the rows have, and
// gives its condition.
func CheckAudience(rows clientele.Rows, in clientele.Audience) (audience.Condition, error) {
	all, err := storedAudiences(rows)
	if err != nil {
		return nil, err
	}
	book, err := LoadComputed(rows)
	if err != nil {
		return nil, err
	}
	life, err := loadLifecycle(rows)
	if err != nil {
		return nil, err
	}
	return checkAudience(all, life, book, in)
}

func checkAudience(all map[string]*audienceRow, life *lifecycleRow, book *ComputedBook, in clientele.Audience) (audience.Condition, error) {
	if !audienceName.MatchString(in.Name) {
		return nil, invalidHint("write up to 64 letters, digits, blanks, dots, dashes and underscores", "%q is no name of an audience", clip(in.Name))
	}
	c, err := AudienceCondition(&in)
	if err != nil {
		return nil, err
	}
	if have := all[in.Name]; have != nil && have.Kind != in.Kind {
		return nil, clientele.Errorf(clientele.Conflict, "audience %q is of the kind %s", in.Name, have.Kind).WithHint("delete it first, or take another name")
	}
	definitions, err := latest(all)
	if err != nil {
		return nil, err
	}
	definitions[in.Name] = c
	if err := checkReferences(definitions, book, c); err != nil {
		return nil, err
	}
	if err := life.known(c); err != nil {
		return nil, err
	}
	_, err = audience.Order(definitions)
	return c, err
}

// latest are the conditions of the latest versions.
func latest(all map[string]*audienceRow) (_ map[string]audience.Condition, err error) {
	definitions := map[string]audience.Condition{}
	for name, row := range all {
		where := row.Where
		if row.Next != nil {
			where = row.Next.Where
		}
		if definitions[name], err = audience.Parse(where); err != nil {
			return nil, err
		}
	}
	return definitions, nil
}

// checkReferences says whether the condition refers to audiences that there are, and can be evaluated.
func checkReferences(definitions map[string]audience.Condition, book *ComputedBook, c audience.Condition) error {
	for _, ref := range audience.References(c) {
		if definitions[ref] == nil || audience.IsStage(ref) {
			return invalidHint("make it first", "there is no audience %q", clip(ref))
		}
	}
	return checkComputed(c, book)
}

// AudienceCondition is what the audience's members have to be; its kind is filled in when it has none.
func AudienceCondition(in *clientele.Audience) (audience.Condition, error) {
	if in.Kind == "" {
		in.Kind = clientele.AudienceDefinition
	}
	switch in.Kind {
	case clientele.AudienceStatic, clientele.AudienceSQL:
		c, err := audience.Parse(clientele.WithSuppress(audience.JSON(&audience.Listed{Audience: in.Name}), in.Suppress))
		if err != nil {
			return nil, err
		}
		if len(in.Where) > 0 && string(in.Where) != "null" {
			return nil, invalidHint("leave where out", "a %s audience has no definition", in.Kind)
		}
		if (in.Query == "") == (in.Kind == clientele.AudienceSQL) {
			return nil, invalidHint("an audience of the kind sql has a query, and no other has", "query does not fit the kind %s", in.Kind)
		}
		if listsIn(c) {
			return nil, invalidHint(`write {"audience":"…"}`, "a list is referred to by its audience")
		}
		return c, nil
	case clientele.AudienceDefinition:
		if in.Query != "" || in.Every != "" {
			return nil, invalidHint(`an audience with a query is of the kind sql`, "query and every do not fit the kind %s", in.Kind)
		}
		c, err := audience.Parse(clientele.WithSuppress(in.Where, in.Suppress))
		if err == nil && audience.Listing(c) != "" {
			err = invalidHint(`write {"audience":"…"}`, "a list is referred to by its audience")
		}
		return c, err
	}
	return nil, invalidHint("kinds are definition, static and sql", "there is no kind %q of audiences", clip(string(in.Kind)))
}

func invalidHint(hint, format string, args ...any) error {
	return clientele.Errorf(clientele.Invalid, format, args...).WithHint("%s", hint)
}

// audienceCommand brings an audience into force, or ends it.
func (r *Resolver) audienceCommand(b AudienceBody, by string, p clientele.Position, now clientele.Micros) error {
	a := r.audiences
	if b.Delete {
		return r.deleteAudience(b.Name)
	}
	if b.Kind == "" || b.Kind == audienceOfOld {
		b.Kind = clientele.AudienceDefinition
	}
	c, err := checkAudience(a.rows, a.life, r.counting.book, b.Audience)
	if err != nil {
		return err
	}
	row := a.rows[b.Name]
	if row == nil {
		row = &audienceRow{Kind: b.Kind, Owner: by}
		if b.Kind.Listed() { // nobody is on the list yet, so there is nobody to look for
			row.List, row.Version, row.Last, row.Where = &listState{}, 1, 1, audience.JSON(c)
			a.rows[b.Name] = row
			err = a.prepare()
		}
		a.rows[b.Name] = row
	}
	row.Description, row.By, row.At, row.Query, row.Every, row.Approved = b.Description, by, now, b.Query, b.Every, ""
	a.changed[b.Name] = true
	where, latest := audience.JSON(c), row.Where
	if row.Next != nil {
		latest = row.Next.Where
	}
	if string(latest) == string(where) {
		return err
	}
	r.renew(row, where, p)
	return a.prepare()
}

// renew begins a version that is to be filled.
func (r *Resolver) renew(row *audienceRow, where []byte, p clientele.Position) {
	row.Last++
	row.Next = &nextVersion{Version: row.Last, Where: where, Position: p}
}

// renewAll begins all audiences anew that the condition asks for: what they are made of has changed
// for everybody.
func (r *Resolver) renewAll(p clientele.Position, concerned func(audience.Condition) bool) error {
	a := r.audiences
	any := false
	for _, name := range slices.Sorted(maps.Keys(a.rows)) {
		row := a.rows[name]
		where := row.Where
		if row.Next != nil {
			where = row.Next.Where
		}
		c, err := audience.Parse(where)
		if err != nil {
			return err
		}
		if concerned(c) {
			any = true
			a.changed[name] = true
			r.renew(row, where, p)
		}
	}
	if !any {
		return nil
	}
	return a.prepare()
}

// audienceFill takes what SQL found of a range of profiles. Those that were evaluated since the
// version's position know better.
func (r *Resolver) audienceFill(body func(any) error, p clientele.Position) error {
	var b AudienceFillBody
	if err := body(&b); err != nil {
		return err
	}
	a := r.audiences
	x := a.rows[b.Name]
	if x == nil || x.Next == nil || x.Next.Version != b.Version || !b.Live && x.Next.UpTo != b.From {
		return nil // of a version that is no more, or told before
	}
	a.changed[b.Name] = true
	if b.Live {
		return r.goLive(b.Name, x, p)
	}
	members, err := unpackIDs(b.Members)
	if err != nil {
		return err
	}
	due, err := unpackIDs(b.Due)
	if err != nil {
		return err
	}
	dueAt, err := unpackIDs(b.DueAt)
	if err != nil || len(due) != len(dueAt) {
		return invalid("command audience_fill: its lists are not of one length")
	}
	key := versionKey(b.Name, b.Version)
	known := map[int64]bool{}
	row := func(id int64) (*memberRow, error) {
		row, err := a.members.Get(clientele.ProfileID(id))
		if err != nil {
			return nil, err
		}
		if _, evaluated := row.next(key); evaluated && !known[id] {
			return nil, nil
		}
		anchors, err := r.graph.Members(clientele.ProfileID(id))
		if err != nil || anchors == nil {
			return nil, err
		}
		if row == nil {
			row = &memberRow{}
		}
		return row, nil
	}
	for _, id := range members {
		m, err := row(id)
		if err != nil {
			return err
		}
		if m == nil {
			continue
		}
		if m.Next == nil {
			m.Next = map[string]bool{}
		}
		m.Next[key], known[id] = true, true
		x.Next.Members++
		r.keepMember(clientele.ProfileID(id), m)
	}
	for i, id := range due {
		m, err := row(id)
		if err != nil {
			return err
		}
		if m != nil {
			m.due(key, clientele.Micros(dueAt[i]))
			r.keepMember(clientele.ProfileID(id), m)
		}
	}
	if err := r.suppressedFill(b, x, row); err != nil {
		return err
	}
	x.Next.UpTo, x.Next.Filled = b.To, x.Next.Filled+b.Profiles
	return nil
}

func (m *memberRow) next(key string) (member, known bool) {
	if m == nil {
		return false, false
	}
	member, known = m.Next[key]
	return member, known
}

// goLive makes the filled version the live one: who is a member by it enters or stays, everybody
// else leaves. Audiences that refer to this one are filled anew.
func (r *Resolver) goLive(name string, x *audienceRow, p clientele.Position) error {
	next := x.Next
	key := versionKey(name, next.Version)
	x.Members, x.Suppressed = 0, suppressCounts{}
	err := r.eachMember(func(id clientele.ProfileID, row *memberRow) bool {
		is, _ := row.next(key)
		have, was := row.Live[name]
		switch {
		case was && have.Version == next.Version: // done before a crash
			is = true
		case is && was:
			have.Version = next.Version
			row.Live[name] = have
		case is:
			r.enter(id, row, name, membership{r.totals.Now, next.Version, clientele.ReasonDefinition})
		case was:
			r.leave(id, row, name, have, clientele.ReasonDefinition)
		}
		if is {
			x.Members++
		}
		row.suppressedLive(name, x, next.Version)
		dropVersions(row.Next, name, 0)
		dropVersions(row.Dues, name, next.Version)
		if r.audiences.life.isLive(name) {
			r.restage(id, row)
		}
		return true
	})
	if err != nil {
		return err
	}
	x.Version, x.Where, x.Next = next.Version, next.Where, nil
	if audience.IsStage(name) {
		if err := r.stageLive(name, p); err != nil {
			return err
		}
	}
	if err := r.renewAll(p, func(c audience.Condition) bool { return slices.Contains(audience.References(c), name) }); err != nil {
		return err
	}
	return r.audiences.prepare()
}

func (r *Resolver) deleteAudience(name string) error {
	a := r.audiences
	if a.rows[name] == nil {
		return clientele.Errorf(clientele.NotFound, "there is no audience of that name")
	}
	for _, other := range slices.Sorted(maps.Keys(a.rows)) {
		x := a.rows[other]
		for _, where := range [][]byte{x.Where, nextWhere(x)} {
			if c, err := audience.Parse(where); other != name && err == nil && slices.Contains(audience.References(c), name) {
				if audience.IsStage(other) {
					return clientele.Errorf(clientele.Conflict, "the lifecycle refers to it").WithHint("take the reference out of its stages first")
				}
				return clientele.Errorf(clientele.Conflict, "audience %q refers to it", other).WithHint("take the reference out, or delete that one first")
			}
		}
	}
	err := r.eachMember(func(id clientele.ProfileID, row *memberRow) bool {
		have, was := row.Live[name]
		if was {
			r.leave(id, row, name, have, clientele.ReasonDeleted)
		}
		before := len(row.Next) + len(row.Dues) + len(row.Suppressed)
		dropVersions(row.Next, name, 0)
		dropVersions(row.Dues, name, 0)
		dropVersions(row.Suppressed, name, 0)
		delete(row.Suppressed, name)
		return was || before != len(row.Next)+len(row.Dues)+len(row.Suppressed)
	})
	if err != nil {
		return err
	}
	if a.rows[name].List != nil {
		if err := r.dropList(name); err != nil {
			return err
		}
	}
	delete(a.rows, name)
	a.changed[name] = true
	if err := r.endWork(name); err != nil {
		return err
	}
	return a.prepare()
}

func nextWhere(x *audienceRow) []byte {
	if x.Next == nil {
		return nil
	}
	return x.Next.Where
}

// eachMember changes the rows of all profiles that are members of anything, and commits as it
// goes, without moving the position: interrupted, the command is done again, and finds what it has
// changed already. Nothing of the batch may wait to be committed.
func (r *Resolver) eachMember(change func(clientele.ProfileID, *memberRow) bool) error {
	a := r.audiences
	var rows []clientele.RowChange
	flush := func() error {
		if len(rows) == 0 {
			return nil
		}
		set := &clientele.ChangeSet{After: r.position, Position: r.position, Rows: rows}
		if tables := a.tables(); len(tables) > 0 {
			var err error
			c := &clientele.Change{Position: r.position, Tables: tables}
			if set.Outbox, err = r.outgoing.encode(c, r.o.Plain); err != nil {
				return err
			}
		}
		if err := r.o.Store.Apply(set); err != nil {
			return err
		}
		rows, a.told, a.stays = nil, nil, nil
		clear(a.dues)
		return nil
	}
	r.forgotten = true // the rows in memory are old
	const atOnce = 10_000
	next := clientele.ProfileID(0)
	for more := true; more; {
		var ids []clientele.ProfileID // found first: the store may not be changed while it is read
		var values [][]byte
		rg := clientele.Prefix(clientele.NewKey(clientele.RowAudience).Bytes([]byte{'m'}))
		rg.Start = clientele.MemberKey(next)
		err := r.o.Store.Scan(rg, func(k clientele.Key, v []byte) (bool, error) {
			ids = append(ids, clientele.ProfileID(clientele.Key(k[1:]).Read().Uint()))
			values = append(values, slices.Clone(v))
			return len(ids) < atOnce, nil
		})
		if err != nil {
			return err
		}
		if more = len(ids) == atOnce; more {
			next = ids[len(ids)-1] + 1
		}
		for i, id := range ids {
			row, err := rowcache.Decode[memberRow](values[i])
			if err != nil {
				return err
			}
			if !change(id, row) {
				continue
			}
			kept := len(r.batch.puts)
			r.moveDue(id, row)
			rows = append(rows, r.batch.puts[kept:]...) // of the due index
			r.batch.puts = r.batch.puts[:kept]
			b, err := row.encode()
			if err != nil {
				return err
			}
			rows = append(rows, clientele.RowChange{Key: clientele.MemberKey(id), Value: b})
			if len(rows) >= retellRows {
				if err := flush(); err != nil {
					return err
				}
			}
		}
	}
	return flush()
}

// encode is the row as it is stored; nil when it says nothing.
func (m *memberRow) encode() ([]byte, error) {
	if m.empty() {
		return nil, nil
	}
	return rowcache.Encode(m)
}

// eraseMember forgets what erased anchors were members of, when they were ids of profiles.
func (r *Resolver) eraseMember(anchor clientele.Anchor) error {
	a := r.audiences
	id := clientele.ProfileID(anchor)
	row, err := a.members.Get(id)
	if err != nil || row == nil {
		return err
	}
	for name := range row.Live {
		a.rows[name].Members--
		a.changed[name] = true
	}
	for key, is := range row.Next {
		name, _, _ := strings.Cut(key, "\x00")
		if x := a.rows[name]; is && x != nil && x.Next != nil && versionKey(name, x.Next.Version) == key {
			x.Next.Members--
			a.changed[name] = true
		}
	}
	r.unsuppress(row)
	row.Live, row.Next, row.Dues = nil, nil, nil
	row.Stage, row.StageSince = "", 0
	r.keepMember(id, row)
	return nil
}

// tables are what the batch means for memberships and stages to followers.
func (a *audiences) tables() (out []clientele.TableRows) {
	if len(a.told) > 0 {
		out = append(out, clientele.TableRows{Table: "audience_members", Upsert: a.told})
	}
	if len(a.stays) > 0 {
		out = append(out, clientele.TableRows{Table: "lifecycle", Upsert: a.stays})
	}
	return out
}

// changes are the rows that the batch has changed.
func (a *audiences) changes(put func(clientele.Key, []byte)) error {
	if err := a.life.store(put); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(a.changed)) {
		row := a.rows[name]
		if row == nil {
			put(clientele.AudienceKey(name), nil)
			continue
		}
		b, err := rowcache.Encode(row)
		if err != nil {
			return err
		}
		put(clientele.AudienceKey(name), b)
	}
	return a.members.Changed(func(id clientele.ProfileID, row *memberRow) error {
		b, err := row.encode()
		put(clientele.MemberKey(id), b)
		return err
	})
}

func (a *audiences) committed() {
	a.members.Committed()
	a.stock.Committed()
	a.lines.Committed()
	a.begin()
}

func asksTraits(c audience.Condition) bool {
	return slices.ContainsFunc(audience.Leaves(c), func(l audience.Condition) bool { _, ok := l.(*audience.Trait); return ok })
}
