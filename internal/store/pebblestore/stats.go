package pebblestore

// Stats is how the engine does. Counts are since Open, sizes are bytes.
type Stats struct {
	Commit                 uint64 // number of the last change set
	DiskBytes              uint64
	WALBytes               uint64 // needed after a crash
	MemTableBytes          uint64
	CacheBytes             int64
	CacheHits, CacheMisses int64
	CompactionDebt         uint64 // estimated
	ReadAmplification      int
	Compactions, Flushes   int64
	BytesIn, BytesOut      uint64 // committed; written by flushes and compactions
}

// Stats reads the engine's own counters. Unavailable when the store is closed.
func (s *Store) Stats() (Stats, error) {
	v, err := s.enter()
	if err != nil {
		return Stats{}, err
	}
	defer s.leave(v)
	m := s.db.Metrics()
	total := m.Total()
	return Stats{Commit: v.number, DiskBytes: m.DiskSpaceUsage(), WALBytes: m.WAL.Size, MemTableBytes: m.MemTable.Size,
		CacheBytes: m.BlockCache.Size, CacheHits: m.BlockCache.Hits, CacheMisses: m.BlockCache.Misses,
		CompactionDebt: m.Compact.EstimatedDebt, ReadAmplification: m.ReadAmp(), Compactions: m.Compact.Count, Flushes: m.Flush.Count,
		BytesIn: m.WAL.BytesIn, BytesOut: total.TableBytesFlushed + total.TableBytesCompacted}, nil
}
