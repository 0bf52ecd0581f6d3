package importer_test

import (
	"strings"
	"testing"

	"clientele"
	"clientele/internal/importer"
)

func TestIdentifiers(t *testing.T) {
	for _, c := range []struct{ name, text, column, want string }{
		{"one a line", "a@x.com\n\n b@x.com \na@x.com\n", "", "a@x.com b@x.com"},
		{"with a header", "Email\na@x.com\n", "", "a@x.com"},
		{"hashed header", "name,email_sha256\nAnn,ab12\n", "", "ab12"},
		{"a column", "id;mail\n1;a@x.com\n2;\"b@x.com\"\n3\n", "mail", "a@x.com b@x.com"},
		{"tabs", "\ufeffx\temail\n1\ta@x.com\n", "", "a@x.com"},
		{"JSON lines", `{"n":1,"email":"a@x.com"}` + "\n\n" + `{"email":null}` + "\n" + `{"email":"b@x.com"}`, "", "a@x.com b@x.com"},
		{"JSON field", `{"x":17,"y":2}` + "\n" + `{"x":18}`, "x", "17 18"},
		{"JSON's only field", `{"who":"a@x.com"}`, "", "a@x.com"},
	} {
		got, err := importer.Identifiers([]byte(c.text), clientele.Email, c.column)
		if err != nil || strings.Join(got, " ") != c.want {
			t.Errorf("%s: %q, %v", c.name, got, err)
		}
	}
	for name, text := range map[string]string{"empty": " \n", "two columns": "a,b\nc,d\n", "a list": `["a@x.com"]`, "half JSON": "{\"email\":\"a@x.com\"}\n{", "no field": `{"a":1,"b":2}`} {
		if got, err := importer.Identifiers([]byte(text), clientele.Email, ""); clientele.ErrorCode(err) != clientele.Invalid {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if _, err := importer.Identifiers([]byte("a,b\n"), clientele.Email, "c"); clientele.ErrorCode(err) != clientele.Invalid {
		t.Errorf("a column that is not there: %v", err)
	}
}

func FuzzIdentifiers(f *testing.F) {
	f.Add("email\na@x.com\n", "")
	f.Add(`{"email":"a@x.com"}`, "email")
	f.Add("\"a\n;b", "x")
	f.Fuzz(func(t *testing.T, text, column string) {
		got, err := importer.Identifiers([]byte(text), clientele.Email, column)
		if (err == nil) != (len(got) > 0) {
			t.Errorf("%d identifiers with the error %v", len(got), err)
		}
		for _, v := range got {
			if v == "" || v != strings.TrimSpace(v) {
				t.Errorf("%q is no identifier", v)
			}
		}
	})
}
