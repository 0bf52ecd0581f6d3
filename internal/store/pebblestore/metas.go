package pebblestore

import (
	"bytes"
	"maps"
	"sync"

	"clientele"
)

// metas are values of RowMeta, rules and the like, which every request reads and which hardly ever change: they are
// handed on from view to view until a change set writes them. nil is a value: there is no such row.
type metas struct {
	mu     sync.RWMutex
	values map[string][]byte
}

// Limits of what is kept.
const (
	maxMetas     = 64
	maxMetaBytes = 256 << 10
)

func (m *metas) get(k clientele.Key) (v []byte, known bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	v, known = m.values[string(k)]
	return bytes.Clone(v), known
}

// keep remembers a value as of the view that has m.
func (m *metas) keep(k clientele.Key, v []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(v) > maxMetaBytes || len(m.values) >= maxMetas {
		return
	}
	if m.values == nil {
		m.values = map[string][]byte{}
	}
	m.values[string(k)] = bytes.Clone(v)
}

// after are those that hold behind the change set, too. They are others: who still reads as of before may learn more.
func (m *metas) after(set *clientele.ChangeSet) *metas {
	for _, r := range set.Drop {
		if bytes.Compare(r.Start, []byte{clientele.RowMeta + 1}) < 0 && bytes.Compare(dropEnd(r), []byte{clientele.RowMeta}) > 0 {
			return &metas{}
		}
	}
	m.mu.RLock()
	next := &metas{values: maps.Clone(m.values)}
	m.mu.RUnlock()
	for i := range set.Rows {
		if k := set.Rows[i].Key; k[0] == clientele.RowMeta {
			delete(next.values, string(k))
		}
	}
	return next
}
