package app_test

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"clientele"
	"clientele/internal/app"
	"clientele/internal/config"
)

// To keep a data directory of the format of now, when a format has changed:
//
//	go test ./internal/app -run TestKeptFormats -keep-format 2
//
// writes testdata/data-2.tar.zst and what it says to data-2.json. Those that are there stay for ever.
var keepFormat = flag.String("keep-format", "", "make a data directory of the format of now, under this name")

// kept is what a kept data directory must still say.
type kept struct {
	SQL      map[string][]string
	Profile  string
	Timeline int
	Counts   map[string]int64
	Log      clientele.LogStatus
	Waiting  int
}

var keptQueries = []string{
	"select event_id, name, anonymous_id, user_id, properties->>'sku' from events order by 1",
	"select source, order_id, status, revenue, currency from orders order by 1, 2",
	"select namespace, value, source, verified from identifiers order by 1, 2",
	"select count(*) from profiles", "select purpose, granted from consents order by 1",
	"select sku, quantity, price from order_lines order by 1, 2, 3",
}

func (p *program) says() kept {
	p.Helper()
	k := kept{SQL: map[string][]string{}}
	for _, q := range keptQueries {
		k.SQL[q] = p.sql(q)
	}
	profile := p.profile("user_id", "ann")
	b, err := json.Marshal(map[string]any{"id": profile.ID, "traits": profile.Traits, "former": profile.FormerIDs, "identifiers": len(profile.Identifiers)})
	if err != nil {
		p.Fatal(err)
	}
	k.Profile = string(b)
	events, _, err := p.client.Events(context.Background(), id("user_id", "ann"), 100, "")
	if err != nil {
		p.Fatal(err)
	}
	s := p.status()
	k.Timeline, k.Counts, k.Log, k.Waiting = len(events), s.Counts, s.Log, len(p.allQuarantined(100))
	k.Log.Bytes = 0
	return k
}

// make makes a small data directory with something of everything: live events, imports, quarantine, a merge
// and an unmerge, parts of the archive and frames of the log.
func makeKept(t *testing.T, name string) {
	c := settings(t)
	p := run(t, c)
	ctx := context.Background()
	p.batch(serverKey, identify("m1", "2026-01-01T00:00:00Z", `"userId":"ann","anonymousId":"a1"`, `{"email":"ann@example.com","city":"Hanoi","consent":{"marketing":true}}`),
		track("m2", "Order Completed", "2026-01-02T00:00:00Z", `"userId":"ann"`, `{"order_id":"O1","total":20.5,"currency":"EUR","products":[{"sku":"S1","price":10.25,"quantity":2}]}`))
	p.batch(webKey, track("m3", "Product Viewed", "2026-01-01T10:00:00Z", `"anonymousId":"a2"`, `{"sku":"S2"}`), `{"type":"track","messageId":"bad","event":"","userId":"ann"}`)
	p.rows("crm", `{"table":"profiles","id":"c1","ts":"2026-01-01T00:00:00Z","ids":[{"ns":"user_id","v":"ann"},{"ns":"crm:no","v":"7"}],"traits":{"city":"Hue"}}`)
	p.stop()
	c.Log.KeepSize = 1
	p = run(t, c)
	eventually(t, "the log was trimmed", func() bool { return p.status().Log.First > 1 })
	p.stop()
	c.Log.KeepSize = config.GB
	p = run(t, c)
	if _, err := p.client.Merge(ctx, clientele.MergeRequest{Profile: "user_id:ann", Identifiers: []clientele.Identifier{id("anonymous_id", "a2")}}); err != nil {
		t.Fatal(err)
	}
	p.batch(serverKey, track("m4", "Product Viewed", "2026-01-03T00:00:00Z", `"userId":"bob"`, `{"sku":"S3"}`), identify("m5", "2026-01-03T00:00:00Z", `"userId":"bob","anonymousId":"a3"`, `{}`))
	if _, err := p.client.Unmerge(ctx, clientele.MergeRequest{Profile: "user_id:bob", Identifiers: []clientele.Identifier{id("anonymous_id", "a3")}}); err != nil {
		t.Fatal(err)
	}
	p.settle()
	says := p.says()
	p.stop()
	b, err := json.MarshalIndent(says, "", " ")
	if err == nil {
		err = os.WriteFile(filepath.Join("testdata", "data-"+name+".json"), append(b, '\n'), 0o644)
	}
	if err == nil {
		err = packDir(c.Data, filepath.Join("testdata", "data-"+name+".tar.zst"))
	}
	if err != nil {
		t.Fatal(err)
	}
}

