// Package role says what each of the roles may do and whose data it sees. It is the one table of it: the API asks it for
// every request, the console for what to show.
package role

import (
	"maps"
	"slices"

	"clientele"
)

// Role is what a person, or a token that was made with one, is to the program.
type Role string

// The roles.
const (
	Viewer       Role = "viewer"
	Executive    Role = "executive"
	ServiceAgent Role = "service_agent"
	Marketer     Role = "marketer"
	Analyst      Role = "analyst"
	Admin        Role = "admin"
)

// Right is what an operation of the API needs.
type Right string

// The rights.
const (
	Self       Right = "self"       // what everybody may who is somebody: who am I, my password
	Figures    Right = "figures"    // counts, answers, definitions, how the program is doing
	People     Right = "people"     // customers, one by one
	Records    Right = "records"    // events as they came, in quarantine and in trials
	Serve      Right = "serve"      // what is done for a customer: consent, merge and unmerge, match reviews
	Contribute Right = "contribute" // saved questions, dashboards, goals; comments
	Audiences  Right = "audiences"  // audiences, computed traits, the lifecycle
	Approve    Right = "approve"    // to bring into force what others have drafted
	Data       Right = "data"       // tracking plans, transform rules, replay, imports, runs of matching
	SQL        Right = "sql"        // SQL, over tables without what is personal; over all of them with Export
	Export     Right = "export"     // rows that leave as files
	Govern     Right = "govern"     // people and tokens, the audit log, erasure and access, retention, backups
)

// Sight is what of people's data is shown.
type Sight int

// From nothing to all.
const (
	Nothing Sight = iota // nobody's data, not even who is meant: profile ids are left out
	Masked               // profile ids; personal fields without what would identify somebody
	Clear
)

func (s Sight) String() string { return [...]string{"nothing", "masked", "clear"}[s] }

// MarshalText makes JSON of it.
func (s Sight) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (s *Sight) UnmarshalText(b []byte) error {
	for _, known := range []Sight{Nothing, Masked, Clear} {
		if known.String() == string(b) {
			*s = known
			return nil
		}
	}
	return clientele.Errorf(clientele.Invalid, "there is no sight of that name")
}

type grant struct {
	sight  Sight
	rights []Right
}

// table is the whole of it; docs/users.md shows it to people.
var table = map[Role]grant{
	Viewer:       {Masked, []Right{Self, Figures, People, SQL}},
	Executive:    {Nothing, []Right{Self, Figures, Contribute, Approve}},
	ServiceAgent: {Clear, []Right{Self, Figures, People, Serve, Contribute}},
	Marketer:     {Clear, []Right{Self, Figures, People, Records, Contribute, Audiences, SQL}},
	Analyst:      {Masked, []Right{Self, Figures, People, Records, Contribute, Audiences, Data, SQL}},
	Admin:        {Clear, []Right{Self, Figures, People, Records, Serve, Contribute, Audiences, Approve, Data, SQL, Export, Govern}},
}

// All are the roles, by name.
func All() []Role { return slices.Sorted(maps.Keys(table)) }

// Known says whether there is such a role.
func (r Role) Known() bool { _, ok := table[r]; return ok }

// May says whether the role has the right.
func (r Role) May(right Right) bool { return slices.Contains(table[r].rights, right) }

// Rights are those of the role.
func (r Role) Rights() []Right { return slices.Clone(table[r].rights) }

// MaskedSQL says whether the role's SQL reads tables without what is personal: so it is for all who may not take rows out.
func (r Role) MaskedSQL() bool { return !r.May(Export) }

// Sight is what the role sees of people.
func (r Role) Sight() Sight { return table[r].sight }
