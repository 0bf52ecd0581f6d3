// Package storetest says what every row store must do: Run is the suite that each driver
// passes, Crash kills a process in the midst of its work, and Memory is the smallest store
// that is right, for tests of other packages.
package storetest

import (
	"bytes"
	"sync"

	"clientele"
)

// Memory is a row store that forgets everything with the process. Its state is a tree whose
// nodes never change, so that a snapshot costs nothing.
type Memory struct {
	mu    sync.RWMutex
	state memoryState
}

type memoryState struct {
	root     *node
	position clientele.Position
	number   uint64
}

var _ clientele.RowStore = (*Memory)(nil)

// NewMemory is an empty store.
func NewMemory() clientele.RowStore { return &Memory{} }

func (m *Memory) now() memoryState {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.state
}

func (m *Memory) Get(k clientele.Key) ([]byte, error) { return m.now().Get(k) }

func (m *Memory) Scan(r clientele.Range, fn func(clientele.Key, []byte) (bool, error)) error {
	return m.now().Scan(r, fn)
}

func (m *Memory) Load(keys []clientele.Key) ([][]byte, error) {
	s := m.now()
	out := make([][]byte, len(keys))
	for i, k := range keys {
		out[i], _ = s.Get(k) // has no error
	}
	return out, nil
}

func (m *Memory) Position() (clientele.Position, uint64, error) {
	s := m.now()
	return s.position, s.number, nil
}

func (m *Memory) Snapshot() (clientele.Snapshot, error) { return &memorySnapshot{state: m.now()}, nil }

func (m *Memory) Apply(set *clientele.ChangeSet) error {
	if set.Position < set.After {
		return clientele.Errorf(clientele.Invalid, "change set goes back from position %d to %d", set.After, set.Position)
	}
	for i := range set.Rows {
		k := set.Rows[i].Key
		if len(k) == 0 || k[0] == 0xff || k[0] == clientele.RowOutbox || k[0] == clientele.RowPosition {
			return clientele.Errorf(clientele.Invalid, "row %d of the change set has a key that is not for callers", i)
		}
	}
	for i, r := range set.Drop {
		for _, own := range []byte{clientele.RowOutbox, clientele.RowPosition} {
			if string(r.Start) < string(own+1) && (len(r.End) == 0 || string(r.End) > string(own)) {
				return clientele.Errorf(clientele.Invalid, "drop %d of the change set covers rows that are not for callers", i)
			}
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.state
	if set.After != s.position {
		return clientele.ErrMoved
	}
	for _, r := range set.Drop {
		s.root = drop(s.root, r)
	}
	for i := range set.Rows {
		if r := &set.Rows[i]; r.Value == nil {
			s.root = remove(s.root, string(r.Key))
		} else {
			s.root = put(s.root, newNode(string(r.Key), bytes.Clone(r.Value)))
		}
	}
	if set.Outbox != nil {
		s.number++
		s.root = put(s.root, newNode(string(clientele.OutboxKey(s.number)), bytes.Clone(set.Outbox)))
	}
	s.position = set.Position
	m.state = s
	return nil
}

func (m *Memory) Changes(after uint64, n int) ([]clientele.OutboxEntry, error) {
	s := m.now()
	if after > s.number {
		return nil, clientele.Errorf(clientele.Corrupt, "follower has change %d, the row store only %d", after, s.number)
	}
	var out []clientele.OutboxEntry
	for next := after + 1; next <= s.number && len(out) < n; next++ {
		b, _ := s.Get(clientele.OutboxKey(next)) // has no error
		if b == nil {
			return nil, clientele.Errorf(clientele.Corrupt, "change %d is no longer kept", next)
		}
		out = append(out, clientele.OutboxEntry{Number: next, Bytes: b})
	}
	return out, nil
}

func (m *Memory) TrimChanges(upTo uint64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if upTo = min(upTo, m.state.number); upTo > 0 {
		m.state.root = drop(m.state.root, clientele.Range{Start: clientele.OutboxKey(0), End: clientele.OutboxKey(upTo + 1)})
	}
	return nil
}

func (s memoryState) Get(k clientele.Key) ([]byte, error) {
	for n := s.root; n != nil; {
		switch {
		case string(k) < n.key:
			n = n.left
		case string(k) > n.key:
			n = n.right
		default:
			return append([]byte{}, n.value...), nil
		}
	}
	return nil, nil
}

func (s memoryState) Scan(r clientele.Range, fn func(clientele.Key, []byte) (bool, error)) error {
	_, err := walk(s.root, string(r.Start), string(r.End), r.Reverse, fn)
	return err
}

type memorySnapshot struct {
	mu     sync.Mutex
	state  memoryState
	closed bool
}

func (p *memorySnapshot) open() (memoryState, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return memoryState{}, clientele.Errorf(clientele.Unavailable, "snapshot is closed")
	}
	return p.state, nil
}

func (p *memorySnapshot) Get(k clientele.Key) ([]byte, error) {
	s, err := p.open()
	if err != nil {
		return nil, err
	}
	return s.Get(k)
}

func (p *memorySnapshot) Scan(r clientele.Range, fn func(clientele.Key, []byte) (bool, error)) error {
	s, err := p.open()
	if err != nil {
		return err
	}
	return s.Scan(r, fn)
}

func (p *memorySnapshot) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	return nil
}

