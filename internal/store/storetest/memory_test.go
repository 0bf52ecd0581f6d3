package storetest_test

import (
	"testing"

	"clientele"
	"clientele/internal/store/storetest"
)

func TestMemory(t *testing.T) {
	stores := map[string]clientele.RowStore{} // by directory, as if they lay there
	storetest.Run(t, func(_ *testing.T, dir string) clientele.RowStore {
		if stores[dir] == nil {
			stores[dir] = storetest.NewMemory()
		}
		return stores[dir]
	})
}

func BenchmarkMemoryApply(b *testing.B) {
	s := storetest.NewMemory()
	var rows []clientele.RowChange
	for b.Loop() {
		at, _, _ := s.Position()
		rows = rows[:0]
		for i := range 1000 {
			rows = append(rows, clientele.RowChange{Key: clientele.HeadKey(clientele.Anchor(uint64(at)*7919 + uint64(i))), Value: []byte("value")})
		}
		if err := s.Apply(&clientele.ChangeSet{After: at, Position: at + 1, Rows: rows}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*1000)/b.Elapsed().Seconds(), "rows/s")
}
