package resolve

import (
	"bytes"
	"maps"
	"slices"
	"strconv"
	"strings"

	"clientele"
	"clientele/internal/audience"
	"clientele/internal/commerce"
	"clientele/internal/profile"
	"clientele/internal/rowcache"
)

// audienceRow is an audience as it is stored. Field numbers are on disk.
type audienceRow struct {
	Kind        clientele.AudienceKind `cbor:"1,keyasint"`
	Description string                 `cbor:"2,keyasint,omitempty"`
	Version     int                    `cbor:"3,keyasint,omitempty"` // that is live; 0 = none
	Where       []byte                 `cbor:"4,keyasint,omitempty"` // canonical JSON of the live version
	Members     int64                  `cbor:"5,keyasint,omitempty"`
	By          string                 `cbor:"6,keyasint"`
	At          clientele.Micros       `cbor:"7,keyasint"`
	Last        int                    `cbor:"8,keyasint"` // the number of the latest version
	Next        *nextVersion           `cbor:"9,keyasint,omitempty"`
}

// nextVersion is a version that is being filled. Profiles that change are evaluated by it from its
// position on; what SQL finds for the others is told by commands, in the order of their numbers.
type nextVersion struct {
	Version  int                 `cbor:"1,keyasint"`
	Where    []byte              `cbor:"2,keyasint"`
	Position clientele.Position  `cbor:"3,keyasint"`
	UpTo     clientele.ProfileID `cbor:"4,keyasint,omitempty"` // profiles below it are filled
	Filled   int64               `cbor:"5,keyasint,omitempty"`
	Members  int64               `cbor:"6,keyasint,omitempty"`
}

// memberRow is what a profile is a member of. Field numbers are on disk.
type memberRow struct {
	Live map[string]membership       `cbor:"1,keyasint,omitempty"`
	Next map[string]bool             `cbor:"2,keyasint,omitempty"` // by versionKey: what evaluation found since the version's position, and members that SQL found
	Dues map[string]clientele.Micros `cbor:"3,keyasint,omitempty"` // by versionKey: when time alone may change it
	Due  clientele.Micros            `cbor:"4,keyasint,omitempty"` // the first of them, which stands in the due index
}

type membership struct {
	Since   clientele.Micros `cbor:"1,keyasint"`
	Version int              `cbor:"2,keyasint"`
	Reason  string           `cbor:"3,keyasint"`
}

func (m *memberRow) empty() bool { return len(m.Live)+len(m.Next)+len(m.Dues) == 0 && m.Due == 0 }

// versionKey names a version of an audience.
func versionKey(name string, version int) string { return name + "\x00" + strconv.Itoa(version) }

// of drops what is kept of versions of the audience, all but the one.
func dropVersions[V any](of map[string]V, name string, but int) {
	for k := range of {
		if strings.HasPrefix(k, name+"\x00") && k != versionKey(name, but) {
			delete(of, k)
		}
	}
}

// audiences are the memberships of all profiles: the definitions ready for evaluation, what the
// frame at hand has touched, and rows in memory.
type audiences struct {
	rows    map[string]*audienceRow
	changed map[string]bool
	plan    *audience.Plan // nil when there is no audience: then nothing here costs anything
	members *rowcache.Cache[clientele.ProfileID, memberRow]

	touched map[clientele.Anchor]audience.Touched // by the frame at hand
	minted  map[clientele.Anchor]bool             // likewise
	lines   map[string]map[string][]byte          // of the batch: anchor and name -> timeline keys -> rows, nil for deleted ones
	placed  map[string]placed                     // likewise: where rows of tables stand on timelines
	told    [][]any                               // rows of audience_members of the batch
	dues    map[clientele.ProfileID]clientele.Micros
	soonest clientele.Micros // nothing is due before
}

// placed is where a row stands on a timeline.
type placed struct {
	key    clientele.Key
	anchor clientele.Anchor
}

const cachedMembers = 30_000

// dueAudience is what stands in the due index for memberships.
const dueAudience = "audience"

// dueAtOnce is how many profiles a frame evaluates because their time has come. The rest waits for the next.
const dueAtOnce = 1000

