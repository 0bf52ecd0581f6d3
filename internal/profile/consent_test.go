package profile_test

import (
	"math/rand/v2"
	"testing"

	"clientele"
	"clientele/internal/profile"
)

// said is one decision: by which anchor, when, and what. An upper-case channel is none.
type said struct {
	by      clientele.Anchor
	at      int
	granted bool
	channel string
}

func effective(t *testing.T, anchors []clientele.Anchor, all []said, links []profile.Link, channel string) *clientele.Consent {
	t.Helper()
	heads := make([]*profile.Head, len(anchors))
	for i, a := range anchors {
		heads[i] = &profile.Head{}
		for _, s := range all {
			if s.by == a {
				heads[i].Decide(profile.ConsentKey{Purpose: "marketing", Channel: s.channel}, &profile.Consent{Granted: s.granted, Stamp: clientele.Stamp{At: clientele.Micros(s.at)}})
			}
		}
	}
	c, err := profile.Effective(anchors, heads, func() ([]profile.Link, error) { return links, nil }, profile.ConsentKey{Purpose: "marketing", Channel: channel})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestConsentOfMergedAnchors(t *testing.T) {
	link := func(a, b clientele.Anchor, at int) profile.Link {
		return profile.Link{A: a, B: b, At: clientele.Micros(at)}
	}
	for _, x := range []struct {
		name  string
		all   []said
		links []profile.Link
		want  bool
		at    int
	}{
		{"one anchor: the later holds", []said{{1, 5, false, ""}, {1, 9, true, ""}}, nil, true, 9},
		{"both before the link: the stricter, though earlier", []said{{1, 5, false, ""}, {2, 9, true, ""}}, []profile.Link{link(1, 2, 20)}, false, 5},
		{"after the link: the later", []said{{1, 5, false, ""}, {2, 9, true, ""}, {1, 25, true, ""}}, []profile.Link{link(1, 2, 20)}, true, 25},
		{"at the link is before it", []said{{1, 5, false, ""}, {2, 20, true, ""}}, []profile.Link{link(1, 2, 20)}, false, 5},
		{"between two links: the earlier refusal was overruled already", []said{{1, 60, true, ""}, {2, 40, false, ""}, {3, 65, true, ""}},
			[]profile.Link{link(1, 2, 50), link(2, 3, 70)}, true, 65},
		{"a refusal that comes with a later link", []said{{1, 60, true, ""}, {2, 40, true, ""}, {3, 10, false, ""}},
			[]profile.Link{link(1, 2, 50), link(2, 3, 70)}, false, 10},
		{"no link tells: the stricter", []said{{1, 5, false, ""}, {2, 90, true, ""}}, nil, false, 5},
		{"every channel against one: the stricter before the link", []said{{1, 5, false, ""}, {2, 9, true, "email"}}, []profile.Link{link(1, 2, 20)}, false, 5},
		{"every channel against one: the later on one anchor", []said{{1, 5, false, ""}, {1, 9, true, "email"}}, nil, true, 9},
	} {
		c := effective(t, []clientele.Anchor{1, 2, 3}, x.all, x.links, "email")
		if c == nil || c.Granted != x.want || int(c.At) != x.at {
			t.Errorf("%s: %+v", x.name, c)
		}
	}
}

// TestConsentProperty compares with the rule told in full: all decisions of all anchors, in the
// order of time, each replacing what its part of the person held. Order of anchors, decisions
// and links must not matter, and an anchor alone has what it said itself.
func TestConsentProperty(t *testing.T) {
	for seed := range uint64(3000) {
		rnd := rand.New(rand.NewPCG(seed, 8))
		anchors := []clientele.Anchor{1, 2, 3, 4}
		var all []said
		used := map[int]bool{}
		moment := func() int { // no two things at once: ties are in the table above
			for {
				if n := rnd.IntN(200); !used[n] {
					used[n] = true
					return n
				}
			}
		}
		for range 1 + rnd.IntN(12) {
			all = append(all, said{anchors[rnd.IntN(4)], moment(), rnd.IntN(2) == 0, ""})
		}
		var links []profile.Link
		for range 3 + rnd.IntN(4) {
			links = append(links, profile.Link{A: anchors[rnd.IntN(4)], B: anchors[rnd.IntN(4)], At: clientele.Micros(moment())})
		}
		want, ok := told(all, links)
		for range 3 {
			rnd.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
			rnd.Shuffle(len(links), func(i, j int) { links[i], links[j] = links[j], links[i] })
			rnd.Shuffle(len(anchors), func(i, j int) { anchors[i], anchors[j] = anchors[j], anchors[i] })
			c := effective(t, anchors, all, links, "")
			if (c != nil) != ok || c != nil && c.Granted != want {
				t.Fatalf("seed %d: %+v, want %v\n%v\n%v", seed, c, want, all, links)
			}
		}
		for _, a := range anchors { // unmerged
			last := said{at: -1}
			for _, s := range all {
				if s.by == a && s.at > last.at {
					last = s
				}
			}
			if c := effective(t, []clientele.Anchor{a}, all, nil, ""); (c != nil) != (last.at >= 0) || c != nil && (c.Granted != last.granted || int(c.At) != last.at) {
				t.Fatalf("seed %d: anchor %d alone has %+v, it said %+v", seed, a, c, last)
			}
		}
	}
}

func told(all []said, links []profile.Link) (granted, ok bool) {
	part := map[clientele.Anchor]int{1: 1, 2: 2, 3: 3, 4: 4}
	holds := map[int]*bool{}
	stricter := func(a, b *bool) *bool {
		if a == nil || b != nil && !*b {
			return b
		}
		return a
	}
	for now := range 200 {
		for _, s := range all {
			if s.at == now {
				holds[part[s.by]] = &s.granted
			}
		}
		for _, l := range links {
			if a, b := part[l.A], part[l.B]; int(l.At) == now && a != b {
				holds[a], holds[b] = stricter(holds[a], holds[b]), nil
				for x, p := range part {
					if p == b {
						part[x] = a
					}
				}
			}
		}
	}
	var end *bool
	for _, h := range holds {
		end = stricter(end, h)
	}
	if end == nil {
		return false, false
	}
	return *end, true
}
