package config

import (
	"time"

	"clientele"
)

// Privacy is what holds for everybody's data.
type Privacy struct {
	OptOutPurposes []string `yaml:"opt_out_purposes"` // allowed until a person denies them; all others need a yes
}

// Erase is how erasures are carried out.
type Erase struct {
	PurgeWithin Duration `yaml:"purge_within"` // how long bytes may stay in log, archive and files after a person was erased
}

func defaultErase() Erase { return Erase{PurgeWithin: Duration(7 * 24 * time.Hour)} }

func (v *validator) privacy(p Privacy, e Erase) {
	for _, purpose := range p.OptOutPurposes {
		if c := (clientele.ConsentRequest{Purpose: purpose}); c.Check() != nil {
			v.wrong("privacy.opt_out_purposes", "holds something that is no purpose", "for example sale, sharing")
		}
	}
	if e.PurgeWithin < 0 || e.PurgeWithin > Duration(30*24*time.Hour) {
		v.wrong("erase.purge_within", "is not between 0 and 30 days", "7d is the default; 0s purges at once")
	}
}
