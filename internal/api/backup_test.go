package api_test

import (
	"testing"

	"clientele/internal/token"
)

// Only a command on the server's machine chooses where on it a backup goes.
func TestBackupPath(t *testing.T) {
	s := newSite(t)
	for secret, want := range map[string]string{s.tokens[token.Admin]: "/backups//etc/x", s.store.Local(): "/etc/x"} {
		if w := s.do("POST", "/api/v1/backups", secret, `{"name":"/etc/x"}`); w.Code != 200 {
			t.Fatal(w.Code, w.Body)
		}
		if got := s.asked[0]; got != want {
			t.Errorf("the backup goes to %v, want %s", got, want)
		}
	}
}
