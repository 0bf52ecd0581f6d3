package privacy

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"clientele"
	"clientele/internal/secret"
)

// The files of the book in the data directory. A backup takes both; a restore keeps the newer
// book, and repeats the erasures that the backup does not know (Book.Since).
const (
	BookFile = "erasures.jsonl"
	KeyFile  = "erasures.key"
)

const keyBytes = 32

// Entry is a line of the book: that a person was erased, or that the purge of an erasure was
// complete. Each is sealed with the directory's key over itself and the seal of the entry before,
// so that none can be altered or left out unnoticed: entries are certificates.
type Entry struct {
	Number  int                `json:"number"` // 1, 2, 3, ...
	What    string             `json:"what"`   // erased, purged
	Erasure *clientele.Erasure `json:"erasure,omitempty"`
	ID      string             `json:"id"` // of the erasure
	At      clientele.Micros   `json:"at"`
	By      string             `json:"by,omitempty"`
	Profile string             `json:"profile,omitempty"`
	Exports []string           `json:"exports,omitempty"` // that may hold the person
	Purged  map[string]int64   `json:"purged,omitempty"`  // what was purged where, of "purged"
	Before  string             `json:"before"`            // seal of the entry before
	Seal    string             `json:"seal"`
}

// What an entry says.
const (
	WhatErased = "erased"
	WhatPurged = "purged"
)

// Book is the register of erasures: a file that is only appended to, and its key. It is beside the
// log, not in it, because a rebuild must know an erasure before the log tells of it, and a restore
// one that the backup's log does not have. Its methods may be called from any goroutine.
type Book struct {
	path string
	key  []byte

	mu      sync.Mutex
	entries []Entry
}

// OpenBook opens the book in dir, or makes it with a new key. Corrupt when an entry is not what was
// written, or the key is gone while there are erasures: without it nobody can be kept out. Its key is
// sealed with the operator's keys, where there are some.
func OpenBook(dir string, keys *secret.Keys) (*Book, error) {
	b := &Book{path: filepath.Join(dir, BookFile)}
	text, err := os.ReadFile(b.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, clientele.Errorf(clientele.Unavailable, "erasures: %w", err)
	}
	if b.key, err = openKey(filepath.Join(dir, KeyFile), len(text) == 0, keys); err != nil {
		return nil, err
	}
	// A line that was cut by a crash is written again: the rows know the erasure.
	if cut := bytes.LastIndexByte(text, '\n') + 1; cut < len(text) {
		if err := os.Truncate(b.path, int64(cut)); err != nil {
			return nil, clientele.Errorf(clientele.Unavailable, "erasures: %w", err)
		}
		text = text[:cut]
	}
	b.entries, err = b.read(text)
	return b, err
}

func openKey(path string, fresh bool, keys *secret.Keys) ([]byte, error) {
	text, err := keys.ReadFile(path)
	switch {
	case err == nil:
		key, err := hex.DecodeString(string(bytes.TrimSpace(text)))
		if err != nil || len(key) != keyBytes {
			return nil, clientele.Errorf(clientele.Corrupt, "%s is not what was written", KeyFile).WithHint("bring it back from a backup")
		}
		return key, nil
	case !errors.Is(err, fs.ErrNotExist):
		return nil, clientele.Errorf(clientele.ErrorCode(err), "erasures: %w", err).WithHint("%s", clientele.ErrorHint(err))
	case !fresh:
		return nil, clientele.Errorf(clientele.Corrupt, "%s is missing", KeyFile).
			WithHint("bring it back from a backup: without it erased persons cannot be recognised")
	}
	key := make([]byte, keyBytes)
	rand.Read(key) // never fails
	if err := keys.WriteFile(path, []byte(hex.EncodeToString(key)+"\n")); err != nil {
		return nil, clientele.Errorf(clientele.Unavailable, "erasures: %w", err)
	}
	return key, nil
}

