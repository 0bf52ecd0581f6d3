package role

import (
	"regexp"
	"strings"
)

// Personal knows which fields say who somebody is. A field is a trait, a property of an event at any depth, a column of
// SQL or a namespace of identifiers, whatever the case of its letters and whatever stands between its words. One that is
// written traits.name is meant only where it is said of a person: products have names, too.
type Personal struct {
	anywhere map[string]bool
	inTraits map[string]bool
}

// DefaultPersonal are the fields where the configuration names none.
func DefaultPersonal() []string {
	return []string{
		"email", "mail", "phone", "phone_number", "mobile", "telephone", "tel", "fax", "msisdn", "whatsapp", "line_id",
		"traits.name", "full_name", "first_name", "last_name", "middle_name", "given_name", "family_name", "surname", "maiden_name", "nickname", "traits.username", "display_name",
		"address", "street", "address1", "address2", "address_line1", "address_line2", "house_number", "postcode", "postal_code", "zip", "zip_code", "delivery_address", "billing_address", "shipping_address",
		"birthday", "birth_date", "date_of_birth", "dob", "passport", "national_id", "id_number", "tax_id", "ssn", "iban", "account_number", "card", "card_number",
		"ip", "ip_address", "latitude", "longitude", "photo", "avatar", "signature", "religion", "ethnicity", "health", "diagnosis",
		"user_id", "anonymous_id", "previous_id", "device_id",
	}
}

// NewPersonal knows the fields of the list, or the default ones when it is empty.
func NewPersonal(fields []string) *Personal {
	if len(fields) == 0 {
		fields = DefaultPersonal()
	}
	p := &Personal{map[string]bool{}, map[string]bool{}}
	for _, f := range fields {
		if rest, ok := strings.CutPrefix(f, "traits."); ok {
			p.inTraits[folded(rest)] = true
		} else {
			p.anywhere[folded(f)] = true
		}
	}
	return p
}

var between = strings.NewReplacer("_", "", "-", "", " ", "", ".", "")

func folded(name string) string { return between.Replace(strings.ToLower(name)) }

// Field says whether the field is personal; of says of what it is: "traits", "profiles" and "identifiers" of a person.
func (p *Personal) Field(of, name string) bool {
	f := folded(name)
	if p.anywhere[f] {
		return true
	}
	switch of {
	case "traits", "profiles", "identifiers", "computed", "predictions":
		return p.inTraits[f]
	}
	return false
}

// Named says whether a name that a question asks by is that of a personal field, or of a document that holds them:
// "email", "traits.name", "properties.contact.email", "profiles.phone". A bare name may be a trait.
func (p *Personal) Named(name string) bool {
	of, last := "traits", name
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		of, last = name[:i], name[i+1:]
		if j := strings.LastIndexByte(of, '.'); j >= 0 {
			of = of[j+1:]
		}
	}
	switch folded(last) {
	case "traits", "properties", "context":
		return true
	}
	return p.Field(of, last)
}

// What stands in the place of what is not shown.
const hidden = "•••"

var (
	emailInText = regexp.MustCompile(`[A-Za-z0-9._%+'-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}`)
	phoneInText = regexp.MustCompile(`\+[0-9][0-9 ()-]{6,16}[0-9]`)
	dateAlone   = regexp.MustCompile(`^[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}$|^[0-9]{1,2}[-/.][0-9]{1,2}[-/.][0-9]{4}$`)
	phoneAlone  = regexp.MustCompile(`^\+?[0-9][0-9 ()./-]{5,18}[0-9]$`)
)

// MaskText hides e-mail addresses and international telephone numbers wherever they stand in a text.
func MaskText(s string) string {
	if strings.IndexByte(s, '@') >= 0 {
		s = emailInText.ReplaceAllStringFunc(s, maskEmail)
	}
	if strings.IndexByte(s, '+') >= 0 {
		s = phoneInText.ReplaceAllStringFunc(s, maskPhone)
	}
	return s
}

// MaskValue is what is shown of the value of a personal field: enough of an address or a telephone number for a person
// on the line to confirm it, nothing of anything else.
func MaskValue(s string) string {
	switch {
	case s == "":
		return ""
	case emailInText.FindString(s) == s:
		return maskEmail(s)
	case phoneAlone.MatchString(s) && !dateAlone.MatchString(s):
		return maskPhone(s)
	}
	return hidden
}

// maskEmail keeps the first letter and the domain.
func maskEmail(s string) string {
	name, domain, _ := strings.Cut(s, "@")
	return name[:1] + hidden + "@" + domain
}

// maskPhone keeps the last two digits.
func maskPhone(s string) string { return hidden + s[len(s)-2:] }
