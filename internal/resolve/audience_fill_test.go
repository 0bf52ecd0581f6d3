package resolve_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"clientele"
	"clientele/internal/audience"
	"clientele/internal/identity"
	"clientele/internal/race"
	"clientele/internal/resolve"
)

// snapshot is what SQL would find of all profiles: the members, and when they have to be looked at again.
type snapshot struct {
	profiles, members, due, dueAt []int64
	masks                         map[int64]audience.Mask // of whom suppress rules leave out
}

func (s *stream) snapshot(where string) (out snapshot) {
	s.t.Helper()
	c, err := audience.Parse([]byte(where))
	s.must(err)
	out.masks = map[int64]audience.Mask{}
	g, err := identity.NewGraph(s.rules, s.store)
	s.must(err)
	s.must(s.store.Scan(clientele.Prefix(clientele.NewKey(clientele.RowGroup)), func(k clientele.Key, _ []byte) (bool, error) {
		p := clientele.ProfileID(k.Read().Uint())
		f, err := resolve.LoadFacts(s.store, g, nil, p)
		s.must(err)
		member, by, recheck, err := audience.Decide(c, f, audience.At{Now: s.r.Totals().Now})
		s.must(err)
		out.profiles = append(out.profiles, int64(p))
		if member {
			out.members = append(out.members, int64(p))
		}
		if by != 0 {
			out.masks[int64(p)] = by
		}
		if recheck != audience.Never {
			out.due, out.dueAt = append(out.due, int64(p)), append(out.dueAt, int64(recheck))
		}
		return true, nil
	}))
	return out
}

// part is the command that tells of the profiles from a number on up to another.
func (x snapshot) part(name string, version int, from, to int64) resolve.AudienceFillBody {
	b := resolve.AudienceFillBody{Name: name, Version: version, From: clientele.ProfileID(from), To: clientele.ProfileID(to)}
	var members, due, at, left, masks []int64
	for _, p := range x.profiles {
		if p < from || p >= to {
			continue
		}
		b.Profiles++
		if slices.Contains(x.members, p) {
			members = append(members, p)
		}
		if by := x.masks[p]; by != 0 {
			left, masks = append(left, p), append(masks, int64(by))
		}
		if i := slices.Index(x.due, p); i >= 0 {
			due, at = append(due, p), append(at, x.dueAt[i])
		}
	}
	b.Suppressed, b.Masks = resolve.PackIDs(left), resolve.PackIDs(masks)
	b.Members, b.Due, b.DueAt = resolve.PackIDs(members), resolve.PackIDs(due), resolve.PackIDs(at)
	return b
}

// TestFillingBesideLife: a version is filled in parts while people go on, merge and change, the program is
// stopped between two parts, and the old version stays live until the last; at the end the members
// are those of the new one.
func TestFillingBesideLife(t *testing.T) {
	for seed := range race.Cases(15) {
		rnd := rand.New(rand.NewPCG(seed, 3))
		s := newStream(t)
		for i, where := range liveDefinitions[:5] {
			s.activate(fmt.Sprintf("a%02d", i), where)
		}
		frames := randomLife(rnd, 60)
		live := func(n int) {
			for range min(n, len(frames)) {
				s.frames = append(s.frames, frames[0])
				frames = frames[1:]
				s.run(len(s.frames))
			}
		}
		live(25)
		name, where := "x", liveDefinitions[rnd.IntN(len(liveDefinitions)-2)]
		old := ""
		if rnd.IntN(2) == 0 { // it is another version of an audience that there is
			name, old = "a01", liveDefinitions[1]
		}
		now := func() int64 { return int64(s.r.Totals().Now) }
		s.commandAt(now(), clientele.CommandAudience, resolve.AudienceBody{Audience: clientele.Audience{Name: name, Where: clientele.RawJSON(where)}})
		a, err := resolve.LoadAudience(s.store, name)
		s.must(err)
		if a.Filling == nil { // the same as before
			continue
		}
		live(rnd.IntN(8))
		found := s.snapshot(where)
		live(rnd.IntN(8))
		from := int64(0)
		for from < found.profiles[len(found.profiles)-1] {
			to := from + 1 + rnd.Int64N(found.profiles[len(found.profiles)-1])
			s.commandAt(now(), clientele.CommandAudienceFill, found.part(name, a.Filling.Version, from, to))
			if rnd.IntN(2) == 0 { // told again
				s.commandAt(now(), clientele.CommandAudienceFill, found.part(name, a.Filling.Version, from, to))
			}
			from = to
			live(rnd.IntN(3))
			s.must(s.r.Reset()) // as after a kill
			if up, ok, err := resolve.FillFrom(s.store, name, a.Filling.Version); err != nil || !ok || int64(up) != to {
				t.Fatalf("seed %d: it goes on at %d, not at %d: %v", seed, up, to, err)
			}
			s.agrees(seed, name, old)
		}
		s.commandAt(now(), clientele.CommandAudienceFill, resolve.AudienceFillBody{Name: name, Version: a.Filling.Version, Live: true})
		s.agrees(seed, name, where)
		live(len(frames))
		s.agrees(seed, name, where)
		if t.Failed() {
			return
		}
	}
}

// agrees says whether the members of the live version are those by the definition; "" = nobody.
func (s *stream) agrees(seed uint64, name, where string) {
	s.t.Helper()
	// Whose time has come is evaluated by the next frame.
	s.clock(int64(s.r.Totals().Now))
	want := snapshot{}
	if where != "" {
		want = s.snapshot(where)
	}
	if where != "" {
		c, err := audience.Parse([]byte(where))
		s.must(err)
		for p, by := range s.masks(name, c) {
			if want.masks[int64(p)] != by {
				s.t.Fatalf("seed %d: %s leaves %s out by %b, by evaluation %b", seed, where, p, by, want.masks[int64(p)])
			}
		}
		if n := len(s.masks(name, c)); n != len(want.masks) {
			s.t.Fatalf("seed %d: %s leaves %d out, by evaluation %d", seed, where, n, len(want.masks))
		}
		s.countsSuppressed(name)
	}
	var got []int64
	s.must(resolve.MembersOf(s.store, name, 0, func(m clientele.Membership) bool { got = append(got, int64(m.Profile)); return true }))
	if !slices.Equal(got, want.members) {
		s.t.Fatalf("seed %d: %s as %s has %v, by evaluation %v", seed, name, where, got, want.members)
	}
	if a, err := resolve.LoadAudience(s.store, name); err != nil || a.Members != int64(len(got)) {
		s.t.Fatalf("seed %d: %s counts %d members of %d: %v", seed, name, a.Members, len(got), err)
	}
}
