package linkage

import (
	"strings"
	"unicode"
)

// Role says what a column holds, and so how it is normalised, compared and blocked by.
type Role string

// The roles. A configuration names them so.
const (
	GivenName    Role = "given_name"
	MiddleName   Role = "middle_name"
	Surname      Role = "surname"
	FullName     Role = "full_name"
	Organisation Role = "organisation"
	BirthDate    Role = "birth_date"
	BirthYear    Role = "birth_year"
	BirthMonth   Role = "birth_month"
	BirthDay     Role = "birth_day"
	Email        Role = "email"
	Phone        Role = "phone"
	Postcode     Role = "postcode"
	HouseNumber  Role = "house_number"
	Address      Role = "address"
	City         Role = "city"
	Region       Role = "region"
	Identifier   Role = "identifier" // a number that one person has: passport, loyalty card
	Category     Role = "category"   // one of a few words: gender, occupation
	Number       Role = "number"     // a quantity
	Text         Role = "text"       // anything else in words
	Ignored      Role = "ignore"
)

// Roles are all of them, as a configuration may name them.
var Roles = []Role{GivenName, MiddleName, Surname, FullName, Organisation, BirthDate, BirthYear, BirthMonth, BirthDay, Email, Phone, Postcode,
	HouseNumber, Address, City, Region, Identifier, Category, Number, Text, Ignored}

// Choice is the role of one column and why.
type Choice struct {
	Column string `json:"column"`
	Role   Role   `json:"role"`
	Why    string `json:"why"`

	unsure bool // nothing but the values says so, and they say little
}

// headerList has names of columns, as words run together, for what they hold. The names are those of common
// exports and of the fields' usual abbreviations, in English and a few more languages.

var headerList = []struct {
	role  Role
	names string
}{
	{GivenName, "givenname given firstname first fname fn forename forenames namefirst firstnm vorname prenom nombre nome christianname fnamec1 fnamec2 givennames primarynamefirst"},
	{MiddleName, "middlename middle mname namemiddle middleinitial mi secondname primarynamemiddle middlenames"},
	{Surname, "surname lastname last lname sn ln sname familyname family namelast lastnm nachname apellido apellidos cognome nomdefamille lnamec1 lnamec2 primarynamelast maidenname"},
	{FullName, "fullname name customername personname contactname namefull displayname firstandsurname primarynamefull nativenamefull clientname patientname membername " +
		"accountholder recipient aliasname alias secondarynamefull akaname nameandsurname"},
	{Organisation, "organisation organization company companyname orgname nameorg employer business businessname primarynameorg secondarynameorg firma account accountname legalname"},
	{BirthDate, "dob dateofbirth birthdate birthday bday datebirth birthdt born geburtsdatum datenaissance fechanacimiento datanascita birth"},
	{BirthYear, "by birthyear yearofbirth yob byear birthyr"},
	{BirthMonth, "bm birthmonth monthofbirth mob bmonth"},
	{BirthDay, "bd dayofbirth birthdayofmonth bday2"},
	{Email, "email emailaddress mail mailaddress emailaddr emails electronicmail emailid contactemail primaryemail workemail homeemail"},
	{Phone, "phone phonenumber telephone tel telefon mobile mobilephone cell cellphone mobilenumber phoneno telno telephonenumber homephone workphone contactnumber handy fax msisdn phonenum phones"},
	{Postcode, "postcode postalcode zip zipcode zip5 plz postal addrpostalcode addresspostalcode codepostal postcodefake cap cp pincode zippostalcode addrzip"},
	{HouseNumber, "housenumber streetnumber houseno streetno hausnummer housenum streetnum addrnumber"},
	{Address, "address address1 street streetaddress addr addr1 addressline1 addrline1 addrfull fulladdress strasse adresse direccion streetname addressline line1 mailingaddress postaladdress billingaddress shippingaddress homeaddress residence"},
	{Text, "address2 addr2 addressline2 addrline2 line2 birthplace placeofbirth"},
	{City, "city town suburb locality ort stadt ville ciudad citta addrcity placename village municipality place"},
	{Region, "state province region county addrstate statecode canton bundesland department country countrycode addrcountry nationality"},
	{Identifier, "ssn socsecid socialsecuritynumber socialsecurity ssnnumber nationalid nationalidnumber passport passportnumber driverslicense driverslicensenumber driverlicense licensenumber licencenumber " +
		"taxid taxidnumber taxnumber vat vatnumber loyaltyid loyaltynumber cardnumber customerid customernumber customerno clientid memberid membernumber accountid accountnumber userid patientid " +
		"nhsnumber mrn medicalrecordnumber employeeid studentid leinumber lei externalid deviceid npinumber iban insurancenumber policynumber nino dunsnumber"},
	{Category, "gender sex occupation job profession title salutation maritalstatus language race ethnicity"},
	{Ignored, "id rid record recid recordid rowid row rownumber rownum index idx uniqueid uuid guid recordkey recordno recno pk seq sequence line lineno linenumber datasource source sourcesystem sourceid sourcename system filename " +
		"created createdat createddate updated updatedat updateddate modified modifiedat lastmodified lastupdated timestamp date time datetime inserted insertedat signupdate registered registeredat lastseen firstseen lastlogin " +
		"amount total price revenue spend balance notes note comment comments description hash checksum batch batchid loaddate version"},
}