// write writes the bytes and syncs file and directory.
func write(path string, flag int, text []byte) error {
	f, err := os.OpenFile(path, flag, 0o600)
	if err != nil {
		return clientele.Errorf(clientele.Unavailable, "erasures: %w", err)
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		return clientele.Errorf(clientele.Unavailable, "erasures: %w", err)
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// read reads and checks the entries.
func (b *Book) read(text []byte) ([]Entry, error) {
	var out []Entry
	before := ""
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, 256<<20)
	for lines.Scan() {
		var e Entry
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil || e.Number != len(out)+1 || e.Before != before || !hmac.Equal([]byte(b.seal(e)), []byte(e.Seal)) {
			return nil, clientele.Errorf(clientele.Corrupt, "%s: entry %d is not what was written", BookFile, len(out)+1).WithHint("bring the file back from a backup")
		}
		before = e.Seal
		out = append(out, e)
	}
	return out, lines.Err()
}

// ReadErasures reads the erasures of a book whose seals are not checked: of one that was carried along.
func ReadErasures(text []byte) ([]clientele.Erasure, error) {
	var out []clientele.Erasure
	for line := range bytes.Lines(text) {
		var e Entry
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, clientele.Errorf(clientele.Corrupt, "erasures to repeat: %w", err)
		}
		if e.What == WhatErased && e.Erasure != nil {
			out = append(out, *e.Erasure)
		}
	}
	return out, nil
}

// seal is the HMAC-SHA256 of the entry, its own seal left out.
func (b *Book) seal(e Entry) string {
	e.Seal = ""
	text, err := json.Marshal(e)
	if err != nil {
		return ""
	}
	h := hmac.New(sha256.New, b.key)
	h.Write(text)
	return hex.EncodeToString(h.Sum(nil))
}

// Key is the key of the seals; for nobody to see.
func (b *Book) Key() []byte { return b.key }

// Entries are all entries, the oldest first.
func (b *Book) Entries() []Entry {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.entries)
}

// Add writes the entry; number, the seal before and its own are filled in. When it returns nil the
// entry is on disk. An erasure that is in the book already is not written twice.
func (b *Book) Add(e Entry) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, have := range b.entries {
		if have.What == e.What && have.ID == e.ID && (have.Erasure == nil || have.Erasure.Position == e.Erasure.Position) {
			return nil
		}
	}
	e.Number, e.Before = len(b.entries)+1, ""
	if n := len(b.entries); n > 0 {
		e.Before = b.entries[n-1].Seal
	}
	e.Seal = b.seal(e)
	line, err := json.Marshal(e)
	if err != nil {
		return clientele.Errorf(clientele.Internal, "erasures: %w", err)
	}
	if err := write(b.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, append(line, '\n')); err != nil {
		return err
	}
	b.entries = append(b.entries, e)
	return nil
}

// Erasures are all that were made.
func (b *Book) Erasures() []clientele.Erasure {
	return b.Since(0)
}

// Since are the erasures whose command is behind the position: what a backup up to there does not
// know.
func (b *Book) Since(p clientele.Position) []clientele.Erasure {
	var out []clientele.Erasure
	for _, e := range b.Entries() {
		if e.What == WhatErased && e.Erasure.Position > p {
			out = append(out, *e.Erasure)
		}
	}
	return out
}

// Unpurged are the entries of erasures whose bytes are not purged yet.
func (b *Book) Unpurged() []Entry {
	done := map[string]bool{}
	all := b.Entries()
	for _, e := range all {
		if e.What == WhatPurged {
			done[e.ID] = true
		}
	}
	return slices.DeleteFunc(all, func(e Entry) bool { return e.What != WhatErased || done[e.ID] })
}

// Certificate is all that the book says of the erasure. NotFound when it says nothing.
func (b *Book) Certificate(id string) ([]Entry, error) {
	out := slices.DeleteFunc(b.Entries(), func(e Entry) bool { return e.ID != id })
	if len(out) == 0 {
		return nil, clientele.Errorf(clientele.NotFound, "there is no erasure of that id")
	}
	return out, nil
}
