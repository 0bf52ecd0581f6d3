package iab_test

import (
	"fmt"
	"strings"
	"testing"

	"clientele"
	"clientele/internal/iab"
)

// short is decisions in a line: +purpose or -purpose, and where they hold.
func short(consents []clientele.ConsentRequest) string {
	var out []string
	for _, c := range consents {
		sign := "-"
		if c.Granted {
			sign = "+"
		}
		out = append(out, sign+c.Purpose+"@"+c.Jurisdiction)
	}
	return strings.Join(out, " ")
}

// The strings are the examples of the specifications and of the frameworks' own tests.
func TestPublished(t *testing.T) {
	eu := "+storage@EU -advertising@EU -targeted_advertising@EU -personalization@EU -analytics@EU -improvement@EU"
	none := strings.NewReplacer("+", "-", "EU", "DE").Replace(eu)
	for _, x := range []struct {
		read func(string) ([]clientele.ConsentRequest, error)
		text string
		want string
	}{
		// TC string specification, URL example: purposes 1, 2, 3; vendor list 15, policy 2.
		{iab.TCF, "COvFyGBOvFyGBAbAAAENAPCAAOAAAAAAAAAAAEEUACCKAAA.IFoEUQQgAIQwgIwQABAEAAAAOIAACAIAAAAQAIAgEAACEAAAAAgAQBAAAAAAAGBAAgAAAAAAAFAAECAAAgAAQARAEQAAAAAJAAIAAgAAAYQEAAAQmAgBC3ZAYzUw", eu},
		{iab.TCF, "COvFyGBOvFyGBAbAAAENAPCAAOAAAAAAAAAAAEEUACCKAAA", eu},
		// GPP specification, string examples 1 to 3. Their TC string consents to nothing.
		{iab.GPP, "DBABMA~CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA", none},
		{iab.GPP, "DBACNYA~CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA~1YNN", none + " +sale@US-CA"},
		{iab.GPP, "DBABjw~CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA~1YNN", "+sale@US-CA"},
		// Consent platforms' tests: all opted out in the national section; California, both opted out.
		{iab.GPP, "DBABLA~BAAVVVVVVVVY.QA", "-sale@US -sharing@US -targeted_advertising@US"},
		{iab.GPP, "DBABBg~BUUAAACA.QA", "-sale@US-CA -sharing@US-CA"},
		// OneTrust's string for a visitor who has not opted out; with the GPC bit the same is all denied.
		{iab.GPP, "DBABLA~BVQqAAAAAAJY.QA", "+sale@US +sharing@US +targeted_advertising@US"},
		{iab.GPP, "DBABLA~BVQqAAAAAAJY.YA", "-sale@US -sharing@US -targeted_advertising@US"},
		{iab.GPP, "DBABLA~BAAAAAAAABAA.QA", ""}, // nothing applies
		{iab.USPrivacy, "1YYN", "-sale@US-CA"},
		{iab.USPrivacy, "1---", ""},
	} {
		got, err := x.read(x.text)
		if err != nil || short(got) != x.want {
			t.Errorf("%s\n got %s %v\nwant %s", x.text, short(got), err, x.want)
		}
		for _, c := range got {
			if err := c.Check(); err != nil || c.LegalBasis == "" || c.TextVersion == "" {
				t.Errorf("%s: %+v: %v", x.text, c, err)
			}
		}
	}
	if got, _ := iab.TCF("COvFyGBOvFyGBAbAAAENAPCAAOAAAAAAAAAAAEEUACCKAAA"); got[0].TextVersion != "tcf-policy-2 vendor-list-15" {
		t.Errorf("its text is %s", got[0].TextVersion)
	}
}

// pack makes base64url of bits.
func pack(bits string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for len(bits)%24 != 0 {
		bits += "0"
	}
	var b strings.Builder
	for ; len(bits) > 0; bits = bits[6:] {
		var n int
		if _, err := fmt.Sscanf(bits[:6], "%b", &n); err != nil {
			panic(err)
		}
		b.WriteByte(alphabet[n])
	}
	return b.String()
}

