package secret_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clientele"
	"clientele/internal/secret"
)

var one, two = strings.Repeat("1a", 32), strings.Repeat("2b", 32)

func keys(t *testing.T, text string) *secret.Keys {
	t.Helper()
	k, err := secret.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestParse(t *testing.T) {
	for text, want := range map[string]clientele.Code{
		"": "", "# nothing\n": "", one: "", one + "," + two: "", one + " # of 2026\n" + two + "\n": "",
		"1a": clientele.Invalid, one + "1a": clientele.Invalid, strings.Repeat("zz", 32): clientele.Invalid,
	} {
		if _, err := secret.Parse(text); clientele.ErrorCode(err) != want {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := secret.Load("", filepath.Join(t.TempDir(), "none")); clientele.ErrorCode(err) != clientele.Unavailable {
		t.Errorf("no file: %v", err)
	}
}

// TestRotation: unsealed, sealed, sealed anew under the next key, opened without the old one.
func TestRotation(t *testing.T) {
	path, plain := filepath.Join(t.TempDir(), "a.key"), []byte("what nobody may see")
	text := func() []byte {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	if err := keys(t, "").WriteFile(path, plain); err != nil || !bytes.Equal(text(), plain) {
		t.Fatalf("without keys: %q %v", text(), err)
	}
	for _, step := range []struct {
		keys string
		code clientele.Code
	}{
		{one, ""}, {"", clientele.Denied}, {two, clientele.Denied}, {two + "," + one, ""}, {one, clientele.Denied}, {two, ""},
	} {
		got, err := keys(t, step.keys).ReadFile(path)
		if clientele.ErrorCode(err) != step.code || err == nil && !bytes.Equal(got, plain) {
			t.Fatalf("with %.4q: %q %v", step.keys, got, err)
		}
		if id, ok := secret.Sealed(text()); !ok || bytes.Contains(text(), plain) || id == "" {
			t.Fatalf("the file holds %q", text())
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
}

// TestTampered: no bit may change, and no secret stands for another.
func TestTampered(t *testing.T) {
	k := keys(t, one)
	text := k.Seal("a.key", []byte("secret"))
	if _, _, err := k.Open("b.key", text); clientele.ErrorCode(err) != clientele.Corrupt {
		t.Errorf("under another name: %v", err)
	}
	for i := range len(text) - 1 {
		broken := bytes.Clone(text)
		broken[i] ^= 1
		if plain, _, err := k.Open("a.key", broken); err == nil && string(plain) == "secret" {
			t.Errorf("byte %d changed, and nothing is noticed", i)
		}
		if _, _, err := k.Open("a.key", text[:i]); err == nil && i >= len("sealed:1:") {
			t.Errorf("cut at %d, and nothing is noticed", i)
		}
	}
	if bytes.Equal(text, k.Seal("a.key", []byte("secret"))) {
		t.Error("a nonce is used twice")
	}
}