func loadAudiences(rows clientele.Rows) (*audiences, error) {
	a := &audiences{rows: map[string]*audienceRow{}}
	all, err := storedAudiences(rows)
	if err != nil {
		return nil, err
	}
	a.rows = all
	a.members = rowcache.New(cachedMembers, func(p clientele.ProfileID) (*memberRow, error) {
		return rowcache.Load[memberRow](rows, clientele.MemberKey(p))
	})
	a.begin()
	a.soonest = audience.Never
	err = rows.Scan(clientele.Prefix(clientele.NewKey(clientele.RowDue)), func(k clientele.Key, _ []byte) (bool, error) {
		rd := k.Read()
		if at := rd.Time(); rd.Text() == dueAudience {
			a.soonest = at
		}
		return a.soonest == audience.Never, rd.Err()
	})
	if err != nil {
		return nil, err
	}
	return a, a.prepare()
}

func storedAudiences(rows clientele.Rows) (map[string]*audienceRow, error) {
	all := map[string]*audienceRow{}
	err := rows.Scan(clientele.Prefix(clientele.NewKey(clientele.RowAudience).Bytes([]byte{'d'})), func(k clientele.Key, v []byte) (bool, error) {
		row, err := rowcache.Decode[audienceRow](v)
		all[clientele.Key(k[1:]).Read().Text()] = row
		return true, err
	})
	return all, err
}

// begin forgets what the last batch changed.
func (a *audiences) begin() {
	a.changed, a.told = map[string]bool{}, nil
	a.touched, a.minted = map[clientele.Anchor]audience.Touched{}, map[clientele.Anchor]bool{}
	a.placed = map[string]placed{}
	a.lines, a.dues = map[string]map[string][]byte{}, map[clientele.ProfileID]clientele.Micros{}
}

// prepare makes the plan of all versions that are evaluated.
func (a *audiences) prepare() error {
	var entries []audience.Entry
	for _, name := range slices.Sorted(maps.Keys(a.rows)) {
		row := a.rows[name]
		versions := []nextVersion{{Version: row.Version, Where: row.Where}}
		if row.Next != nil {
			versions = append(versions, *row.Next)
		}
		for _, v := range versions {
			if v.Version == 0 {
				continue
			}
			c, err := audience.Parse(v.Where)
			if err != nil {
				return clientele.Errorf(clientele.Corrupt, "stored audience: %w", err)
			}
			entries = append(entries, audience.Entry{Name: name, Version: v.Version, Condition: c, Filling: v.Version != row.Version})
		}
	}
	if a.plan = nil; len(entries) == 0 {
		return nil
	}
	var err error
	a.plan, err = audience.NewPlan(entries)
	return err
}

// touch is what the anchor's records of the frame touch.
func (a *audiences) touch(anchor clientele.Anchor) audience.Touched {
	t := a.touched[anchor]
	if t == nil {
		t = audience.Touched{}
		a.touched[anchor] = t
	}
	return t
}

// heard notes what an event, or an imported row about a person, says.
func (r *Resolver) heard(anchor clientele.Anchor, rec *Parsed, e *event, at clientele.Stamp, traits map[string][]byte, told bool) {
	a := r.audiences
	if a.plan == nil || anchor == 0 {
		return
	}
	t := a.touch(anchor)
	if told {
		a.plan.Event(t, e.line(), &audience.Occurrence{Stamp: at, Properties: e.properties, Context: e.context})
	}
	for name := range traits {
		a.plan.Trait(t, name)
	}
	for _, o := range rec.ids {
		if o.Verified {
			a.plan.Identifiers(t)
		}
	}
}

// minted notes that a record has brought identifiers that nobody had.
func (r *Resolver) mintedBy(anchor clientele.Anchor, m *mint, before int) {
	if a := r.audiences; a.plan != nil && anchor != 0 && m.next > before {
		a.touch(anchor)
		a.minted[anchor] = true
	}
}

// severalDecide says whether more than one anchor of the profile has decided about consent: only
// then it matters since when they are one person's.
func (r *Resolver) severalDecide(p clientele.ProfileID) (bool, error) {
	anchors, err := r.graph.Members(p)
	if err != nil {
		return false, err
	}
	n := 0
	for _, a := range anchors {
		h, err := r.heads.Get(a)
		if err == nil {
			err = listen(r.o.Store, a, h)
		}
		if err != nil {
			return false, err
		}
		if h != nil && h.Said != nil && len(h.Said.Consents) > 0 {
			n++
		}
	}
	return n > 1, nil
}

