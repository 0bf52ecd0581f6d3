// Package audit keeps who did what and who looked at whom: one line of JSON for each act, appended
// and never changed, each sealed with a keyed hash of itself and of the one before it. A line that is
// altered, left out or put in between breaks the chain. What an act was about stands there as a profile
// id or as a keyed hash, never as a personal datum.
//
// Files are FIRST.jsonl, FIRST being the number of the first record in 20 digits. The oldest go when there are
// too many; anchor.json then holds the seal of the last record that went, so that the chain still has a beginning.
// The key (audit.key, mode 0600) is beside them: whoever has it can write another history, so note the
// head of the chain elsewhere from time to time.
package audit

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"clientele"
	"clientele/internal/secret"
)

// Record is one act.
type Record struct {
	N       uint64           `json:"n"`
	At      clientele.Micros `json:"at"`
	By      string           `json:"by" doc:"The token's name."`
	Act     string           `json:"act" doc:"What was asked: the operation of the API, or of a command."`
	Target  string           `json:"target,omitempty" doc:"What it was about: a profile id, a name, or a keyed hash."`
	Outcome string           `json:"outcome" doc:"ok, or the code of the error."`
	Request string           `json:"request,omitempty" doc:"The request's id, as in the server's log."`
	Prev    string           `json:"prev" doc:"Seal of the record before."`
	Seal    string           `json:"seal,omitempty" doc:"Keyed hash of this record and prev."`
}

// The size of the whole: the oldest file goes when there are more.
const (
	defaultFileBytes = 8 << 20
	defaultFiles     = 32
)

const (
	ext        = ".jsonl"
	keyFile    = "audit.key"
	anchorFile = "anchor.json"
	keyBytes   = 32
)

// Options bound the log.
type Options struct {
	FileBytes int64            // 0 = 8 MB
	Files     int              // 0 = 32
	Now       func() time.Time // nil = time.Now
	Keys      *secret.Keys     // that seal the log's own key; nil = it is kept as it is
}

// Log is the open audit log. It is safe for use by several goroutines.
type Log struct {
	o   Options
	dir string
	key []byte

	lock    *os.File
	reading sync.RWMutex // held while files are read, so that none goes

	mu   sync.Mutex
	f    *os.File
	size int64
	held int64 // bytes of the last file that have room on disk
	next uint64
	last string // seal of the last record
}

// anchor is the last record that went.
type anchor struct {
	N    uint64 `json:"n"`
	Seal string `json:"seal"`
	MAC  string `json:"mac"`
}

// Open opens the log in dir, or makes it. A line that a crash has cut is taken off; it was never
// acknowledged.
func Open(dir string, o Options) (*Log, error) {
	if o.FileBytes <= 0 {
		o.FileBytes = defaultFileBytes
	}
	if o.Files <= 1 {
		o.Files = defaultFiles
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	l := &Log{o: o, dir: dir}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, failed(err)
	}
	var err error
	if l.lock, err = lockDir(dir); err != nil {
		return nil, err
	}
	if err = l.loadKey(); err == nil {
		err = l.openLast()
	}
	if err != nil {
		return nil, errors.Join(err, l.lock.Close())
	}
	return l, nil
}

func failed(err error) error {
	return clientele.Errorf(clientele.Unavailable, "audit log: %w", err).WithHint("nothing is done that cannot be recorded: check the disk of the data directory")
}

func (l *Log) loadKey() error {
	path := filepath.Join(l.dir, keyFile)
	text, err := l.o.Keys.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if len(l.files()) > 0 {
			return clientele.Errorf(clientele.Corrupt, "audit log: its key %s is gone", keyFile).WithHint("bring it back from a backup, or move the folder %s away to begin a new chain", l.dir)
		}
		key := make([]byte, keyBytes)
		rand.Read(key) // never fails: it ends the program instead
		text = []byte(hex.EncodeToString(key) + "\n")
		if err := l.o.Keys.WriteFile(path, text); err != nil {
			return failed(err)
		}
	} else if err != nil {
		return clientele.Errorf(clientele.ErrorCode(err), "audit log: %w", err).WithHint("%s", clientele.ErrorHint(err))
	}
	l.key, err = hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(l.key) != keyBytes {
		return clientele.Errorf(clientele.Corrupt, "audit log: %s is no key", keyFile).WithHint("bring it back from a backup")
	}
	return nil
}

func writeFile(path string, b []byte) error {
	f, err := os.OpenFile(path+".tmp", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	return err
}

// files are the paths of the log's files, the oldest first.
func (l *Log) files() []string {
	paths, _ := filepath.Glob(filepath.Join(l.dir, "*"+ext))
	slices.Sort(paths)
	return paths
}

func firstOf(path string) uint64 {
	n, _ := strconv.ParseUint(strings.TrimSuffix(filepath.Base(path), ext), 10, 64)
	return n
}

// openLast finds the end of the chain.
func (l *Log) openLast() error {
	files := l.files()
	if len(files) == 0 {
		a, err := l.anchor()
		if err != nil {
			return err
		}
		l.next, l.last = a.N+1, a.Seal
		return l.create()
	}
	path := files[len(files)-1]
	b, err := os.ReadFile(path)
	if err != nil {
		return failed(err)
	}
	whole := bytes.LastIndexByte(b, '\n') + 1
	if whole < len(b) {
		if err := os.Truncate(path, int64(whole)); err != nil {
			return failed(err)
		}
	}
	l.next, l.size = firstOf(path), int64(whole)
	if whole > 0 {
		start := bytes.LastIndexByte(b[:whole-1], '\n') + 1
		var r Record
		if err := json.Unmarshal(b[start:whole], &r); err != nil {
			return clientele.Errorf(clientele.Corrupt, "audit log: the last record of %s cannot be read", filepath.Base(path)).WithHint("clientele audit --verify says where the chain breaks; move the file away to begin anew")
		}
		l.next, l.last = r.N+1, r.Seal
	} else if len(files) > 1 || l.next > 1 { // made and not yet written to
		prev, err := l.sealBefore(files)
		if err != nil {
			return err
		}
		l.last = prev
	}
	if l.f, err = os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0o600); err != nil {
		return failed(err)
	}
	l.ahead()
	return nil
}

