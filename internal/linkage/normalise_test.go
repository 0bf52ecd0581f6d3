package linkage

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestFold(t *testing.T) {
	for in, want := range map[string]string{
		"Müller": "muller", "Weiß": "weiss", "O'Brien": "obrien", "O’Brien": "obrien", "Anne-Marie": "anne marie", "  Smith ,  J. ": "smith j", "Łukasz": "lukasz", "Søren": "soren",
		"Пётр": "petr", "Ольга": "olga", "Γιώργος": "giorgos", "": "", "!!!": "", "Nguyễn Văn A": "nguyen van a", "李": "li", "ＡＢＣ": "abc", strings.Repeat("x", 1000): strings.Repeat("x", maxText),
	} {
		if got := fold(in); got != want {
			t.Errorf("fold(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestDates(t *testing.T) {
	for _, c := range []struct {
		in    string
		order dateOrder
		want  string
	}{
		{"1978-12-11", monthFirst, "1978-12-11"}, {"19781211", monthFirst, "1978-12-11"}, {"12/11/1978", monthFirst, "1978-12-11"}, {"12/11/1978", dayFirst, "1978-11-12"},
		{"25.12.1978", monthFirst, "1978-12-25"}, {"12/25/1978", dayFirst, "1978-12-25"}, {"Mar 1 1970", monthFirst, "1970-03-01"}, {"17-May-90", monthFirst, "1990-05-17"}, {"1 März 1970", dayFirst, "1970-03-01"},
		{"3/1/70", monthFirst, "1970-03-01"}, {"3/1/04", monthFirst, "2004-03-01"}, {"1970", monthFirst, "1970-00-00"}, {"1970-03", monthFirst, "1970-03-00"}, {"1978-12-11T10:00:00Z", monthFirst, "1978-12-11"},
		{"1978-12-11 10:00:00.000", dayFirst, "1978-12-11"}, {"11121978", dayFirst, "1978-12-11"}, {"1838-89-16", monthFirst, "1838-00-16"}, {"1630-13-05", monthFirst, "1630-05-13"},
		{"5/3/2523", dayFirst, "1980-03-05"}, {"๕/๓/๒๕๒๓", dayFirst, "1980-03-05"}, {"1980年3月5日", monthFirst, "1980-03-05"}, {"1980년 3월 5일", monthFirst, "1980-03-05"}, {"5 juillet 1980", dayFirst, "1980-07-05"},
		{"5 juin 1980", dayFirst, "1980-06-05"}, {"5 июля 1980", dayFirst, "1980-07-05"}, {"5 мая 1980", dayFirst, "1980-05-05"}, {"5 giugno 1980", dayFirst, "1980-06-05"}, {"2700-01-01", monthFirst, ""},
		{"hello", monthFirst, ""}, {"", monthFirst, ""}, {"12", monthFirst, ""}, {"the 5 of it 1970 and more words than a date has ever", monthFirst, ""}, {"99999999999", monthFirst, ""},
	} {
		d, ok := parseDate(c.in, c.order)
		got := ""
		if ok {
			got = d.String()
		}
		if got != c.want {
			t.Errorf("parseDate(%q, %d) = %q, want %q", c.in, c.order, got, c.want)
		}
	}
	if orderOf([]string{"", "12/11/1978", "25/11/1978"}) != dayFirst || orderOf([]string{"12/11/1978", "11/25/1978"}) != monthFirst {
		t.Error("the order of a column is told by a part over 12")
	}
}

func TestContacts(t *testing.T) {
	for in, want := range map[string]string{"  Ann.Smith+shop@GoogleMail.com": "annsmith@gmail.com", "a.b@Example.com": "a.b@example.com", "mailto:x@y.z": "x@y.z", "not an address": "not an address", "@x.y": "",
		"a@bücher.de": "a@xn--bcher-kva.de", "é.x@y.z": "e.x@y.z"} {
		if got := normalEmail(in); got != want {
			t.Errorf("normalEmail(%q) = %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{"+1 (702) 919-1300": "029191300", "702.919.1300 x55": "029191300", "07911 123456": "911123456", "+44 7911 123456": "911123456", "0000000000": "", "12345": "", "n/a": "", "٠١٢٣٤٥٦٧٨٩": "123456789"} {
		if got := normalPhone(in); got != want {
			t.Errorf("normalPhone(%q) = %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string][3]string{"TQ13 8DF": {"tq138df", "tq13", "tq"}, "89132-1234": {"89132", "891", "89"}, "891321234": {"89132", "891", "89"}, "K1A 0B1": {"k1a0b1", "k1a", "k"}, "4011.0": {"4011", "401", "40"}} {
		code := normalPostcode(in)
		if got := [3]string{code, outward(code), area(code)}; got != want {
			t.Errorf("postcode %q: %q, want %q", in, got, want)
		}
	}
}

func TestNames(t *testing.T) {
	for in, want := range map[string]person{
		"Dr Ann B. Smith Jr": {given: "ann", middle: "b", surname: "smith", generation: 2}, "Smith, Ann B.": {given: "ann", middle: "b", surname: "smith"}, "Ludwig van Beethoven": {given: "ludwig", surname: "van beethoven"},
		"Cher": {surname: "cher"}, "": {}, "Mrs": {}, "thomas clifford, 1st": {given: "1st", surname: "thomas clifford"}, "José García III": {given: "jose", surname: "garcia", generation: 3},
	} {
		if got := parseName(in); got != want {
			t.Errorf("parseName(%q) = %+v, want %+v", in, got, want)
		}
	}
	for _, c := range []struct {
		a, b string
		want bool
	}{{"robert", "bob", true}, {"bill", "will", true}, {"robert", "william", false}, {"xyz", "xyz", false}, {"margaret", "peggy", true}, {"jane", "jim", false}} {
		if got := sharesGroup(nicknameGroups(c.a), nicknameGroups(c.b)); got != c.want {
			t.Errorf("%s and %s: %v", c.a, c.b, got)
		}
	}
}

func TestAddresses(t *testing.T) {
	for in, want := range map[string]street{
		"123 Main Street, Las Vegas NV 89132": {"123", "main st", "89132", "las vegas"}, "123 Main St": {number: "123", name: "main st"}, "Apt 4, 123 Main St": {number: "123", name: "main st"},
		"Hauptstraße 12": {number: "12", name: "hauptstr"}, "": {}, "#01-11, 4 Hillview Rise, Singapore 667979": {"4", "hillview rise", "667979", "singapore"}, "PO Box 12": {number: "12", name: "po box"}, "705 Sheppard Ave, Toronto, ON, M1S1T4": {"705", "sheppard ave", "m1s1t4", "on"},
	} {
		if got := parseAddress(in); got != want {
			t.Errorf("parseAddress(%q) = %+v, want %+v", in, got, want)
		}
	}
}

func TestLevels(t *testing.T) {
	level := func(k kind, a, b string) string {
		d := newDictionary(k, nil)
		f := &field{kind: k, dict: d}
		x, y := d.id(a), d.id(b)
		f.count = make([]uint32, 3)
		c := newComparer(&records{given: -1, surname: -1})
		return f.levels()[c.level(0, f, x, y)]
	}
	for _, c := range []struct {
		k          kind
		a, b, want string
	}{
		{kindGiven, "robert", "robert", "same"}, {kindGiven, "robert", "bob", "nickname"}, {kindGiven, "xaviera", "xavierra", "typing error"}, {kindGiven, "r", "robert", "initial or part"}, {kindGiven, "patrick", "patricia", "different"},
		{kindGiven, "john paul", "paul", "initial or part"}, {kindGiven, "b", "robert", "different"}, {kindSurname, "smith", "smyth", "typing error"}, {kindSurname, "meier", "mayr", "sounds alike"}, {kindSurname, "lee", "wong", "different"},
		{kindSurname, "garcia", "garcia lopez", "part or other name"},
		{kindDate, "1978-12-11", "1978-11-12", "day and month swapped"}, {kindDate, "1978-12-11", "1978-12-17", "typing error"}, {kindDate, "1978-12-11", "1987-12-11", "typing error"}, {kindDate, "1978-12-11", "1978-12-29", "two of three parts"},
		{kindDate, "1978-12-11", "1978-03-29", "same year"}, {kindDate, "1978-00-00", "1978-03-29", "same year"}, {kindDate, "1978-12-11", "1960-03-29", "different"}, {kindDate, "1978-12-11", "1979-11-12", "up to two years and one part apart"},
		{kindEmail, "ann@x.com", "ann@y.com", "same before the @"}, {kindEmail, "annsmith@x.com", "annsmiht@x.com", "typing error"}, {kindEmail, "ann@x.com", "bob@x.com", "different"},
		{kindPhone, "029191300", "029191301", "one digit"}, {kindPhone, "129191300", "029191300", "same last seven digits"}, {kindPostcode, "tq138df", "tq138hu", "same district"}, {kindPostcode, "tq138df", "tq138dg", "typing error"},
		{kindAddress, "12|main st", "12|main st", "same"}, {kindAddress, "12|main st", "14|main st", "same street"}, {kindAddress, "12|main st", "12|mian st", "same number, alike street"},
		{kindIdentifier, "10251111", "10252222", "different"}, {kindIdentifier, "10251111", "10251112", "typing error"}, {kindNumber, "100", "103", "within five percent"}, {kindText, "acme holdings", "acme", "shares a word or alike"},
	} {
		if got := level(c.k, c.a, c.b); got != c.want {
			t.Errorf("%q and %q: %s, want %s", c.a, c.b, got, c.want)
		}
		if ab, ba := level(c.k, c.a, c.b), level(c.k, c.b, c.a); ab != ba {
			t.Errorf("%q and %q: %s, the other way %s", c.a, c.b, ab, ba)
		}
	}
}

func TestHeaders(t *testing.T) {
	for header, want := range map[string]Role{"First Name": GivenName, "fn": GivenName, "sn": Surname, "customerLastName": Surname, "E-Mail": Email, "email_address_2": Email, "home_phone": Phone, "date_of_birth": BirthDate, "DOB": BirthDate,
		"postcode_fake": Postcode, "billing zip": Postcode, "rec_id": Ignored, "unique_id": Ignored, "cluster": Ignored, "ent_id": Ignored, "soc_sec_id": Identifier, "loyalty_id": Identifier, "gender": Category, "ADDR_TYPE": Ignored,
		"created_at": Ignored, "by": BirthYear, "Vorname": GivenName, "Geburtsdatum": BirthDate, "xyzzy": "", "PRIMARY_NAME_FULL": FullName, "street_number": HouseNumber, "suburb": City, "birth_place": Text, "FEATURES.SSN_NUMBER": Identifier,
		"Primer apellido": Surname, "Fecha de nacimiento": BirthDate, "F. Nac.": BirthDate, "Tel. contacto": Phone, "C.P.": Postcode, "Nombre y apellidos": FullName, "Фамилия": Surname, "Имя": GivenName, "Отчество": MiddleName,
		"Дата рождения": BirthDate, "ชื่อ": GivenName, "นามสกุล": Surname, "วันเกิด": BirthDate, "姓名": FullName, "手机号": Phone, "出生日期": BirthDate, "naam": FullName, "geb.dat.": BirthDate, "straat en huisnummer": Address,
		"Nom de famille": Surname, "code postal": Postcode, "TOWN_NAME": City, "product name": "", "file_name": Ignored, "Nazwisko": Surname, "E-posta": Email, "البريد الإلكتروني": Email} {
		if got := headerRole(header); got != want {
			t.Errorf("%q: %q, want %q", header, got, want)
		}
	}
}

// FuzzNormalise: whatever a cell holds, its normal forms are short plain texts, and comparing them is symmetric.
func FuzzNormalise(f *testing.F) {
	for _, s := range []string{"Dr Ann B. Smith Jr", "12/11/1978", "Hauptstraße 12, 12345 Köln", "a+b@gmail.com", "+44 7911 123456", "\xff\xfe", "李小龍", ",,,", "1838-89-16", strings.Repeat("é", 400)} {
		f.Add(s, "x")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		parseName(a)
		if d, ok := parseDate(a, dayFirst); ok {
			if y := d.decimal() / 10000; y < 1000 || y > 2100 || dayOf(d.String()) != d {
				t.Fatalf("%q: %s", a, d)
			}
		}
		for _, k := range []struct {
			kind   kind
			normal func(string) string
		}{{kindGiven, fold}, {kindEmail, normalEmail}, {kindPhone, normalPhone}, {kindPostcode, normalPostcode}, {kindAddress, func(s string) string { return parseAddress(s).text() }},
			{kindIdentifier, normalIdentifier}, {kindText, normalRegion}} {
			x, y := k.normal(a), k.normal(b)
			if k.kind != kindEmail && (!isASCII(x) || len(x) > 8*maxText) || utf8.ValidString(a) && !utf8.ValidString(x) {
				t.Fatalf("%d of %q: %q", k.kind, a, x)
			}
			d := newDictionary(k.kind, nil)
			fd := &field{kind: k.kind, dict: d}
			p, q := d.id(x), d.id(y)
			fd.count = make([]uint32, 3)
			if p == 0 || q == 0 {
				continue
			}
			c := newComparer(&records{given: -1, surname: -1})
			if one, other := c.level(0, fd, p, q), fd.top(); p == q && one != other {
				t.Fatalf("equal values are at level %d", one)
			}
			if p != q && fd.textLevel(p, q) != fd.textLevel(q, p) {
				t.Fatalf("%d: %q and %q are not symmetric", k.kind, x, y)
			}
		}
	})
}
