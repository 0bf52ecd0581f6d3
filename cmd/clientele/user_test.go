package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// People are made without a server, too; a password comes by standard input alone and goes nowhere but to its hash.
func TestUserCommands(t *testing.T) {
	dir := t.TempDir()
	do := func(stdin string, want int, args ...string) string {
		t.Helper()
		code, out, errs := call(t, stdin, nil, append([]string{"user"}, append(args, "--data", dir)...)...)
		if code != want || strings.Contains(out+errs, "horse") {
			t.Fatalf("%v: %d\n%s%s", args, code, out, errs)
		}
		return out + errs
	}
	do("correct horse battery\n", 0, "add", "nok", "--role", "marketer")
	do("correct horse battery\n", 1, "add", "nok", "--role", "viewer")
	do("correct horse battery\n", 2, "add", "lek", "--role", "boss")
	do("", 1, "add", "lek", "--role", "viewer")
	do("horse\n", 1, "add", "lek", "--role", "viewer")
	if out := do("", 0, "list"); !strings.Contains(out, "nok") || !strings.Contains(out, "marketer") || strings.Contains(out, "lek") {
		t.Errorf("list:\n%s", out)
	}
	do("", 0, "role", "nok", "analyst")
	do("another horse battery\n", 0, "password", "nok")
	do("", 0, "disable", "nok")
	if out := do("", 0, "list"); !strings.Contains(out, "analyst") {
		t.Errorf("list:\n%s", out)
	}
	do("", 0, "enable", "nok")
	do("", 0, "delete", "nok")
	do("", 1, "delete", "nok")
	found := false
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if strings.Contains(string(b), "horse") {
			t.Errorf("%s holds a password", path)
		}
		found = found || strings.Contains(string(b), "add-user") && strings.Contains(string(b), "nok")
		return err
	})
	if err != nil || !found {
		t.Errorf("the audit log does not tell of it: %v", err)
	}
}
