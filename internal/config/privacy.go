package config

import (
	"slices"
	"strings"
	"time"

	"clientele"
)

// Privacy is what holds for everybody's data.
type Privacy struct {
	OptOutPurposes []string `yaml:"opt_out_purposes"` // allowed until a person denies them; all others need a yes
	Personal       []string `yaml:"personal"`         // fields that some roles see masked or not at all; empty: the usual ones
	AnswerWithin   Duration `yaml:"answer_within"`    // by when a person's request is to be answered (GDPR art. 12(3): one month)
}

func defaultPrivacy() Privacy {
	return Privacy{OptOutPurposes: []string{}, Personal: []string{}, AnswerWithin: Duration(30 * 24 * time.Hour)}
}

// Edge is what is taken out of a source's events before they are written anywhere.
type Edge struct {
	IP   string   `yaml:"ip"`   // of the person's address: full (default), truncate, drop
	Hash []string `yaml:"hash"` // members whose values become keyed hashes: userId, traits.email
}

func (v *validator) edge(at string, e Edge) {
	if !slices.Contains([]string{"", "full", "truncate", "drop"}, e.IP) {
		v.wrong(at+": privacy.ip", "is not known", "full, truncate or drop")
	}
	for _, path := range e.Hash {
		if path == "" || slices.Contains(strings.Split(path, "."), "") {
			v.wrong(at+": privacy.hash", "holds something that is no path of an event", "for example userId, traits.email, properties.card")
		}
	}
}

// Erase is how erasures are carried out.
type Erase struct {
	PurgeWithin Duration `yaml:"purge_within"` // how long bytes may stay in log, archive and files after a person was erased
}

func defaultErase() Erase { return Erase{PurgeWithin: Duration(7 * 24 * time.Hour)} }

func (v *validator) retention(rules []clientele.RetentionRule) {
	names := map[string]bool{}
	for i := range rules {
		r := &rules[i]
		if err := r.Check(); err != nil {
			v.wrong("retention", "holds a rule that cannot be: "+err.Error(), clientele.ErrorHint(err))
		} else if names[r.Name] {
			v.wrong("retention", "has two rules of one name", "give each a name of its own")
		}
		names[r.Name] = true
	}
}

func (v *validator) privacy(p Privacy, e Erase) {
	for _, purpose := range p.OptOutPurposes {
		if c := (clientele.ConsentRequest{Purpose: purpose}); c.Check() != nil {
			v.wrong("privacy.opt_out_purposes", "holds something that is no purpose", "for example sale, sharing")
		}
	}
	for _, field := range p.Personal {
		if name, _ := strings.CutPrefix(field, "traits."); name == "" || strings.ContainsAny(name, ".*/ ") {
			v.wrong("privacy.personal", "holds something that is no field", "for example email, traits.name: one word, whatever it stands in, or traits. before it for traits alone")
		}
	}
	if p.AnswerWithin < Duration(24*time.Hour) || p.AnswerWithin > Duration(90*24*time.Hour) {
		v.wrong("privacy.answer_within", "is not between 1 and 90 days", "30d is the default: one month after receipt, GDPR art. 12(3)")
	}
	if e.PurgeWithin < 0 || e.PurgeWithin > Duration(30*24*time.Hour) {
		v.wrong("erase.purge_within", "is not between 0 and 30 days", "7d is the default; 0s purges at once")
	}
}
