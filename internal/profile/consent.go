package profile

import (
	"cmp"
	"maps"
	"slices"

	"clientele"
)

// Link says since when two anchors are one person's.
type Link struct {
	A, B clientele.Anchor
	At   clientele.Micros
}

// Consents are the decisions of a person of several anchors, by purpose and channel. heads are
// those of the anchors, in their order; links is asked only when more than one anchor has
// something to say.
//
// The rule: what one anchor decides later holds against what it decided before. When two anchors
// become one person, of what each side had decided until then the stricter holds; a decision
// made after that link holds against both. Decisions stay on their anchors, so when the
// anchors are taken apart again each has its own back.
func Consents(anchors []clientele.Anchor, heads []*Head, links func() ([]Link, error)) ([]clientele.Consent, error) {
	keys := map[ConsentKey]bool{}
	for _, h := range heads {
		if h != nil && h.Said != nil {
			for k := range h.Said.Consents {
				keys[k] = true
			}
		}
	}
	links = once(links)
	out := []clientele.Consent{}
	for _, k := range slices.SortedFunc(maps.Keys(keys), func(a, b ConsentKey) int {
		return cmp.Or(cmp.Compare(a.Purpose, b.Purpose), cmp.Compare(a.Channel, b.Channel))
	}) {
		c, err := Effective(anchors, heads, links, k)
		if err != nil {
			return nil, err
		}
		out = append(out, *c)
	}
	return out, nil
}

func once(links func() ([]Link, error)) func() ([]Link, error) {
	var have []Link
	asked := false
	return func() (_ []Link, err error) {
		if !asked {
			have, err = links()
			asked = err == nil
		}
		return have, err
	}
}

// Effective is the decision that holds for the purpose on the channel, nil when there is none. A
// decision for every channel and one for the channel are of equal rank: the later holds.
func Effective(anchors []clientele.Anchor, heads []*Head, links func() ([]Link, error), key ConsentKey) (*clientele.Consent, error) {
	said := map[clientele.Anchor]*Consent{}
	for i, h := range heads {
		if h == nil || h.Said == nil {
			continue
		}
		c := h.Said.Consents[key]
		if all := h.Said.Consents[ConsentKey{Purpose: key.Purpose}]; all != nil && key.Channel != "" {
			if c == nil {
				c = all
			}
			c = latest(c, all)
		}
		if c != nil {
			said[anchors[i]] = c
		}
	}
	var c *Consent
	switch len(said) {
	case 0:
		return nil, nil
	case 1:
		for _, only := range said {
			c = only
		}
	default:
		all, err := links()
		if err != nil {
			return nil, err
		}
		c = history(said, all)
	}
	return &clientele.Consent{Purpose: key.Purpose, Channel: key.Channel, Granted: c.Granted, At: c.Stamp.At, Source: c.Stamp.Source, Event: c.Stamp.ID,
		LegalBasis: c.LegalBasis, Jurisdiction: c.Jurisdiction, TextVersion: c.TextVersion, ExpiresAt: c.Expires}, nil
}

// history goes through decisions and links in the order of their times: a decision replaces what
// its part of the person held, a link leaves the stricter of two parts. At the same moment the
// decision was before the link. An anchor's last decision is enough: it replaces all its earlier
// ones wherever those had reached.
func history(said map[clientele.Anchor]*Consent, links []Link) *Consent {
	type step struct {
		at   clientele.Micros
		link *Link
		by   clientele.Anchor
	}
	var steps []step
	part, holds := map[clientele.Anchor]clientele.Anchor{}, map[clientele.Anchor]*Consent{}
	for a := range said {
		steps = append(steps, step{at: said[a].Stamp.At, by: a})
		part[a] = a
	}
	for i := range links {
		steps = append(steps, step{at: links[i].At, link: &links[i]})
		part[links[i].A], part[links[i].B] = links[i].A, links[i].B
	}
	slices.SortFunc(steps, func(x, y step) int {
		if c := cmp.Compare(x.at, y.at); c != 0 || x.link != nil && y.link != nil {
			return c
		}
		switch {
		case x.link != nil:
			return 1
		case y.link != nil:
			return -1
		}
		return said[x.by].Stamp.Compare(said[y.by].Stamp)
	})
	var root func(a clientele.Anchor) clientele.Anchor
	root = func(a clientele.Anchor) clientele.Anchor {
		if part[a] != a {
			part[a] = root(part[a])
		}
		return part[a]
	}
	for _, s := range steps {
		if s.link == nil {
			r := root(s.by)
			have := holds[r]
			if holds[r] = said[s.by]; have != nil && have.Stamp == said[s.by].Stamp {
				holds[r] = latest(have, said[s.by])
			}
			continue
		}
		a, b := root(s.link.A), root(s.link.B)
		if a == b {
			continue
		}
		part[b] = a
		holds[a] = stricter(holds[a], holds[b])
	}
	var c *Consent // parts that no link joins are one person by other means: the stricter
	for a := range part {
		if root(a) == a {
			c = stricter(c, holds[a])
		}
	}
	return c
}

// stricter is the refusal of two decisions, otherwise the later.
func stricter(a, b *Consent) *Consent {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	case a.Granted != b.Granted && a.Granted:
		return b
	case a.Granted != b.Granted:
		return a
	}
	return latest(a, b)
}
