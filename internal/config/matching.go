package config

import "time"

// Matching finds people who share no identifier by what they say of themselves.
type Matching struct {
	Every      Duration          `yaml:"every"`       // how often it runs by itself; 0: only when somebody asks
	Merge      Ratio             `yaml:"merge"`       // probability from which two profiles become one
	Review     Ratio             `yaml:"review"`      // probability from which they wait in the review queue
	MaxChurn   Ratio             `yaml:"max_churn"`   // share of the people compared; a run that regroups more waits for approval
	MaxReviews int               `yaml:"max_reviews"` // pairs in the review queue at most, the likeliest
	Online     bool              `yaml:"online"`      // match people as they come, by what the last run learned
	Burst      Ratio             `yaml:"burst"`       // share of the people compared; more online matches in an hour wait for somebody
	Memory     Size              `yaml:"memory"`      // of the index that online matching keeps, at most
	Roles      map[string]string `yaml:"roles"`       // of traits, where the guess is wrong: {nickname: given_name, plan: ignore}
}

// leastEvery keeps a run from following upon the other.
const leastEvery = 10 * time.Minute

// leastIndex is the least memory of an index.
const leastIndex = 64 * MB

// matchRoles are what a trait can be taken for: those of internal/linkage.
var matchRoles = map[string]bool{"given_name": true, "middle_name": true, "surname": true, "full_name": true, "organisation": true, "birth_date": true, "birth_year": true,
	"birth_month": true, "birth_day": true, "email": true, "phone": true, "postcode": true, "house_number": true, "address": true, "city": true, "region": true,
	"identifier": true, "category": true, "number": true, "text": true, "ignore": true}

func (v *validator) matching(m Matching) {
	if m.Every < 0 || m.Every > 0 && time.Duration(m.Every) < leastEvery {
		v.wrong("matching.every", "is under 10 minutes", "24h is a good start; 0 runs only when somebody asks")
	}
	if !(m.Review > 0 && m.Review <= m.Merge && m.Merge < 1) {
		v.wrong("matching", "has thresholds that are not 0 < review <= merge < 1", "0.5 and 0.95 are the defaults")
	}
	if !(m.MaxChurn >= 0 && m.MaxChurn <= 1) {
		v.wrong("matching.max_churn", "is not between 0 and 1", "0.1 is the default: a run that regroups more than a tenth waits; 1 never waits")
	}
	if m.MaxReviews < 0 || m.MaxReviews > 1_000_000 {
		v.wrong("matching.max_reviews", "is not between 0 and 1000000", "10000 is the default")
	}
	if !(m.Burst > 0 && m.Burst <= 1) {
		v.wrong("matching.burst", "is not over 0 and up to 1", "0.01 is the default: one in a hundred people in an hour")
	}
	if m.Memory < leastIndex {
		v.wrong("matching.memory", "is under 64MB", "a million people take about 600MB; 2GB is the default")
	}
	for trait, role := range m.Roles {
		if !matchRoles[role] {
			v.wrong("matching.roles."+trait, "is not a role", "for example given_name, surname, birth_date, postcode, address, ignore")
		}
	}
}
