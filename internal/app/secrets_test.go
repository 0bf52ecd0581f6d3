package app_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clientele"
	"clientele/internal/app"
	"clientele/internal/config"
)

// keyFile makes a file of keys outside every data directory.
func keyFile(t *testing.T, keys ...string) config.Secrets {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secrets.key")
	if err := os.WriteFile(path, []byte(strings.Join(keys, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return config.Secrets{KeyFile: path}
}

// TestSecretsAtRest: what the program keeps to itself is in no file of the data directory or of a backup once
// there is a key, goes on working, and outlives a change of the key.
func TestSecretsAtRest(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	one, two := strings.Repeat("1a", 32), strings.Repeat("2b", 32)
	c := settings(t)
	p := run(t, c)
	p.batch(webKey, annEvents("2026-02-01T00:00:00Z")...)
	p.settle()
	p.stop()
	var secrets [][]byte
	for _, name := range []string{"erasures.key", "audit/audit.key"} {
		text, err := os.ReadFile(filepath.Join(c.Data, name))
		if err != nil {
			t.Fatal(err)
		}
		text = bytes.TrimSpace(text)
		raw, err := hex.DecodeString(string(text))
		if err != nil {
			t.Fatal(err)
		}
		if len(inFiles(t, c.Data, text)) != 1 {
			t.Fatalf("%s is not found where it lies unsealed: the search is no proof", name)
		}
		secrets = append(secrets, text, raw)
	}
	unseen := func(dir string) {
		t.Helper()
		for i, s := range secrets {
			if where := inFiles(t, dir, s); len(where) > 0 {
				t.Errorf("secret %d is in %v", i, where)
			}
		}
	}

	c.Secrets = keyFile(t, one)
	p = run(t, c)
	unseen(c.Data)
	if _, err := p.client.Erase(ctx, clientele.EraseRequest{Namespace: "user_id", Value: "annsecretuser"}); err != nil {
		t.Fatal(err)
	}
	from, _ := p.backup("b")
	p.stop()
	unseen(c.Data)
	unseen(from)

	c = restored(t, c, from)
	for name, s := range map[string]config.Secrets{"no key": {}, "another key": {Key: two}} {
		bad := c
		bad.Secrets = s
		if a, err := app.Open(ctx, bad, options()); clientele.ErrorCode(err) != clientele.Denied || !strings.Contains(err.Error(), "sealed") {
			t.Fatalf("%s: %v %v", name, a, err)
		}
	}
	for _, keys := range [][]string{{two, one}, {two}} {
		c.Secrets = keyFile(t, keys...)
		p = run(t, c)
		if got, err := p.app.Erasures(ctx); err != nil || len(got) != 1 {
			t.Errorf("the register: %v %v", got, err)
		}
		p.stop()
		unseen(c.Data)
	}
}
