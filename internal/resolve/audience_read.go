package resolve

import (
	"cmp"
	"maps"
	"slices"

	"clientele"
	"clientele/internal/audience"
	"clientele/internal/rowcache"
)

// LoadAudience is the audience as the rows have it. NotFound when there is none of that name.
func LoadAudience(rows clientele.Rows, name string) (*clientele.AudienceInForce, error) {
	row, err := rowcache.Load[audienceRow](rows, clientele.AudienceKey(name))
	if err != nil {
		return nil, err
	}
	if row == nil || audience.IsStage(name) {
		return nil, clientele.Errorf(clientele.NotFound, "there is no audience of that name")
	}
	known, err := LoadPercentiles(rows)
	if err != nil {
		return nil, err
	}
	return row.inForce(name, known)
}

// LoadAudiences are all audiences, by name.
func LoadAudiences(rows clientele.Rows) ([]clientele.AudienceInForce, error) {
	all, err := storedAudiences(rows)
	if err != nil {
		return nil, err
	}
	known, err := LoadPercentiles(rows)
	if err != nil {
		return nil, err
	}
	out := []clientele.AudienceInForce{}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if audience.IsStage(name) {
			continue
		}
		a, err := all[name].inForce(name, known)
		if err != nil {
			return nil, err
		}
		out = append(out, *a)
	}
	return out, nil
}

// LoadFilling are the versions that are not live yet, those of lifecycle stages included.
func LoadFilling(rows clientele.Rows) (out []clientele.AudienceInForce, err error) {
	all, err := storedAudiences(rows)
	if err != nil {
		return nil, err
	}
	known, err := LoadPercentiles(rows)
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if all[name].Next == nil {
			continue
		}
		a, err := all[name].inForce(name, known)
		if err != nil {
			return nil, err
		}
		out = append(out, *a)
	}
	return out, nil
}

func (x *audienceRow) inForce(name string, known []clientele.PercentileThreshold) (*clientele.AudienceInForce, error) {
	where := x.Where
	if x.Next != nil {
		where = x.Next.Where
	}
	c, err := audience.Parse(where)
	if err != nil {
		return nil, err
	}
	kind := x.Kind
	if kind == audienceOfOld {
		kind = clientele.AudienceDefinition
	}
	of, suppress := SplitRules(c)
	if kind.Listed() {
		of = nil
	}
	counts, err := x.suppressCountsOf()
	if err != nil {
		return nil, err
	}
	a := &clientele.AudienceInForce{Suppressed: counts, Audience: clientele.Audience{Name: name, Kind: kind, Description: x.Description, Where: of, Suppress: suppress, Query: x.Query, Every: x.Every},
		Reads: audience.String(c), Version: x.Version, Members: x.Members, By: x.By, Owner: cmp.Or(x.Owner, x.By), Approved: x.Approved, At: x.At, Percentiles: AskedThresholds(c, known)}
	if n := x.Next; n != nil {
		a.Filling = &clientele.AudienceFilling{Version: n.Version, Position: n.Position, Members: n.Members, Filled: n.Filled}
	}
	if l := x.List; l != nil {
		a.List = &clientele.AudienceList{Revision: l.Revision, At: l.At, Matched: l.Size, Waiting: l.Waiting, Dropped: l.Dropped}
		if all := l.Size + l.Waiting + l.Dropped; all > 0 {
			a.List.MatchRate = float64(l.Size) / float64(all)
		}
	}
	return a, nil
}

// LoadMemberships are the audiences that the profile is a member of.
func LoadMemberships(rows clientele.Rows, p clientele.ProfileID) (map[string]clientele.Membership, error) {
	row, err := rowcache.Load[memberRow](rows, clientele.MemberKey(p))
	if err != nil || row == nil {
		return nil, err
	}
	out := map[string]clientele.Membership{}
	for name, m := range row.Live {
		if audience.IsStage(name) {
			continue
		}
		out[name] = clientele.Membership{Profile: p, EnteredAt: m.Since, Reason: m.Reason}
	}
	return out, nil
}

// FillFrom is from which profile on the version of the audience is to be filled; not ok when
// there is no such version to fill.
func FillFrom(rows clientele.Rows, name string, version int) (from clientele.ProfileID, ok bool, err error) {
	row, err := rowcache.Load[audienceRow](rows, clientele.AudienceKey(name))
	if err != nil || row == nil || row.Next == nil || row.Next.Version != version {
		return 0, false, err
	}
	return row.Next.UpTo, true, nil
}

// MembersOf calls fn for every member of the live version behind the profile, by their numbers,
// until it answers false.
func MembersOf(rows clientele.Rows, name string, behind clientele.ProfileID, fn func(clientele.Membership) bool) error {
	r := clientele.Prefix(clientele.NewKey(clientele.RowAudience).Bytes([]byte{'m'}))
	r.Start = clientele.MemberKey(behind + 1)
	return rows.Scan(r, func(k clientele.Key, v []byte) (bool, error) {
		row, err := rowcache.Decode[memberRow](v)
		if err != nil {
			return false, err
		}
		m, is := row.Live[name]
		return !is || fn(clientele.Membership{Profile: clientele.ProfileID(clientele.Key(k[1:]).Read().Uint()), EnteredAt: m.Since, Reason: m.Reason}), nil
	})
}