// node is of a treap: ordered by key, and by the hash of the key from the root down, which
// keeps it shallow whatever the order of writing. A node is never changed.
type node struct {
	key         string
	value       []byte
	weight      uint64
	left, right *node
}

func newNode(key string, value []byte) *node {
	return &node{key: key, value: append([]byte{}, value...), weight: weigh(key)}
}

// weigh mixes FNV-1a's hash, so that the tree has the same shape in every process.
func weigh(key string) uint64 {
	h := uint64(14695981039346656037)
	for i := 0; i < len(key); i++ {
		h = (h ^ uint64(key[i])) * 1099511628211
	}
	h ^= h >> 32
	h *= 0x9e3779b97f4a7c15
	return h ^ h>>29
}

func (n *node) with(left, right *node) *node {
	c := *n
	c.left, c.right = left, right
	return &c
}

func put(n, add *node) *node {
	switch {
	case n == nil:
		return add
	case add.key == n.key:
		return add.with(n.left, n.right)
	case add.weight > n.weight:
		left, right := split(n, add.key)
		return add.with(left, right)
	case add.key < n.key:
		return n.with(put(n.left, add), n.right)
	}
	return n.with(n.left, put(n.right, add))
}

func remove(n *node, key string) *node {
	switch {
	case n == nil:
		return nil
	case key < n.key:
		return n.with(remove(n.left, key), n.right)
	case key > n.key:
		return n.with(n.left, remove(n.right, key))
	}
	return join(n.left, n.right)
}

// split is the nodes before the key, and those at it and behind.
func split(n *node, key string) (before, rest *node) {
	if n == nil {
		return nil, nil
	}
	if n.key < key {
		before, rest = split(n.right, key)
		return n.with(n.left, before), rest
	}
	before, rest = split(n.left, key)
	return before, n.with(rest, n.right)
}

// join puts two trees together of which the first lies before the second.
func join(a, b *node) *node {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	case a.weight > b.weight:
		return a.with(a.left, join(a.right, b))
	}
	return b.with(join(a, b.left), b.right)
}

func drop(n *node, r clientele.Range) *node {
	if len(r.End) > 0 && bytes.Compare(r.Start, r.End) >= 0 {
		return n
	}
	before, rest := split(n, string(r.Start))
	if len(r.End) == 0 {
		return before
	}
	_, behind := split(rest, string(r.End))
	return join(before, behind)
}

// walk visits the keys from start up to but without end ("" = no end).
func walk(n *node, start, end string, reverse bool, fn func(clientele.Key, []byte) (bool, error)) (more bool, err error) {
	if n == nil {
		return true, nil
	}
	fits := n.key >= start && (end == "" || n.key < end)
	first, second := n.left, n.right
	visitFirst, visitSecond := n.key > start, end == "" || n.key < end
	if reverse {
		first, second, visitFirst, visitSecond = second, first, visitSecond, visitFirst
	}
	if visitFirst {
		if more, err = walk(first, start, end, reverse, fn); !more || err != nil {
			return false, err
		}
	}
	if fits {
		// Copies, so that a caller who keeps or changes them harms nobody else.
		if more, err = fn(clientele.Key(n.key), bytes.Clone(n.value)); !more || err != nil {
			return false, err
		}
	}
	if visitSecond {
		return walk(second, start, end, reverse, fn)
	}
	return true, nil
}
