package profile

import (
	"maps"
	"slices"
	"strings"

	"clientele"
)

// Enrich has a third party say the traits, and nothing else any more, until they expire. It answers the names of those that are
// others now, and when what the source said before would have expired; 0 for nothing.
func (h *Head) Enrich(traits map[string][]byte, at clientele.Stamp, expires clientele.Micros) (changed []string, before clientele.Micros) {
	s := h.say()
	for name, t := range s.Traits {
		if !t.enriched(name, at.Source) {
			continue
		}
		before = t.Expires
		if _, again := traits[name]; !again {
			delete(s.Traits, name)
			changed = append(changed, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(traits)) {
		if h.Full(name) {
			continue
		}
		if s.Traits == nil {
			s.Traits = map[string]*Trait{}
		}
		s.Traits[name] = &Trait{JSON: traits[name], Stamp: at, Expires: expires}
		changed = append(changed, name)
	}
	slices.Sort(changed)
	return changed, before
}

// enriched says whether the source has said the trait as enrichment.
func (t *Trait) enriched(name, source string) bool {
	return t.Expires != 0 && t.Stamp.Source == source && strings.HasPrefix(name, clientele.EnrichmentPrefix)
}

// Expire takes away what the source said that has expired, and answers the names.
func (h *Head) Expire(source string, now clientele.Micros) (gone []string) {
	if h.Said == nil {
		return nil
	}
	for name, t := range h.Said.Traits {
		if t.enriched(name, source) && t.Expires <= now {
			gone = append(gone, name)
		}
	}
	if len(gone) > 0 {
		for _, name := range gone {
			delete(h.say().Traits, name)
		}
	}
	slices.Sort(gone)
	return gone
}

// Withdraw takes away what the source has said up to the moment, and answers the names.
func (h *Head) Withdraw(source string, at clientele.Micros) (gone []string) {
	if h.Said == nil {
		return nil
	}
	for name, t := range h.Said.Traits {
		if t.enriched(name, source) && t.Stamp.At <= at {
			gone = append(gone, name)
		}
	}
	for _, name := range gone {
		delete(h.say().Traits, name)
	}
	slices.Sort(gone)
	return gone
}

// Until is when each source's enrichment expires.
func (h *Head) Until() map[string]clientele.Micros {
	out := map[string]clientele.Micros{}
	if h == nil || h.Said == nil {
		return out
	}
	for name, t := range h.Said.Traits {
		if t.enriched(name, t.Stamp.Source) {
			out[t.Stamp.Source] = t.Expires
		}
	}
	return out
}
