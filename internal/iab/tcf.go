// Package iab reads the consent strings of the Interactive Advertising Bureau and says what they
// decide, by purpose, in this product's words. It reads what is decided, not for which vendor.
//
// Sources, all of them public: "Transparency and Consent String with Global Vendor & CMP List
// Formats" version 2.x (github.com/InteractiveAdvertisingBureau/GDPR-Transparency-and-Consent-Framework),
// "Global Privacy Platform: Consent String Specification" and the "Privacy Technical
// Specification" of each US section (.../Global-Privacy-Platform), and "US Privacy String" 1.0
// (.../USPrivacy). docs/privacy.md has the table of purposes.
package iab

import (
	"fmt"
	"strings"

	"clientele"
)

// tcfPurposes says which of our purposes needs which of the framework's.
var tcfPurposes = []struct {
	purpose string
	needs   []int
}{
	{clientele.PurposeStorage, []int{1}},
	{clientele.PurposeAdvertising, []int{2, 7}},
	{clientele.PurposeTargetedAdvertising, []int{3, 4}},
	{clientele.PurposePersonalization, []int{5, 6}},
	{clientele.PurposeAnalytics, []int{8, 9}},
	{clientele.PurposeImprovement, []int{10}},
	{clientele.PurposeContent, []int{11}},
}

// TCF reads the core segment of a TC string, version 2. A purpose is granted when the person has
// consented to all that it needs, and denied otherwise: a legitimate interest is no consent.
// Invalid when it is none.
func TCF(s string) ([]clientele.ConsentRequest, error) {
	if len(s) > maxString {
		return nil, unreadable("it is too long")
	}
	core, _, _ := strings.Cut(s, ".")
	r, err := segment(core)
	if err != nil {
		return nil, err
	}
	if version := r.int(6); version != 2 {
		return nil, unreadable(fmt.Sprintf("version %d of the TCF is not known", version))
	}
	r.skip(36 + 36 + 12 + 12 + 6 + 12) // created, updated, CMP, its version, screen, language
	vendorList, policy := r.int(12), r.int(6)
	r.skip(1 + 1 + 12) // service specific, non-standard texts, special features
	consents := r.int(24)
	r.skip(24 + 1) // legitimate interests, purpose one treatment
	country := r.letters(2)
	if r.short {
		return nil, unreadable("it is cut short")
	}
	jurisdiction := "EU"
	if country != "AA" && country[0] <= 'Z' && country[1] <= 'Z' { // AA says that there is no one country
		jurisdiction = country
	}
	granted := func(p int) bool { return consents>>(24-p)&1 == 1 }
	out := make([]clientele.ConsentRequest, 0, len(tcfPurposes))
	for _, p := range tcfPurposes {
		if p.purpose == clientele.PurposeContent && policy < 4 {
			continue // its purpose 11 came with policy 4: an older string says nothing of it
		}
		all := true
		for _, n := range p.needs {
			all = all && granted(n)
		}
		out = append(out, clientele.ConsentRequest{Purpose: p.purpose, Granted: all, LegalBasis: "consent", Jurisdiction: jurisdiction,
			TextVersion: fmt.Sprintf("tcf-policy-%d vendor-list-%d", policy, vendorList)})
	}
	return out, nil
}