// line puts a row on a timeline, so that evaluation sees it before it is committed.
func (r *Resolver) line(a clientele.Anchor, name string, key clientele.Key, v []byte) {
	r.put(key, v)
	if r.audiences.plan == nil {
		return
	}
	au := r.audiences
	prefix := string(clientele.NewKey(clientele.RowTimeline).Anchor(a).Text(name))
	rows := r.audiences.lines[prefix]
	if rows == nil {
		rows = map[string][]byte{}
		r.audiences.lines[prefix] = rows
	}
	have, known := rows[string(key)]
	if rows[string(key)] = v; name == shown["messages"].name && (!known || !bytes.Equal(have, v)) {
		au.plan.Message(au.touch(a))
	}
}

// pendingRows are the store's rows with the timelines of the batch at hand.
type pendingRows struct {
	clientele.Rows
	lines map[string]map[string][]byte
}

func (p pendingRows) Scan(rg clientele.Range, fn func(clientele.Key, []byte) (bool, error)) error {
	const timeLength = 8
	var pending map[string][]byte
	if len(rg.Start) > timeLength && rg.Start[0] == clientele.RowTimeline {
		pending = p.lines[string(rg.Start[:len(rg.Start)-timeLength])]
	}
	more := true
	err := p.Rows.Scan(rg, func(k clientele.Key, v []byte) (_ bool, err error) {
		if _, again := pending[string(k)]; again {
			return true, nil
		}
		more, err = fn(k, v)
		return more, err
	})
	for k, v := range pending {
		if err != nil || !more {
			return err
		}
		if key := clientele.Key(k); v != nil && bytes.Compare(key, rg.Start) >= 0 && bytes.Compare(key, rg.End) < 0 {
			more, err = fn(key, v)
		}
	}
	return err
}

// evaluated are the profile's facts as of the record at hand.
type evaluated struct {
	facts
	row *memberRow
}

func (e *evaluated) InAudience(name string) (bool, error) {
	_, is := e.row.Live[name]
	return is, nil
}

func (r *Resolver) factsOf(p clientele.ProfileID, members []clientele.Anchor, row *memberRow) (*evaluated, error) {
	e := &evaluated{facts: facts{rows: pendingRows{r.o.Store, r.audiences.lines}, graph: r.graph, rules: r.rules, profile: p, members: members}, row: row}
	e.heads = make([]*profile.Head, len(members))
	e.asked.heads = true
	for i, a := range members {
		h, err := r.heads.Get(a)
		if err == nil {
			err = listen(r.o.Store, a, h)
		}
		if err != nil {
			return nil, err
		}
		e.heads[i] = h
	}
	return e, nil
}

// evaluate brings the memberships of whom the frame has touched up to its end. That is the unit,
// not the batch: the same log gives the same entries and exits, however it is cut into batches.
func (r *Resolver) evaluate(p clientele.Position) error {
	a := r.audiences
	stirred := r.graph.TakeStirred()
	for _, s := range stirred {
		if s.From != s.To {
			continue
		}
		if several, err := r.severalDecide(s.To); err != nil {
			return err
		} else if several {
			r.batch.retold[s.To] = true
		}
	}
	if a.plan == nil {
		return nil
	}
	if r.batch.rows && a.plan.Messages() {
		if err := r.timelines(); err != nil { // puts messages on timelines
			return err
		}
	}
	work := map[clientele.ProfileID]audience.Touched{}
	reasons := map[clientele.ProfileID]string{}
	of := func(id clientele.ProfileID) audience.Touched {
		if work[id] == nil {
			work[id] = audience.Touched{}
		}
		return work[id]
	}
	for anchor, t := range a.touched {
		id, err := r.graph.Profile(anchor)
		if err != nil {
			return err
		}
		maps.Copy(of(id), t)
		if a.minted[anchor] {
			a.plan.Identifiers(of(id))
			if clientele.Anchor(id).Position() == p {
				a.plan.Vacuous(of(id))
			}
		}
	}
	for _, s := range stirred {
		if clientele.Anchor(s.From).Position() == p { // an identifier that the frame itself brought
			continue
		}
		if s.From == s.To {
			if r.batch.retold[s.To] {
				a.plan.Consents(of(s.To))
			}
			continue
		}
		for _, id := range []clientele.ProfileID{s.From, s.To} {
			a.plan.All(of(id))
			reasons[id] = clientele.ReasonMerge
		}
	}
	due := map[clientele.ProfileID]audience.Touched{}
	if err := r.nowDue(due); err != nil {
		return err
	}
	for id := range due {
		of(id)
	}
	for _, id := range slices.Sorted(maps.Keys(work)) {
		reason := reasons[id]
		if reason == "" {
			reason = clientele.ReasonEvent
		}
		if err := r.evaluateProfile(id, work[id], due[id], reason); err != nil {
			return err
		}
	}
	clear(a.touched)
	clear(a.minted)
	return nil
}

