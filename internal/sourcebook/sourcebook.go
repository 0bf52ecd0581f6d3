// Package sourcebook keeps the sources that are made over the API, with their write keys, in one file of
// the data directory, which is sealed where the operator has given a key. One that has ended stays in it:
// whether to believe what it sent must be known for as long as the log tells of it.
package sourcebook

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/json"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"sync"

	"clientele"
	"clientele/internal/secret"
)

// File is the book in the data directory.
const File = "sources.json"

const version = 1

type file struct {
	Version int                       `json:"version"`
	Sources []clientele.SourceInForce `json:"sources"`
}

// Book is the sources. It is safe for use by several goroutines.
type Book struct {
	path string
	keys *secret.Keys

	mu      sync.Mutex
	sources []clientele.SourceInForce // by name
}

// Open reads the book of the directory; there need be none.
func Open(dir string, keys *secret.Keys) (*Book, error) {
	b := &Book{path: filepath.Join(dir, File), keys: keys}
	text, err := keys.ReadFile(b.path)
	if errors.Is(err, fs.ErrNotExist) {
		return b, nil
	}
	if err != nil {
		return nil, clientele.Errorf(clientele.ErrorCode(err), "sources: %w", err).WithHint("%s", clientele.ErrorHint(err))
	}
	var f file
	if err := json.Unmarshal(text, &f); err != nil || f.Version != version {
		return nil, clientele.Errorf(clientele.Corrupt, "%s is not a file of sources of version %d", File, version).WithHint("bring it back from a backup")
	}
	b.sources = f.Sources
	return b, nil
}

// List are all sources by name, those that have ended included.
func (b *Book) List() []clientele.SourceInForce {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.sources)
}

// Set makes a source, with a new key, or changes the one of that name, which keeps its key unless it has
// ended or another is wanted. Sources of kind file have no key. check sees the whole list before it is kept.
func (b *Book) Set(s clientele.SourceInForce, newKey bool, check func([]clientele.SourceInForce) error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	next := slices.Clone(b.sources)
	i, there := slices.BinarySearchFunc(next, s.Name, func(have clientele.SourceInForce, name string) int {
		switch {
		case have.Name < name:
			return -1
		case have.Name > name:
			return 1
		}
		return 0
	})
	if there && next[i].Ended == 0 && !newKey {
		s.WriteKey = next[i].WriteKey
	}
	if s.WriteKey == "" && s.Kind != "file" {
		s.WriteKey = key()
	}
	if s.Kind == "file" {
		s.WriteKey = ""
	}
	if there {
		next[i] = s
	} else {
		next = slices.Insert(next, i, s)
	}
	return b.keep(next, check)
}

// End ends the source: its key is not taken any more. NotFound when there is none that goes on.
func (b *Book) End(name, by string, at clientele.Micros) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	next := slices.Clone(b.sources)
	i := slices.IndexFunc(next, func(s clientele.SourceInForce) bool { return s.Name == name && s.Ended == 0 })
	if i < 0 {
		return clientele.Errorf(clientele.NotFound, "there is no source of that name")
	}
	next[i].Ended, next[i].By, next[i].WriteKey = at, by, ""
	return b.keep(next, nil)
}

// keep writes the list, and holds it once it is written.
func (b *Book) keep(next []clientele.SourceInForce, check func([]clientele.SourceInForce) error) error {
	if check != nil {
		if err := check(next); err != nil {
			return err
		}
	}
	text, err := json.MarshalIndent(file{version, next}, "", "  ")
	if err != nil {
		return clientele.Errorf(clientele.Internal, "sources: %w", err)
	}
	if err := b.keys.WriteFile(b.path, append(text, '\n')); err != nil {
		return clientele.Errorf(clientele.Unavailable, "sources: %w", err)
	}
	b.sources = next
	return nil
}

// key is a new write key: 20 random bytes in letters and digits.
func key() string {
	b := make([]byte, 20)
	_, _ = rand.Read(b) // never fails
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b)
}
