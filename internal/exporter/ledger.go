package exporter

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"slices"
	"sync"

	"clientele"
)

// maxLedger is how many exports the ledger remembers; the oldest that have ended go.
const maxLedger = 10_000

// Ledger remembers what was exported, when, where to and on whose word. It is a file of JSON
// lines, each the state of an export at some moment: the last line of an id holds.
type Ledger struct {
	path string

	mu   sync.Mutex
	all  []*clientele.Export // in the order in which they were asked for
	by   map[string]*clientele.Export
	file *os.File
}

// OpenLedger reads the file, which it makes when it is not there. A line that was cut off by a
// crash is left out.
func OpenLedger(path string) (*Ledger, error) {
	l := &Ledger{path: path, by: map[string]*clientele.Export{}}
	b, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, ledgerError(err)
	}
	s := bufio.NewScanner(bytes.NewReader(b))
	s.Buffer(nil, 1<<20)
	lines := 0
	for s.Scan() {
		lines++
		var e clientele.Export
		if json.Unmarshal(s.Bytes(), &e) == nil && e.ID != "" {
			l.put(e)
		}
	}
	if err := s.Err(); err != nil {
		return nil, ledgerError(err)
	}
	if lines > len(l.all) { // written anew: one line for each, and no torn one at the end
		if err := l.compact(); err != nil {
			return nil, err
		}
	}
	return l, nil
}

func ledgerError(err error) error {
	return clientele.Errorf(clientele.Unavailable, "ledger of exports: %w", err)
}

// put is the caller's to lock.
func (l *Ledger) put(e clientele.Export) {
	if have := l.by[e.ID]; have != nil {
		*have = e
		return
	}
	l.by[e.ID] = &e
	l.all = append(l.all, &e)
	if len(l.all) > maxLedger {
		if i := slices.IndexFunc(l.all, func(e *clientele.Export) bool { return e.State.Ended() }); i >= 0 {
			delete(l.by, l.all[i].ID)
			l.all = slices.Delete(l.all, i, i+1)
		}
	}
}

func (l *Ledger) compact() error {
	var b bytes.Buffer
	for _, e := range l.all {
		line, err := json.Marshal(e)
		if err != nil {
			return ledgerError(err)
		}
		b.Write(append(line, '\n'))
	}
	temp := l.path + ".tmp"
	err := os.WriteFile(temp, b.Bytes(), 0o600)
	if err == nil {
		err = os.Rename(temp, l.path)
	}
	if err != nil {
		return ledgerError(err)
	}
	return nil
}

// Put remembers the export as it is now, on the disk before it returns.
func (l *Ledger) Put(e clientele.Export) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.put(e)
	line, err := json.Marshal(e)
	if err != nil {
		return ledgerError(err)
	}
	if l.file == nil {
		if l.file, err = os.OpenFile(l.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
			return ledgerError(err)
		}
	}
	if _, err := l.file.Write(append(line, '\n')); err != nil {
		return ledgerError(err)
	}
	if err := l.file.Sync(); err != nil {
		return ledgerError(err)
	}
	return nil
}

// show changes what is shown of an export that runs, without writing it.
func (l *Ledger) show(id string, p Progress) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e := l.by[id]; e != nil && e.State == clientele.ExportRunning {
		e.Rows, e.Total, e.Bytes, e.Parts, e.Position = p.Rows, p.Total, p.Bytes, p.Parts, p.Position
	}
}

// Get is the export of that id; NotFound when there is none.
func (l *Ledger) Get(id string) (clientele.Export, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e := l.by[id]; e != nil {
		return *e, nil
	}
	return clientele.Export{}, clientele.Errorf(clientele.NotFound, "there is no export of that id")
}

// List are at most limit exports, the newest first, from behind the one with the id before; "" is
// from the newest.
func (l *Ledger) List(limit int, before string) []clientele.Export {
	l.mu.Lock()
	defer l.mu.Unlock()
	end := len(l.all)
	if before != "" {
		if end = slices.IndexFunc(l.all, func(e *clientele.Export) bool { return e.ID == before }); end < 0 {
			return nil
		}
	}
	var out []clientele.Export
	for i := end - 1; i >= 0 && len(out) < limit; i-- {
		out = append(out, *l.all[i])
	}
	return out
}

// last is the newest export of that name that ok accepts.
func (l *Ledger) last(name string, ok func(*clientele.Export) bool) (clientele.Export, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range slices.Backward(l.all) {
		if e.Name == name && ok(e) {
			return *e, true
		}
	}
	return clientele.Export{}, false
}

// open are the exports that have not ended, the oldest first.
func (l *Ledger) open() []clientele.Export {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []clientele.Export
	for _, e := range l.all {
		if !e.State.Ended() {
			out = append(out, *e)
		}
	}
	return out
}

// Close closes the file.
func (l *Ledger) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return nil
	}
	f := l.file
	l.file = nil
	return f.Close()
}
