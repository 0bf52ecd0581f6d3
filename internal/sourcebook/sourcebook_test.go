package sourcebook_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clientele"
	"clientele/internal/secret"
	"clientele/internal/sourcebook"
)

func source(name, kind string) clientele.SourceInForce {
	return clientele.SourceInForce{Source: clientele.Source{Name: name, Kind: kind}, By: "ann", At: 5}
}

// TestBook: a source keeps its key when it is changed, gets another when that is wanted or when it comes back after
// its end, and is known for ever; a book that is read again says the same.
func TestBook(t *testing.T) {
	dir := t.TempDir()
	keys, err := secret.Parse(strings.Repeat("ab", 32))
	if err != nil {
		t.Fatal(err)
	}
	open := func() *sourcebook.Book {
		t.Helper()
		b, err := sourcebook.Open(dir, keys)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	b := open()
	set := func(s clientele.SourceInForce, newKey bool) string {
		t.Helper()
		if err := b.Set(s, newKey, nil); err != nil {
			t.Fatal(err)
		}
		for _, have := range b.List() {
			if have.Name == s.Name {
				return have.WriteKey
			}
		}
		t.Fatal("it is not there")
		return ""
	}
	first := set(source("web", "browser"), false)
	if len(first) != 32 || set(source("crm", "file"), false) != "" || set(source("app", "mobile"), false) == first {
		t.Errorf("keys: %+v", b.List())
	}
	if again := set(source("web", "browser"), false); again != first {
		t.Errorf("changed, it has another key")
	}
	second := set(source("web", "server"), true)
	if second == first {
		t.Errorf("it keeps the key that was not wanted any more")
	}
	refused := b.Set(source("bad", "server"), false, func(all []clientele.SourceInForce) error {
		if len(all) != 4 || all[0].Name != "app" || all[1].Name != "bad" {
			t.Errorf("checked: %+v", all)
		}
		return clientele.Errorf(clientele.Invalid, "no")
	})
	if clientele.ErrorCode(refused) != clientele.Invalid || len(b.List()) != 3 {
		t.Errorf("refused: %v, %d", refused, len(b.List()))
	}
	if err := b.End("web", "bob", 9); err != nil {
		t.Fatal(err)
	}
	if err := b.End("web", "bob", 9); clientele.ErrorCode(err) != clientele.NotFound {
		t.Errorf("ended twice: %v", err)
	}
	b = open()
	ended := b.List()[2]
	if ended.Name != "web" || ended.Kind != "server" || ended.Ended != 9 || ended.By != "bob" || ended.WriteKey != "" {
		t.Errorf("ended: %+v", ended)
	}
	if third := set(source("web", "browser"), false); third == second || third == "" || b.List()[2].Ended != 0 {
		t.Errorf("back again: %+v", b.List())
	}
	text, err := os.ReadFile(filepath.Join(dir, sourcebook.File))
	if err != nil || bytes.Contains(text, []byte(b.List()[0].WriteKey)) {
		t.Errorf("the file shows keys: %v", err)
	}
	if _, err := sourcebook.Open(dir, nil); clientele.ErrorCode(err) != clientele.Denied {
		t.Errorf("without the key: %v", err)
	}
}
