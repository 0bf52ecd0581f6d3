package rawzstd_test

import (
	"bytes"
	"testing"

	"github.com/klauspost/compress/zstd"

	"clientele/internal/rawzstd"
)

// What is stored is read back, and stands there as it is.
func TestAppend(t *testing.T) {
	dec, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer dec.Close()
	for _, size := range []int{0, 1, 1000, 128 << 10, 128<<10 + 1, 400 << 10} {
		content := bytes.Repeat([]byte("ann "), size/4+1)[:size]
		stored := rawzstd.Append([]byte("head"), content)
		got, err := dec.DecodeAll(stored[4:], nil)
		if err != nil || !bytes.Equal(got, content) {
			t.Errorf("%d bytes: %d came back, %v", size, len(got), err)
		}
		if len(stored) < size || !bytes.Contains(stored, content[:min(size, 1000)]) {
			t.Errorf("%d bytes were packed to %d", size, len(stored))
		}
	}
}