// fibonacci is the number's code of the GPP specification.
func fibonacci(n int) string {
	code, f := "", []int{1, 2}
	for f[len(f)-1] <= n {
		f = append(f, f[len(f)-1]+f[len(f)-2])
	}
	for i := len(f) - 2; i >= 0; i-- {
		if f[i] <= n {
			n -= f[i]
			code = "1" + code
		} else if code != "" {
			code = "0" + code
		}
	}
	return code + "1"
}

// Every US section: the choices are found where its specification has them, each by itself.
func TestSections(t *testing.T) {
	// Fields of two bits behind the version: sale, sharing, targeted; 0 = the section has none.
	states := map[int][3]int{7: {7, 8, 9}, 8: {4, 5, 0}, 11: {5, 0, 6}, 18: {5, 0, 6}}
	for _, id := range []int{9, 10, 12, 13, 14, 15, 16, 17, 19, 20, 21, 22, 23} {
		states[id] = [3]int{4, 0, 5}
	}
	names := []string{"sale", "sharing", "targeted_advertising"}
	for id, at := range states {
		for choice := range 3 {
			if at[choice] == 0 {
				continue
			}
			for value, sign := range map[string]string{"01": "-", "10": "+"} {
				bits := "000001"
				for n := 1; n <= 30; n++ {
					if n == at[choice] {
						bits += value
					} else {
						bits += "00"
					}
				}
				text := pack("000011"+"000001"+"000000000001"+"0"+fibonacci(id)) + "~" + pack(bits)
				got, err := iab.GPP(text)
				if err != nil || len(got) != 1 || !strings.HasPrefix(short(got), sign+names[choice]+"@US") {
					t.Errorf("section %d, %s%s: %s %v", id, sign, names[choice], short(got), err)
				}
			}
		}
	}
}

func TestUnreadable(t *testing.T) {
	for _, x := range []struct {
		read func(string) ([]clientele.ConsentRequest, error)
		text string
	}{
		{iab.TCF, ""}, {iab.TCF, "no string!"}, {iab.TCF, "BOvFyGBOvFyGBAbAAAENAPCAAOAAAAAAAAAAAEEUACCKAAA"}, {iab.TCF, "COvFyGBOvFyGB"},
		{iab.TCF, "C" + strings.Repeat("A", 20<<10)},
		{iab.GPP, ""}, {iab.GPP, "DBABMA"}, {iab.GPP, "DBABMA~"}, {iab.GPP, "CBABMA~1YNN"}, {iab.GPP, "DBACNYA~1YNN"}, {iab.GPP, "DB_____~1~1"}, {iab.GPP, "DBABLA~BA"},
		{iab.USPrivacy, "2YNN"}, {iab.USPrivacy, "1Y?N"}, {iab.USPrivacy, "1YN"},
	} {
		if got, err := x.read(x.text); clientele.ErrorCode(err) != clientele.Invalid {
			t.Errorf("%.40q: %v, %v", x.text, got, err)
		}
	}
}

func FuzzStrings(f *testing.F) {
	for _, s := range []string{"COvFyGBOvFyGBAbAAAENAPCAAOAAAAAAAAAAAEEUACCKAAA", "DBACNYA~CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA~1YNN", "DBABLA~BVQqAAAAAAJY.YA", "1YNN", "DBAAAA", "D~~."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, read := range []func(string) ([]clientele.ConsentRequest, error){iab.TCF, iab.GPP, iab.USPrivacy} {
			got, err := read(s)
			if err != nil && (clientele.ErrorCode(err) != clientele.Invalid || got != nil) {
				t.Fatalf("%v, %v", got, err)
			}
			for _, c := range got {
				if err := c.Check(); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}
