// Package identity makes one person of many identifiers: it decides which identifiers are
// usable, which of them belong together, and why. The partition of identifiers into people is
// a function of the set of live evidence, never of the order in which it arrived.
package identity

import (
	"fmt"
	"maps"
	"regexp"
	"strings"

	"clientele"
)

// genericDefaults is how many people one value may be joined to before it stops identifying:
// research on commercial resolvers found 3 users of a device, 8 names of an e-mail address and
// 20 of a phone number to be the points where a value says more about a household or a shop.
var genericDefaults = map[clientele.Namespace]int{
	clientele.AnonymousID: 3, clientele.DeviceID: 3, clientele.Email: 8, clientele.Phone: 20,
}

const genericDefault = 20

// Rules are checked identity rules, ready for use.
type Rules struct {
	clientele.IdentityRules
	blocked map[clientele.Namespace]matcher
	static  matcher
}

type matcher struct {
	values   map[string]bool
	patterns []*regexp.Regexp
}

// never are values that name nobody whatever the namespace: what programs write when they do
// not know. Compared in lower case.
var never = map[string]bool{
	"null": true, "(null)": true, "nil": true, "none": true, "undefined": true, "unknown": true, "anonymous": true, "guest": true,
	"nan": true, "n/a": true, "na": true, "-1": true, "[object object]": true, "{}": true, "[]": true,
	"not set": true, "(not set)": true, "not_set": true, "invalid": true,
}

// NewRules checks rules and completes them by the defaults: a limit of at least 1, patterns
// that compile.
func NewRules(in clientele.IdentityRules) (*Rules, error) {
	def := clientele.DefaultIdentityRules()
	r := &Rules{IdentityRules: in, blocked: map[clientele.Namespace]matcher{}}
	r.Namespaces = maps.Clone(def.Namespaces)
	maps.Copy(r.Namespaces, in.Namespaces)
	if r.Default.Limit == 0 && !r.Default.Unique {
		r.Default.Limit = def.Default.Limit
	}
	var err error
	if r.Default, err = complete("default", r.Default); err != nil {
		return nil, err
	}
	for ns, rule := range r.Namespaces {
		if rule, err = complete(ns, rule); err != nil {
			return nil, err
		}
		r.Namespaces[ns] = rule
		m, err := compile(ns, rule.Blocked)
		if err != nil {
			return nil, err
		}
		r.blocked[ns] = m
	}
	r.static, err = compile("default", r.Default.Blocked)
	return r, err
}

func complete(ns clientele.Namespace, rule clientele.NamespaceRule) (clientele.NamespaceRule, error) {
	if rule.Unique {
		if rule.Limit > 1 {
			return rule, clientele.Errorf(clientele.Invalid, "identity.namespaces.%s: unique means limit 1, not %d", ns, rule.Limit)
		}
		rule.Limit = 1
	}
	if rule.Priority <= 0 {
		rule.Priority = 5
	}
	if rule.Limit <= 0 || rule.Limit > 10_000 || rule.Priority > 1000 || rule.Generic < 0 {
		return rule, clientele.Errorf(clientele.Invalid, "identity.namespaces.%s: limit must be 1 to 10000, priority 1 to 1000, generic 0 or more", ns)
	}
	if rule.Generic == 0 {
		if rule.Generic = genericDefaults[ns]; rule.Generic == 0 {
			rule.Generic = genericDefault
		}
	}
	rule.Unique = rule.Limit == 1
	return rule, nil
}

func compile(ns clientele.Namespace, values []string) (matcher, error) {
	m := matcher{values: map[string]bool{}}
	for _, v := range values {
		if len(v) > 2 && v[0] == '/' && v[len(v)-1] == '/' {
			re, err := regexp.Compile(v[1 : len(v)-1])
			if err != nil {
				return m, clientele.Errorf(clientele.Invalid, "identity.namespaces.%s.blocked: %w", ns, err)
			}
			m.patterns = append(m.patterns, re)
			continue
		}
		m.values[strings.ToLower(v)] = true
	}
	return m, nil
}

func (m matcher) match(v string) bool {
	if m.values[strings.ToLower(v)] {
		return true
	}
	for _, re := range m.patterns {
		if re.MatchString(v) {
			return true
		}
	}
	return false
}

// Rule is the rule of the namespace.
func (r *Rules) Rule(ns clientele.Namespace) clientele.NamespaceRule {
	if rule, ok := r.Namespaces[ns]; ok {
		return rule
	}
	return r.Default
}

// Blocked says whether the value never identifies anybody, by the rules alone.
func (r *Rules) Blocked(id clientele.Identifier) bool {
	v := id.Value
	if never[strings.ToLower(v)] || strings.Trim(v, "0-") == "" {
		return true
	}
	return r.blocked[id.Namespace].match(v) || r.static.match(v)
}

// tooMany is with how many distinct values of the namespace other a value of ns may have been
// seen before it is generic. A namespace of which a person has one counts people; of the
// others a person has up to the limit, so four times that is nobody's own any more.
func (r *Rules) tooMany(ns, other clientele.Namespace) int {
	n := r.Rule(ns).Generic
	if l := r.Rule(other).Limit; l > 1 {
		n = max(n, 4*l)
	}
	return n
}

// Generic says whether a value seen with so many distinct others, by namespace, has stopped
// identifying.
func (r *Rules) Generic(ns clientele.Namespace, degree map[clientele.Namespace]int) bool {
	for other, n := range degree {
		if other != ns && n > r.tooMany(ns, other) {
			return true
		}
	}
	return false
}

// Less orders namespaces by priority, ties by name: the first is the strongest.
func (r *Rules) Less(a, b clientele.Namespace) bool {
	if x, y := r.Rule(a).Priority, r.Rule(b).Priority; x != y {
		return x < y
	}
	return a < b
}

func limitReason(ns clientele.Namespace, limit int) string {
	return fmt.Sprintf("a person has at most %d %s", limit, ns)
}