func packDir(dir, to string) (err error) {
	f, err := os.Create(to)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	z, err := zstd.NewWriter(f, zstd.WithEncoderLevel(zstd.SpeedBestCompression))
	if err != nil {
		return err
	}
	w := tar.NewWriter(z)
	if err := w.AddFS(os.DirFS(dir)); err != nil {
		return err
	}
	return errors.Join(w.Close(), z.Close())
}

func unpackDir(t *testing.T, from, to string) {
	t.Helper()
	f, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := zstd.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(to, h.Name)
		if h.Typeflag == tar.TypeDir {
			err = os.MkdirAll(path, 0o700)
		} else if err = os.MkdirAll(filepath.Dir(path), 0o700); err == nil {
			var b []byte
			if b, err = io.ReadAll(r); err == nil {
				err = os.WriteFile(path, b, 0o600)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// Data directories of earlier formats are opened, say what they said, and are rebuilt to the same.
func TestKeptFormats(t *testing.T) {
	t.Parallel()
	if *keepFormat != "" {
		makeKept(t, *keepFormat)
	}
	packs, err := filepath.Glob("testdata/data-*.tar.zst")
	if err != nil || len(packs) == 0 {
		t.Fatal("there is no kept data directory", err)
	}
	for _, pack := range packs {
		if info, err := os.Stat(pack); err != nil || info.Size() > 200<<10 {
			t.Errorf("%s is over 200 KB", pack)
		}
		b, err := os.ReadFile(strings.TrimSuffix(pack, ".tar.zst") + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var want kept
		if err := json.Unmarshal(b, &want); err != nil {
			t.Fatal(err)
		}
		c := settings(t)
		unpackDir(t, pack, c.Data)
		for _, when := range []string{"opened", "rebuilt"} {
			p := run(t, c)
			p.settle()
			got := p.says()
			want.Log.Last = max(want.Log.Last, got.Log.Last) // rules of a newer configuration are a record
			if when == "opened" {
				want.Counts["commands"] = got.Counts["commands"]
			}
			for q, rows := range want.SQL {
				if fmt.Sprint(got.SQL[q]) != fmt.Sprint(rows) {
					t.Errorf("%s %s: %s\n got %v\nwant %v", pack, when, q, got.SQL[q], rows)
				}
			}
			if got.Profile != want.Profile || got.Timeline != want.Timeline || got.Waiting != want.Waiting || got.Log != want.Log {
				t.Errorf("%s %s:\n got %+v\nwant %+v", pack, when, got, want)
			}
			for name, n := range want.Counts {
				if got.Counts[name] != n {
					t.Errorf("%s %s: %s are %d, were %d", pack, when, name, got.Counts[name], n)
				}
			}
			p.batch(webKey, track("again", "Product Viewed", "2026-01-01T10:00:00Z", `"anonymousId":"a9"`, `{}`)) // and it goes on
			p.stop()
			if when == "rebuilt" {
				break
			}
			c.Data = t.TempDir()
			unpackDir(t, pack, c.Data)
			rebuild(t, c)
		}
	}
}

// A data directory that a newer program has written is refused with what to do, and left as it is.
func TestNewerFormats(t *testing.T) {
	t.Parallel()
	packs, err := filepath.Glob("testdata/data-*.tar.zst")
	if err != nil || len(packs) == 0 {
		t.Fatal(err)
	}
	newer := map[string]func(data string) error{
		"rows": func(data string) error {
			return os.WriteFile(filepath.Join(data, "state", "rows", "FORMAT"), []byte("clientele rows 99\n"), 0o600)
		},
		"archive": func(data string) error {
			parts, err := filepath.Glob(filepath.Join(data, "archive", "*.part"))
			if err != nil || len(parts) == 0 {
				return fs.ErrNotExist
			}
			b, err := os.ReadFile(parts[0])
			if err != nil {
				return err
			}
			b[7] = 99
			return os.WriteFile(parts[0], b, 0o600)
		},
		"tokens": func(data string) error {
			return os.WriteFile(filepath.Join(data, "tokens.json"), []byte(`{"version":99}`), 0o600)
		},
	}
	for what, change := range newer {
		c := settings(t)
		unpackDir(t, packs[len(packs)-1], c.Data)
		if err := change(c.Data); err != nil {
			t.Fatal(what, err)
		}
		a, err := app.Open(context.Background(), c, options())
		if err == nil {
			a.Close()
		}
		if code := clientele.ErrorCode(err); code != clientele.Conflict && code != clientele.Corrupt || clientele.ErrorHint(err) == "" {
			t.Errorf("newer %s: %v (%s)", what, err, clientele.ErrorHint(err))
		}
	}
}