// entityWords are names of columns that hold the answer in test data: who is who. A matcher that reads
// them proves nothing.
var entityWords = map[string]bool{"cluster": true, "clusterid": true, "entity": true, "entityid": true, "entid": true, "truth": true, "groundtruth": true, "groupid": true, "trueid": true,
	"matchid": true, "label": true, "persontruth": true, "trueentity": true, "goldid": true, "gold": true, "testgroup": true}

// wordsOf splits a column's name where its parts meet: "PrimaryName_Last1" = primary name last 1.
func wordsOf(header string) []string {
	var b strings.Builder
	var before rune
	for _, r := range latin(shorten(header)) {
		switch {
		case unicode.IsUpper(r) && unicode.IsLower(before), unicode.IsDigit(r) != unicode.IsDigit(before) && before != 0:
			b.WriteByte(' ')
		}
		before = r
		if r == '_' || r == '.' || r == '-' || r == '/' || !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			b.WriteByte(' ')
			continue
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return strings.Fields(b.String())
}

// RoleOf is what a column's name says it holds; "" when it says nothing.
func RoleOf(column string) Role { return headerRole(column) }

// headerRole is what a column's name says it holds; "" when it says nothing. Words that tell one of several of
// the same kind apart (home, work, primary, 1, 2) are left out, then those in front, one by one.
func headerRole(header string) Role {
	words := wordsOf(header)
	if r := lookUpHeader(strings.Join(words, "")); r != "" {
		return r
	}
	kept := words[:0:0]
	for _, w := range words {
		if !siblingWords[w] && !(len(w) <= 2 && w[0] >= '0' && w[0] <= '9') {
			kept = append(kept, w)
		}
	}
	if n := len(words); n > 0 && aboutRecord[words[n-1]] {
		return Ignored
	}
	for from := range kept {
		if r := lookUpHeader(strings.Join(kept[from:], "")); r != "" && (from == 0 || r != Ignored) {
			return r
		}
	}
	for to := len(kept) - 1; to > 0; to-- {
		if r := lookUpHeader(strings.Join(kept[:to], "")); r != "" && r != Ignored && r != FullName {
			return r
		}
	}
	return ""
}

var siblingWords = map[string]bool{"home": true, "work": true, "primary": true, "secondary": true, "main": true, "other": true, "alt": true, "alternate": true, "billing": true, "shipping": true,
	"mailing": true, "customer": true, "client": true, "person": true, "contact": true, "patient": true, "member": true, "user": true, "personal": true, "business": true, "current": true, "old": true, "previous": true,
	"clean": true, "raw": true, "norm": true, "normalised": true, "normalized": true, "std": true, "features": true}

// aboutRecord are last words of names of columns that say what a record is, not who.
var aboutRecord = map[string]bool{"type": true, "status": true, "category": true, "role": true, "key": true, "flag": true, "segment": true, "tier": true, "level": true, "class": true,
	"relationship": true, "consent": true, "optin": true, "active": true, "verified": true, "score": true, "rank": true, "channel": true, "stage": true}

func lookUpHeader(name string) Role {
	if entityWords[name] {
		return Ignored
	}
	for _, l := range headerList {
		for n := range strings.FieldsSeq(l.names) {
			if n == name {
				return l.role
			}
		}
	}
	return ""
}