// evaluateProfile evaluates the touched definitions for one profile, those behind that refer to
// one whose answer has changed included.
func (r *Resolver) evaluateProfile(id clientele.ProfileID, touched, due audience.Touched, reason string) error {
	a := r.audiences
	if len(touched)+len(due) == 0 {
		return nil
	}
	if clientele.Anchor(id).Position() > r.position {
		a.members.Fill(id, nil)
	}
	row, err := a.members.Get(id)
	if err != nil {
		return err
	}
	anchors, err := r.graph.Members(id)
	if err != nil {
		return err
	}
	if anchors == nil { // it has become part of another
		return r.leaveAll(id, row, reason)
	}
	if row == nil {
		row = &memberRow{}
	}
	f, err := r.factsOf(id, anchors, row)
	if err != nil {
		return err
	}
	at := audience.At{Now: r.totals.Now}
	err = a.plan.Find(touched, f, func(fn func(string, int)) {
		for name, m := range row.Live {
			fn(name, m.Version)
		}
	})
	if err != nil || len(touched)+len(due) == 0 {
		return err
	}
	reasons := map[int]string{}
	for i := range due {
		reasons[i] = clientele.ReasonTime
	}
	for i := range touched {
		reasons[i] = reason
	}
	queue := slices.Sorted(maps.Keys(reasons))
	for n := 0; n < len(queue); n++ {
		entry := a.plan.Entry(queue[n])
		member, recheck, err := audience.Evaluate(entry.Condition, f, at)
		if err != nil {
			return err
		}
		row.due(versionKey(entry.Name, entry.Version), recheck)
		if r.answer(id, row, entry, member, reasons[queue[n]]) {
			more := audience.Touched{}
			a.plan.Membership(more, entry.Name)
			for i := range more {
				if at, found := slices.BinarySearch(queue, i); !found {
					reasons[i] = reasons[queue[n]]
					queue = slices.Insert(queue, at, i)
				}
			}
		}
	}
	r.keepMember(id, row)
	return nil
}

// due notes when a version has to be evaluated again.
func (m *memberRow) due(version string, at clientele.Micros) {
	if at == audience.Never {
		delete(m.Dues, version)
		return
	}
	if m.Dues == nil {
		m.Dues = map[string]clientele.Micros{}
	}
	m.Dues[version] = at
}

// answer takes down what evaluation has found; true when it is another membership of a live version.
func (r *Resolver) answer(id clientele.ProfileID, row *memberRow, entry audience.Entry, member bool, reason string) bool {
	x := r.audiences.rows[entry.Name]
	if x.Next != nil && x.Next.Version == entry.Version {
		key := versionKey(entry.Name, entry.Version)
		if row.Next[key] != member {
			x.Next.Members += map[bool]int64{true: 1, false: -1}[member]
			r.audiences.changed[entry.Name] = true
		}
		if row.Next == nil {
			row.Next = map[string]bool{}
		}
		row.Next[key] = member
		return false
	}
	have, was := row.Live[entry.Name]
	if was == member {
		return false
	}
	if r.audiences.changed[entry.Name] = true; member {
		x.Members++
		r.enter(id, row, entry.Name, membership{r.totals.Now, entry.Version, reason})
		return true
	}
	x.Members--
	r.leave(id, row, entry.Name, have, reason)
	return true
}

func (r *Resolver) enter(id clientele.ProfileID, row *memberRow, name string, m membership) {
	if row.Live == nil {
		row.Live = map[string]membership{}
	}
	row.Live[name] = m
	r.audiences.told = append(r.audiences.told, memberValues(name, id, m, 0, ""))
}

func (r *Resolver) leave(id clientele.ProfileID, row *memberRow, name string, m membership, reason string) {
	delete(row.Live, name)
	r.audiences.told = append(r.audiences.told, memberValues(name, id, m, r.totals.Now, reason))
}

// memberValues is a row of audience_members.
func memberValues(name string, id clientele.ProfileID, m membership, left clientele.Micros, reason string) []any {
	return []any{name, int64(id), int64(m.Since), instantOrNil(left), m.Reason, text(reason), string(clientele.AudienceRule)}
}

