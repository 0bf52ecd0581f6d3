package e2e_test

import (
	"os"
	"strings"
	"testing"
)

// TestDemo: the built program loads a small shop, finds its numbers in SQL, and leaves nothing behind.
func TestDemo(t *testing.T) {
	whole(t)
	place := t.TempDir()
	code, out, errs := cli(t, []string{"TMPDIR=" + place}, "demo", "--once", "--people", "500", "--listen", "127.0.0.1:0")
	if code != 0 || strings.Count(out, "  equal\n") < 20 || strings.Contains(out, "DIFFERENT") {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
	left, err := os.ReadDir(place)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
