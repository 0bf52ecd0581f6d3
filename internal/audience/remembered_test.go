package audience_test

import (
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"clientele"
	"clientele/internal/audience"
)

// remembered are facts that keep what they were asked for: a test asks for the same many thousand times.
type remembered struct {
	audience.Facts
	traits   map[string]jsontext.Value
	consents map[[2]string]*clientele.Consent
	ids      []clientele.ProfileIdentifier
	events   map[string][]*audience.Occurrence
	lines    []audience.OrderLine
	lined    bool
	messages []*audience.Occurrence
	asked    bool
}

func remember(f audience.Facts) *remembered {
	return &remembered{Facts: f, traits: map[string]jsontext.Value{}, consents: map[[2]string]*clientele.Consent{}, events: map[string][]*audience.Occurrence{}}
}

func (r *remembered) Trait(name string) (v jsontext.Value, err error) {
	v, ok := r.traits[name]
	if !ok {
		v, err = r.Facts.Trait(name)
		r.traits[name] = v
	}
	return v, err
}

func (r *remembered) Consent(purpose, channel string) (c *clientele.Consent, err error) {
	c, ok := r.consents[[2]string{purpose, channel}]
	if !ok {
		c, err = r.Facts.Consent(purpose, channel)
		r.consents[[2]string{purpose, channel}] = c
	}
	return c, err
}

func (r *remembered) Identifiers() (_ []clientele.ProfileIdentifier, err error) {
	if r.ids == nil {
		r.ids, err = r.Facts.Identifiers()
	}
	return r.ids, err
}

func (r *remembered) OrderLines(fn func(audience.OrderLine) error) error {
	if !r.lined {
		r.lined = true
		if err := r.Facts.OrderLines(func(l audience.OrderLine) error { r.lines = append(r.lines, l); return nil }); err != nil {
			return err
		}
	}
	for _, l := range r.lines {
		if err := fn(l); err != nil {
			return err
		}
	}
	return nil
}

func (r *remembered) Events(name string, from, to clientele.Micros, fn func(*audience.Occurrence) error) error {
	all, ok := r.events[name]
	if !ok {
		if err := r.Facts.Events(name, clientele.MinTime, clientele.MaxTime, func(o *audience.Occurrence) error { all = append(all, o); return nil }); err != nil {
			return err
		}
		r.events[name] = all
	}
	return inRange(all, from, to, fn)
}

func inRange(all []*audience.Occurrence, from, to clientele.Micros, fn func(*audience.Occurrence) error) error {
	for _, o := range all {
		if o.At >= from && o.At <= to {
			if err := fn(o); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *remembered) Messages(from, to clientele.Micros, fn func(*audience.Occurrence) error) error {
	if !r.asked {
		r.asked = true
		if err := r.Facts.Messages(clientele.MinTime, clientele.MaxTime, func(o *audience.Occurrence) error { r.messages = append(r.messages, o); return nil }); err != nil {
			return err
		}
	}
	return inRange(r.messages, from, to, fn)
}

func (r *remembered) Hits(c *audience.Counted, from, to clientele.Micros) (out []audience.Hit, err error) {
	err = r.Events(c.Name, from, to, func(o *audience.Occurrence) error {
		if h, ok := c.Match(o); ok {
			out = append(out, h)
		}
		return nil
	})
	slices.SortFunc(out, func(a, b audience.Hit) int { return a.Compare(b.Stamp) })
	return out, err
}
