package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clientele/internal/predict/attribution"
)

func TestPredictAttribution(t *testing.T) {
	dir := t.TempDir()
	in, out := filepath.Join(dir, "paths.csv"), filepath.Join(dir, "channels.csv")
	if err := os.WriteFile(in, []byte("path,won,lost,worth\nads > mail > ads,4,1,40\nmail,2,2,10\n,1,1,1\nads,many,1,1\nshop,0,5,0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"attribution", "--paths", in, "--path", "path", "--conversions", "won", "--nulls", "lost", "--value", "worth", "--out", out}
	stdout, stderr, code := predictRun(t, args...)
	if code != exitDone || !strings.Contains(stdout, "6 conversions, 8 paths without one") || !strings.Contains(stderr, "many") {
		t.Fatal(stdout, stderr)
	}
	rows := tableOf(t, out)
	if len(rows) != 3 || rows[0]["channel"] != "mail" || rows[0]["last"] != "2" || rows[1]["last"] != "4" || rows[1]["shapley"] != "2" || rows[1]["first_value"] != "40" || rows[2]["markov"] != "0" {
		t.Errorf("%v", rows)
	}
	stdout, stderr, code = predictRun(t, append(args, "--json")...)
	var r attribution.Result
	if code != exitDone || json.Unmarshal([]byte(stdout), &r) != nil || r.Conversions != 6 || r.Nulls != 8 {
		t.Errorf("%s %s", stdout, stderr)
	}
	for _, wrong := range [][]string{{"attribution"}, {"attribution", "--paths", in, "--path", "path", "--conversions", "won"}, append(args, "--between", "")} {
		if _, _, code := predictRun(t, wrong...); code != exitUsage {
			t.Errorf("%q: exit %d", wrong, code)
		}
	}
}
