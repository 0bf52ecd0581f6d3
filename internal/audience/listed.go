package audience

import "fmt"

// Listed tests whether the profile is on the list of an audience: what an uploaded file or a query
// named. The resolver writes it for static and SQL audiences; others refer to those by name.
type Listed struct{ Audience string }

func (*Listed) condition() {}

// Listing is the audience whose list the condition asks for; "" when it asks for none.
func Listing(c Condition) string {
	for _, l := range Leaves(c) {
		if l, ok := l.(*Listed); ok {
			return l.Audience
		}
	}
	return ""
}

func listedSQL(c *Listed) string {
	return fmt.Sprintf("select profile_id from audience_lists where profile_id is not null and audience = %s", literalSQL(c.Audience))
}

// Listed adds those that ask for the audience's list.
func (p *Plan) Listed(t Touched, name string) { t.add(p.lists[name]) }
