package quality

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"clientele"
)

// Limits of the ledger.
const (
	maxPending = 5000 // words between two flushes
	maxReads   = 50_000
	maxWord    = 256 // bytes
)

// Ledger remembers on which day an event or a property was last read, so that what nobody uses can be
// told. It keeps names that events have, never other words of a query: those may be personal data.
// It is no part of the state that the log gives: a file of its own, which a rebuild leaves alone.
// Safe for concurrent use.
type Ledger struct {
	mu      sync.Mutex
	path    string
	changed bool
	pending map[string]int64 // words of queries -> day
	whole   int64            // day on which all properties were read at once
	kept    ledgerFile
}

// ledgerFile is the file. Days are since 1970-01-01.
type ledgerFile struct {
	Since      clientele.Micros `json:"since"`
	Whole      int64            `json:"whole"`
	Events     map[string]int64 `json:"events"`
	Properties map[string]int64 `json:"properties"`
}

// OpenLedger reads the file; without one it begins now.
func OpenLedger(path string, now clientele.Micros) (*Ledger, error) {
	l := &Ledger{path: path, pending: map[string]int64{}}
	b, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		l.kept.Since, l.changed = now, true
	case err != nil:
		return nil, clientele.Errorf(clientele.Unavailable, "ledger of reads: %w", err)
	case json.Unmarshal(b, &l.kept) != nil:
		return nil, clientele.Errorf(clientele.Corrupt, "ledger of reads: %s cannot be read", path).WithHint("remove it: reads are then noted from now on")
	}
	if l.kept.Events == nil {
		l.kept.Events = map[string]int64{}
	}
	if l.kept.Properties == nil {
		l.kept.Properties = map[string]int64{}
	}
	return l, nil
}

// NoteSQL notes what a query reads.
func (l *Ledger) NoteSQL(text string, now clientele.Micros) {
	words, whole := sqlWords(text)
	day := int64(now / dayLength)
	l.mu.Lock()
	defer l.mu.Unlock()
	for w := range words {
		if len(l.pending) >= maxPending {
			break
		}
		l.pending[w] = day
	}
	if whole {
		l.whole = day
	}
}

// Names are what can be read: events, and properties by the words that queries use for them.
type Names struct {
	Events     map[string]bool
	Properties map[string][]string // lower-case name or column -> properties
}

// KnownNames are those of everything that was seen. columns are the promoted columns by property.
func KnownNames(rows clientele.Rows, columns map[string]string) (*Names, error) {
	n := &Names{Events: map[string]bool{}, Properties: map[string][]string{}}
	err := eachEvent(rows, func(k eventKey, row *eventRow) error {
		n.Events[k.event] = true
		for i := range row.Properties {
			name := row.Properties[i].Name
			n.Properties[strings.ToLower(name)] = append(n.Properties[strings.ToLower(name)], name)
		}
		return nil
	})
	for property, column := range columns {
		if !strings.EqualFold(property, column) {
			n.Properties[strings.ToLower(column)] = append(n.Properties[strings.ToLower(column)], property)
		}
	}
	return n, err
}

// Flush keeps of what was noted the names that are known, and writes the file when something has
// changed. known is asked only then.
func (l *Ledger) Flush(known func() (*Names, error)) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.pending) > 0 {
		n, err := known()
		if err != nil {
			return err
		}
		for word, day := range l.pending {
			if n.Events[word] {
				l.keep(l.kept.Events, word, day)
			}
			if typ := "$" + word; n.Events[typ] {
				l.keep(l.kept.Events, typ, day)
			}
			for _, property := range n.Properties[strings.ToLower(word)] {
				l.keep(l.kept.Properties, property, day)
			}
		}
		clear(l.pending)
	}
	if l.whole > l.kept.Whole {
		l.kept.Whole, l.changed = l.whole, true
	}
	if !l.changed {
		return nil
	}
	b, err := json.Marshal(l.kept)
	if err == nil {
		next := l.path + ".next"
		if err = os.WriteFile(next, b, 0o600); err == nil {
			err = os.Rename(next, l.path)
		}
	}
	if err != nil {
		return clientele.Errorf(clientele.Unavailable, "ledger of reads: %s: %w", filepath.Base(l.path), err)
	}
	l.changed = false
	return nil
}

func (l *Ledger) keep(in map[string]int64, name string, day int64) {
	if old, ok := in[name]; old < day && (ok || len(l.kept.Events)+len(l.kept.Properties) < maxReads) {
		in[name], l.changed = day, true
	}
}

// snapshot is what is kept, as of the last flush.
func (l *Ledger) snapshot() ledgerFile {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := l.kept
	out.Events, out.Properties = make(map[string]int64, len(l.kept.Events)), make(map[string]int64, len(l.kept.Properties))
	for k, v := range l.kept.Events {
		out.Events[k] = v
	}
	for k, v := range l.kept.Properties {
		out.Properties[k] = v
	}
	return out
}

// sqlWords are the names and texts in a query, those in JSON paths one by one; whole says that it
// takes all properties at once. It reads by outline: a word too many only makes a name count as read.
func sqlWords(text string) (words map[string]bool, whole bool) {
	words = map[string]bool{}
	add := func(w string) {
		if w != "" && len(w) <= maxWord {
			words[w] = true
		}
	}
	before := "" // the token before
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case strings.HasPrefix(text[i:], "--"):
			if n := strings.IndexByte(text[i:], '\n'); n >= 0 {
				i += n
			} else {
				i = len(text)
			}
			continue
		case strings.HasPrefix(text[i:], "/*"):
			if n := strings.Index(text[i+2:], "*/"); n >= 0 {
				i += n + 4
			} else {
				i = len(text)
			}
			continue
		case c == '\'' || c == '"':
			word, end := quoted(text, i)
			add(word)
			if c == '\'' {
				for _, part := range strings.FieldsFunc(strings.TrimPrefix(word, "$"), func(r rune) bool { return strings.ContainsRune(`.[]"/`, r) }) {
					add(part)
				}
			}
			i, before = end, "'"
			continue
		case isWord(c):
			end := i
			for end < len(text) && isWord(text[end]) {
				end++
			}
			word := strings.ToLower(text[i:end])
			add(word)
			if word == "properties" && !strings.HasPrefix(strings.TrimSpace(text[end:]), "->") {
				whole = true
			}
			i, before = end, word
			continue
		case c == '*':
			whole = whole || before == "select" || before == "distinct" || before == "," || before == "."
		}
		if c > ' ' {
			before = string(c)
		}
		i++
	}
	return words, whole
}

func isWord(c byte) bool {
	return c == '_' || c == '$' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// quoted is the text between the quotes that begin at i, and the place behind them.
func quoted(text string, i int) (string, int) {
	q := text[i]
	var b strings.Builder
	for i++; i < len(text); i++ {
		if text[i] == q {
			if i+1 < len(text) && text[i+1] == q {
				i++
			} else {
				return b.String(), i + 1
			}
		}
		b.WriteByte(text[i])
	}
	return b.String(), i
}
