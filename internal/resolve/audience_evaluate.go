package resolve

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"clientele"
	"clientele/internal/audience"
	"clientele/internal/profile"
	"clientele/internal/rowcache"
)

// evaluated are the profile's facts as of the record at hand.
type evaluated struct {
	facts
	audiences *audiences
	row       *memberRow
}

func (e *evaluated) InAudience(name string) (bool, error) {
	_, is := e.row.Live[name]
	return is, nil
}

func (e *evaluated) Lifecycle() (string, clientele.Micros, error) {
	return e.row.Stage, e.row.StageSince, nil
}

// Listed looks into the batch first.
func (e *evaluated) Listed(name string) (bool, error) {
	for _, m := range e.members {
		if have, err := e.audiences.onList(e.facts.rows, m, name); err != nil || have {
			return have, err
		}
	}
	return false, nil
}

func (r *Resolver) factsOf(p clientele.ProfileID, members []clientele.Anchor, row *memberRow) (*evaluated, error) {
	e := &evaluated{facts: facts{rows: r.o.Store, lines: r.audiences.lines, graph: r.graph, rules: r.rules, profile: p, members: members, stock: r.audiences.stock.Get, ledger: r.ledger, scores: r.scores.Get,
		fresh: func(a clientele.Anchor) bool { return a.Position() > r.position }}, audiences: r.audiences, row: row}
	if r.audiences.plan.AsksComputed() {
		states, err := r.computedStates(members)
		if err != nil {
			return nil, err
		}
		e.computed = &computedFacts{r.counting.book, states, r.totals.Tick}
	}
	e.heads = make([]*profile.Head, len(members))
	for i, a := range members {
		h, err := r.heads.Get(a)
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
	owners := r.ledger.TakeOwners()
	if err := r.settleComputed(owners); err != nil {
		return err
	}
	r.heardLines(owners)
	if err := r.settleStock(p); err != nil {
		return err
	}
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
		if why := a.reason(anchor); why != "" {
			reasons[id] = why
		}
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
	if err := r.preloadEvaluated(work, due); err != nil {
		return err
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
	clear(a.timed)
	clear(a.relisted)
	clear(a.byStock)
	clear(a.scored)
	return nil
}

// preloadEvaluated reads at once what the evaluation of the profiles will ask for first.
func (r *Resolver) preloadEvaluated(work, due map[clientele.ProfileID]audience.Touched) error {
	var ids []clientele.ProfileID
	for id, touched := range work {
		if len(touched)+len(due[id]) > 0 && clientele.Anchor(id).Position() <= r.position { // of those minted in the batch the store knows nothing
			ids = append(ids, id)
		}
	}
	if err := r.preloadMembers(ids); err != nil {
		return err
	}
	anchors, err := r.graph.PreloadGroups(ids, r.o.Store.Load)
	if err != nil {
		return err
	}
	slices.Sort(anchors)
	return r.preloadHeads(slices.Compact(anchors), nil)
}

// preloadMembers reads at once what the profiles are members of.
func (r *Resolver) preloadMembers(ids []clientele.ProfileID) error {
	a := r.audiences
	var want []clientele.ProfileID
	for _, id := range ids {
		if !a.members.Known(id) {
			want = append(want, id)
		}
	}
	return rowcache.Fetch(want, clientele.MemberKey, r.o.Store.Load, a.members.Fill)
}

// reason is why the frame touches the anchor, when it is nothing that was told of the person.
func (a *audiences) reason(anchor clientele.Anchor) string {
	switch {
	case a.scored[anchor]:
		return clientele.ReasonPrediction
	case a.byStock[anchor]:
		return clientele.ReasonStock
	case a.relisted[anchor]:
		return clientele.ReasonList
	case a.timed[anchor]:
		return clientele.ReasonTime
	}
	return ""
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
	at := audience.At{Now: r.totals.Now, Percentiles: PercentilesOf(a.percentiles)}
	err = a.plan.Find(touched, f, func(fn func(string, int)) {
		for name, m := range row.Live {
			fn(name, m.Version)
		}
		for name, s := range row.Suppressed { // whom the definition means, too
			name, _, _ = strings.Cut(name, "\x00")
			fn(name, s.Version)
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
	also := func(more audience.Touched, reason string) {
		for i := range more {
			if at, found := slices.BinarySearch(queue, i); !found {
				reasons[i] = reason
				queue = slices.Insert(queue, at, i)
			}
		}
	}
	staged := false
	for n := 0; ; n++ {
		if !staged && (n == len(queue) || queue[n] > a.plan.LastStage()) { // all stages are decided
			if staged = true; r.restage(id, row) {
				more := audience.Touched{}
				a.plan.Stage(more)
				also(more, clientele.ReasonStage)
			}
		}
		if n >= len(queue) {
			break
		}
		entry := a.plan.Entry(queue[n])
		member, by, recheck, err := audience.Decide(entry.Condition, f, at)
		if err != nil {
			return err
		}
		row.due(versionKey(entry.Name, entry.Version), recheck)
		why := reasons[queue[n]]
		if by != 0 {
			why = clientele.ReasonSuppressed
		}
		r.suppress(row, a.rows[entry.Name], entry, by)
		if r.answer(id, row, entry, member, why) {
			more := audience.Touched{}
			a.plan.Membership(more, entry.Name)
			also(more, reasons[queue[n]])
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
	if audience.IsStage(name) {
		return
	}
	r.tellMember(name, id, m, 0, "")
}

func (r *Resolver) leave(id clientele.ProfileID, row *memberRow, name string, m membership, reason string) {
	delete(row.Live, name)
	if audience.IsStage(name) {
		return
	}
	r.tellMember(name, id, m, r.totals.Now, reason)
}

// tellMember adds a row of audience_members.
func (r *Resolver) tellMember(name string, id clientele.ProfileID, m membership, left clientele.Micros, reason string) {
	a := r.audiences
	a.told = append(a.told, []any{name, int64(id), int64(m.Since), instantOrNil(left), m.Reason, text(reason), string(a.rows[name].Kind)})
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
	r.unsuppress(row)
	row.Next, row.Dues = nil, nil
	r.leaveStage(id, row)
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
	list = list[:min(len(list), dueAtOnce)]
	ids := make([]clientele.ProfileID, len(list))
	for i, x := range list {
		ids[i] = x.id
	}
	if err := r.preloadMembers(ids); err != nil {
		return err
	}
	for _, x := range list {
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