// sealBefore is the seal of the record before the last, empty file.
func (l *Log) sealBefore(files []string) (string, error) {
	if len(files) == 1 {
		a, err := l.anchor()
		return a.Seal, err
	}
	var seal string
	err := l.read(file{files[len(files)-2], math.MaxInt64}, func(r Record) bool { seal = r.Seal; return true })
	return seal, err
}

func (l *Log) create() (err error) {
	path := filepath.Join(l.dir, fmt.Sprintf("%020d%s", l.next, ext))
	if l.f, err = os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE|os.O_EXCL, 0o600); err != nil {
		return failed(err)
	}
	l.size, l.held = 0, 0
	l.ahead()
	return nil
}

// Hash stands for a text that must not be in the log: equal texts have equal hashes, and only the
// key leads from one to the other.
func (l *Log) Hash(text string) string {
	return "#" + l.mac("target", []byte(text))[:24]
}

func (l *Log) mac(purpose string, b []byte) string {
	m := hmac.New(sha256.New, l.key)
	m.Write([]byte(purpose))
	m.Write([]byte{0})
	m.Write(b)
	return hex.EncodeToString(m.Sum(nil))
}

func (l *Log) seal(r Record) (string, error) {
	r.Seal = ""
	b, err := json.Marshal(r)
	if err != nil {
		return "", clientele.Errorf(clientele.Internal, "audit log: %w", err)
	}
	return l.mac("record", b), nil
}

// Record appends an act; number, time and seals are the log's to fill in. durable waits for the disk;
// without it a power cut, but no crash of the program, may lose the record. Unavailable when it was not
// written: then the act must not be answered.
func (l *Log) Record(r Record, durable bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.f == nil {
		return clientele.Errorf(clientele.Unavailable, "audit log: it is closed")
	}
	if l.size >= l.o.FileBytes {
		if err := l.rotate(); err != nil {
			return err
		}
	}
	r.N, r.At, r.Prev = l.next, clientele.MicrosOf(l.o.Now()), l.last
	seal, err := l.seal(r)
	if err != nil {
		return err
	}
	r.Seal = seal
	line, err := json.Marshal(r)
	if err != nil {
		return clientele.Errorf(clientele.Internal, "audit log: %w", err)
	}
	line = append(line, '\n')
	l.ahead()
	if _, err := l.f.Write(line); err != nil {
		// Half a line would join with the next one.
		l.held = 0
		return failed(errors.Join(err, l.f.Truncate(l.size)))
	}
	l.size, l.next, l.last = l.size+int64(len(line)), l.next+1, seal
	if durable {
		if err := l.f.Sync(); err != nil {
			return failed(err)
		}
	}
	return nil
}

// reserved is how much room the log keeps for itself, in bytes: people must be found, and what is
// done be recorded, on a disk that others have filled. About two thousand records.
const reserved = 1 << 20

// ahead keeps room behind the file's end. Where none is left the log goes on with what it has.
func (l *Log) ahead() {
	if l.held-l.size < reserved/2 && reserve(l.f, l.size, reserved) == nil {
		l.held = l.size + reserved
	}
}

// rotate begins a new file, and lets the oldest go when there are too many.
func (l *Log) rotate() error {
	// What was kept behind its end is given back.
	if err := errors.Join(l.f.Truncate(l.size), l.f.Sync(), l.f.Close()); err != nil {
		return failed(err)
	}
	if err := l.create(); err != nil {
		return err
	}
	if !l.reading.TryLock() {
		return nil // the next time
	}
	defer l.reading.Unlock()
	files := l.files()
	for len(files) > l.o.Files {
		var last Record
		if err := l.read(file{files[0], math.MaxInt64}, func(r Record) bool { last = r; return true }); err != nil {
			return err
		}
		a := anchor{N: last.N, Seal: last.Seal}
		a.MAC = l.mac("anchor", fmt.Appendf(nil, "%d %s", a.N, a.Seal))
		b, err := json.Marshal(a)
		if err == nil {
			err = writeFile(filepath.Join(l.dir, anchorFile), b)
		}
		if err == nil {
			err = os.Remove(files[0])
		}
		if err != nil {
			return failed(err)
		}
		files = files[1:]
	}
	return nil
}

func (l *Log) anchor() (anchor, error) {
	var a anchor
	b, err := os.ReadFile(filepath.Join(l.dir, anchorFile))
	if errors.Is(err, fs.ErrNotExist) {
		return a, nil
	}
	if err != nil {
		return a, failed(err)
	}
	if json.Unmarshal(b, &a) != nil || !hmac.Equal([]byte(a.MAC), []byte(l.mac("anchor", fmt.Appendf(nil, "%d %s", a.N, a.Seal)))) {
		return a, broken(0, "%s is not what was written", anchorFile)
	}
	return a, nil
}

// Close syncs and closes.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.f == nil {
		return nil
	}
	err := errors.Join(l.f.Sync(), l.f.Close(), l.lock.Close())
	l.f = nil
	if err != nil {
		return failed(err)
	}
	return nil
}

// Size is the bytes of all files.
func (l *Log) Size() int64 {
	var n int64
	for _, path := range l.files() {
		if info, err := os.Stat(path); err == nil {
			n += info.Size()
		}
	}
	return n
}
