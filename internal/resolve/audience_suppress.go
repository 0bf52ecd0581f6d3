package resolve

import (
	"slices"
	"strings"

	"clientele"
	"clientele/internal/audience"
	"clientele/internal/rowcache"
)

// suppression is which suppress rules of a version leave a profile out. Field numbers are on disk.
type suppression struct {
	Version int           `cbor:"1,keyasint"`
	By      audience.Mask `cbor:"2,keyasint"`
}

// suppressCounts is how many each suppress rule leaves out. Field numbers are on disk.
type suppressCounts struct {
	Alone   []int64 `cbor:"1,keyasint"` // by rule: whom it holds for
	Removed []int64 `cbor:"2,keyasint"` // by rule: those that no rule before it has taken out
}

// add counts a profile in, or with -1 out.
func (c *suppressCounts) add(by audience.Mask, n int64) {
	for i := range audience.MaxSuppress {
		if by&(1<<i) == 0 {
			continue
		}
		for len(c.Alone) <= i {
			c.Alone, c.Removed = append(c.Alone, 0), append(c.Removed, 0)
		}
		c.Alone[i] += n
		if by.First() == i {
			c.Removed[i] += n
		}
	}
}

// suppress takes down which rules leave the profile out of a version.
func (r *Resolver) suppress(row *memberRow, x *audienceRow, entry audience.Entry, by audience.Mask) {
	counts, have := &x.Suppressed, row.Suppressed[entry.Name].By
	next := x.Next != nil && x.Next.Version == entry.Version
	key := entry.Name
	if next {
		key = versionKey(entry.Name, entry.Version)
		counts, have = &x.Next.Suppressed, row.Suppressed[key].By
	}
	if have == by {
		return
	}
	counts.add(have, -1)
	counts.add(by, 1)
	r.audiences.changed[entry.Name] = true
	row.suppress(key, entry.Version, by)
}

// suppress keeps the rules under a name, or, of a version that is not live, under its key.
func (m *memberRow) suppress(key string, version int, by audience.Mask) {
	if by == 0 {
		delete(m.Suppressed, key)
		return
	}
	if m.Suppressed == nil {
		m.Suppressed = map[string]suppression{}
	}
	m.Suppressed[key] = suppression{version, by}
}

// suppressedLive makes what was found of a version the live state, and counts it.
func (m *memberRow) suppressedLive(name string, x *audienceRow, version int) {
	if have := m.Suppressed[name]; have.Version != version { // otherwise it was done before a crash
		m.suppress(name, version, m.Suppressed[versionKey(name, version)].By)
	}
	dropVersions(m.Suppressed, name, 0)
	x.Suppressed.add(m.Suppressed[name].By, 1)
}

// unsuppress forgets all that rules leave the profile out of.
func (r *Resolver) unsuppress(row *memberRow) {
	a := r.audiences
	for key, s := range row.Suppressed {
		name, _, next := strings.Cut(key, "\x00")
		switch x := a.rows[name]; {
		case x == nil:
		case next && x.Next != nil && x.Next.Version == s.Version:
			x.Next.Suppressed.add(s.By, -1)
			a.changed[name] = true
		case !next && x.Version == s.Version:
			x.Suppressed.add(s.By, -1)
			a.changed[name] = true
		}
	}
	row.Suppressed = nil
}

// suppressedFill takes what SQL found of the suppress rules for a range of profiles. row gives those that were not
// evaluated since.
func (r *Resolver) suppressedFill(b AudienceFillBody, x *audienceRow, row func(int64) (*memberRow, error)) error {
	ids, err := unpackIDs(b.Suppressed)
	if err != nil {
		return err
	}
	masks, err := unpackIDs(b.Masks)
	if err != nil || len(ids) != len(masks) {
		return invalid("command audience_fill: its lists are not of one length")
	}
	key := versionKey(b.Name, b.Version)
	for i, id := range ids {
		m, err := row(id)
		if err != nil {
			return err
		}
		if m == nil {
			continue
		}
		by := audience.Mask(masks[i])
		m.suppress(key, b.Version, by)
		x.Next.Suppressed.add(by, 1)
		r.keepMember(clientele.ProfileID(id), m)
	}
	return nil
}

// suppressCountsOf are the counts of the live version's rules.
func (x *audienceRow) suppressCountsOf() ([]clientele.SuppressCount, error) {
	if x.Version == 0 {
		return nil, nil
	}
	c, err := audience.Parse(x.Where)
	if err != nil {
		return nil, err
	}
	s, ok := c.(*audience.Suppressed)
	if !ok {
		return nil, nil
	}
	out := make([]clientele.SuppressCount, len(s.Rules))
	for i, rule := range s.Rules {
		out[i] = clientele.SuppressCount{Name: rule.Name, Reads: audience.String(rule.When)}
		if i < len(x.Suppressed.Alone) {
			out[i].Alone, out[i].Removed = x.Suppressed.Alone[i], x.Suppressed.Removed[i]
		}
	}
	return out, nil
}

// SuppressedOf calls fn for everybody behind the profile whom the live version's definition means and a suppress rule leaves
// out, until it answers false. NotFound when there is no audience of that name.
func SuppressedOf(rows clientele.Rows, name string, behind clientele.ProfileID, fn func(clientele.SuppressedProfile) bool) error {
	x, err := rowcache.Load[audienceRow](rows, clientele.AudienceKey(name))
	if err != nil {
		return err
	}
	if x == nil {
		return clientele.Errorf(clientele.NotFound, "there is no audience of that name")
	}
	counts, err := x.suppressCountsOf()
	if err != nil || counts == nil {
		return err
	}
	rg := clientele.Prefix(clientele.NewKey(clientele.RowAudience).Bytes([]byte{'m'}))
	rg.Start = clientele.MemberKey(behind + 1)
	return rows.Scan(rg, func(k clientele.Key, v []byte) (bool, error) {
		row, err := rowcache.Decode[memberRow](v)
		if err != nil {
			return false, err
		}
		s, is := row.Suppressed[name]
		if !is {
			return true, nil
		}
		out := clientele.SuppressedProfile{Profile: clientele.ProfileID(clientele.Key(k[1:]).Read().Uint())}
		for i, c := range counts {
			if s.By&(1<<i) != 0 {
				out.Rules = append(out.Rules, c.Name)
			}
		}
		if len(out.Rules) > 0 {
			out.By = out.Rules[0]
		}
		return fn(out), nil
	})
}

// SplitRules is the definition and the suppress rules as the audience was given them.
func SplitRules(c audience.Condition) (where, suppress clientele.RawJSON) {
	s, ok := c.(*audience.Suppressed)
	if !ok {
		return audience.JSON(c), nil
	}
	return audience.JSON(s.Of), audience.RulesJSON(s.Rules)
}

// listsIn says whether one of the rules asks for a list by itself.
func listsIn(c audience.Condition) bool {
	s, ok := c.(*audience.Suppressed)
	return ok && slices.ContainsFunc(s.Rules, func(r audience.SuppressRule) bool { return audience.Listing(r.When) != "" })
}