// leaveAll ends all memberships of a profile that is no more.
func (r *Resolver) leaveAll(id clientele.ProfileID, row *memberRow, reason string) error {
	if row == nil {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(row.Live)) {
		r.audiences.rows[name].Members--
		r.audiences.changed[name] = true
		r.leave(id, row, name, row.Live[name], reason)
	}
	for key, member := range row.Next {
		name, _, _ := strings.Cut(key, "\x00")
		if x := r.audiences.rows[name]; member && x != nil && x.Next != nil && versionKey(name, x.Next.Version) == key {
			x.Next.Members--
			r.audiences.changed[name] = true
		}
	}
	row.Next, row.Dues = nil, nil
	r.keepMember(id, row)
	return nil
}

// keepMember stores the row with the batch, and its moment in the due index.
func (r *Resolver) keepMember(id clientele.ProfileID, row *memberRow) {
	r.moveDue(id, row)
	r.audiences.members.Put(id, row)
}

// moveDue puts the row's moment into the due index.
func (r *Resolver) moveDue(id clientele.ProfileID, row *memberRow) {
	a := r.audiences
	first := clientele.Micros(0)
	for _, at := range row.Dues {
		if first == 0 || at < first {
			first = at
		}
	}
	if first != row.Due {
		if row.Due != 0 {
			r.put(clientele.DueKey(row.Due, dueAudience, id), nil)
		}
		if row.Due = first; first != 0 {
			r.put(clientele.DueKey(first, dueAudience, id), []byte{1})
			a.soonest = min(a.soonest, first)
		}
		a.dues[id] = first
	}
}

// nowDue adds the profiles whose time has come, the longest due first.
func (r *Resolver) nowDue(work map[clientele.ProfileID]audience.Touched) error {
	a, now := r.audiences, r.totals.Now
	if a.soonest > now {
		return nil
	}
	type item struct {
		at clientele.Micros
		id clientele.ProfileID
	}
	var list []item
	next := audience.Never
	for id, at := range a.dues {
		if at != 0 && at <= now {
			list = append(list, item{at, id})
		} else if at != 0 {
			next = min(next, at)
		}
	}
	read := 0
	err := r.o.Store.Scan(clientele.Prefix(clientele.NewKey(clientele.RowDue)), func(k clientele.Key, _ []byte) (bool, error) {
		rd := k.Read()
		at, what, id := rd.Time(), rd.Text(), clientele.ProfileID(rd.Uint())
		if what != dueAudience {
			return true, rd.Err()
		}
		if _, other := a.dues[id]; other {
			return true, rd.Err()
		}
		if at > now || read == dueAtOnce {
			next = min(next, at)
			return false, rd.Err()
		}
		read++
		list = append(list, item{at, id})
		return true, rd.Err()
	})
	if err != nil {
		return err
	}
	slices.SortFunc(list, func(x, y item) int {
		if x.at != y.at {
			return int(min(1, max(-1, x.at-y.at)))
		}
		return int(min(1, max(-1, int64(x.id)-int64(y.id))))
	})
	for _, x := range list[min(len(list), dueAtOnce):] {
		next = min(next, x.at)
	}
	a.soonest = next
	for _, x := range list[:min(len(list), dueAtOnce)] {
		row, err := a.members.Get(x.id)
		if err != nil {
			return err
		}
		if row == nil {
			continue
		}
		work[x.id] = audience.Touched{}
		for key, at := range row.Dues {
			name, version, _ := strings.Cut(key, "\x00")
			if n, _ := strconv.Atoi(version); at <= now && !a.plan.Version(work[x.id], name, n) {
				delete(row.Dues, key) // of a version that is no more
				r.keepMember(x.id, row)
			}
		}
	}
	return nil
}

// heardRow notes what an imported row is about.
func (r *Resolver) heardRow(f commerce.Fact, rec *Parsed) {
	a := r.audiences
	if a.plan == nil || f.Anchor == 0 {
		return
	}
	t := a.touch(f.Anchor)
	for _, o := range rec.ids {
		if o.Verified {
			a.plan.Identifiers(t)
		}
	}
	r.batch.rows = true
	if purpose, _ := f.Fields["purpose"].(string); f.Table.Name == "consents" {
		a.plan.Consent(t, purpose)
	}
}
