package main

import (
	"strings"
	"testing"
)

// What persons ask for is noted, listed by when it is due, and ends once.
func TestRequests(t *testing.T) {
	t.Chdir(t.TempDir())
	try := func(code int, want string, args ...string) string {
		t.Helper()
		got, out, errs := call(t, "", nil, args...)
		if got != code || !strings.Contains(out+errs, want) {
			t.Fatalf("%v: exit %d, want %d with %q\n%s%s", args, got, code, want, out, errs)
		}
		return out
	}
	mapping := write(t, "m.yaml", "identifiers: {email: email}\nrecords:\n  - table: profiles\n    traits: {city: city}\n")
	try(0, "", "import", "--source", "crm", "--map", mapping, write(t, "c.csv", "email,city\nann@example.com,Hue\nbob@example.com,Hanoi\n"))
	entered := try(0, "is due on 2026-03-22 00:00:00", "request", "enter", "email:ann@example.com", "--kind", "access", "--received", "2026-02-20", "--reference", "letter 12")
	id := strings.Fields(entered)[1]
	try(0, "is due on 2026-03-11 00:00:00", "request", "enter", "email:bob@example.com", "--kind", "erasure", "--received", "2026-02-09")
	list := try(0, "letter 12", "request", "list")
	if strings.Index(list, "erasure") > strings.Index(list, "access") || strings.Contains(list, "example.com") {
		t.Errorf("the list:\n%s", list)
	}
	try(1, "no profile has that email", "request", "enter", "email:nobody@example.com", "--kind", "access")
	try(2, "--kind", "request", "enter", "email:ann@example.com")
	try(2, "either --answered", "request", "close", id)
	try(2, "either --answered", "request", "close", id, "--answered", "--refused", "no proof of who asks")
	try(0, "closed: refused", "request", "close", id, "--refused", "no proof of who asks")
	try(1, "closed already", "request", "close", id, "--answered")
	if out := try(0, `"outcome": "refused"`, "request", "list", "--json"); !strings.Contains(out, `"reason": "no proof of who asks"`) {
		t.Errorf("the register: %s", out)
	}
}
