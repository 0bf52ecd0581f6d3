package objectstore_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"clientele"
	"clientele/internal/objectstore"
)

// service is an object store in this process with the bucket "lake".
func service(t *testing.T, around func(http.Handler) http.Handler) *objectstore.Store {
	t.Helper()
	backend := s3mem.New()
	if err := backend.CreateBucket("lake"); err != nil {
		t.Fatal(err)
	}
	h := gofakes3.New(backend, gofakes3.WithAutoBucket(false)).Server()
	if around != nil {
		h = around(h)
	}
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	s, err := objectstore.Open(objectstore.Options{Endpoint: srv.URL, Region: "eu-central-1", AccessKey: "key", SecretKey: "very-secret", PathStyle: true})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func bucket(t *testing.T, s *objectstore.Store, address string) *objectstore.Bucket {
	t.Helper()
	b, err := s.Bucket(address)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestObjects(t *testing.T) {
	ctx := context.Background()
	s := service(t, nil)
	b := bucket(t, s, "s3://lake/exports/a")
	if empty, err := b.Clean(ctx); !empty || err != nil {
		t.Fatalf("empty %v: %v", empty, err)
	}
	large := bytes.Repeat([]byte("0123456789abcdef"), 3<<20) // 48 MB: several parts
	for name, text := range map[string][]byte{"small.json": []byte("{}"), "none": nil, "large": large} {
		o, err := b.Create(ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.Size(ctx, name); clientele.ErrorCode(err) != clientele.NotFound {
			t.Errorf("%s is seen before it is whole: %v", name, err)
		}
		if _, err := io.Copy(o, bytes.NewReader(text)); err != nil {
			t.Fatal(err)
		}
		if err := o.Commit(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if n, err := b.Size(ctx, name); n != int64(len(text)) || err != nil {
			t.Errorf("%s has %d bytes: %v", name, n, err)
		}
		if got, err := b.Read(ctx, name); err != nil || name != "large" && !bytes.Equal(got, text) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
	if empty, err := b.Clean(ctx); empty || err != nil {
		t.Errorf("empty %v: %v", empty, err)
	}
	if empty, err := bucket(t, s, "s3://lake/exports/").Clean(ctx); empty || err != nil {
		t.Errorf("above: empty %v: %v", empty, err)
	}
	if empty, err := bucket(t, s, "s3://lake/exp").Clean(ctx); !empty || err != nil {
		t.Errorf("a prefix is no beginning of a name: empty %v: %v", empty, err)
	}
	if _, err := b.Read(ctx, "nothing"); clientele.ErrorCode(err) != clientele.NotFound {
		t.Errorf("what is not there: %v", err)
	}
	for pattern, want := range map[string]int{"s3://lake/exports/a/*": 3, "s3://lake/exports/*": 0, "s3://lake/exports/?/small.*": 1, "s3://lake/exports/a/none": 1, "s3://lake/exports/a": 0} {
		list, err := s.List(ctx, pattern)
		if err != nil || len(list) != want {
			t.Errorf("%s: %+v, %v", pattern, list, err)
		}
		for _, l := range list {
			r, err := s.Open(ctx, l.Address)
			if err != nil {
				t.Fatal(err)
			}
			if n, err := io.Copy(io.Discard, r); n != l.Size || err != nil || l.Modified.IsZero() {
				t.Errorf("%s: %d bytes of %d: %v", l.Address, n, l.Size, err)
			}
			r.Close()
		}
	}
	o, err := bucket(t, s, "s3://elsewhere/a").Create(ctx, "x")
	if err == nil {
		err = o.Commit()
	}
	if clientele.ErrorCode(err) != clientele.NotFound || !strings.Contains(err.Error(), "bucket") {
		t.Errorf("another bucket: %v", err)
	}
}

// TestAbort: what is not committed is never there, and an interrupted upload is cleaned up.
func TestAbort(t *testing.T) {
	ctx := context.Background()
	b := bucket(t, service(t, nil), "s3://lake")
	o, err := b.Create(ctx, "half")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.Write(make([]byte, 20<<20)); err != nil {
		t.Fatal(err)
	}
	if err := o.Abort(); err != nil {
		t.Fatal(err)
	}
	if empty, err := b.Clean(ctx); !empty || err != nil {
		t.Errorf("half an object is there: %v, %v", empty, err)
	}
	ended, cancel := context.WithCancel(ctx)
	if o, err = b.Create(ended, "half"); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := o.Commit(); err == nil {
		t.Error("an upload whose context had ended was done")
	}
}

// TestFailures: a service that refuses or is gone gives an error with a code and no secret.
func TestFailures(t *testing.T) {
	answer := func(status int, body string) func(http.Handler) http.Handler {
		return func(http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/xml")
				w.WriteHeader(status)
				_, _ = io.WriteString(w, body)
			})
		}
	}
	ctx := context.Background()
	for body, want := range map[string]clientele.Code{
		`<Error><Code>AccessDenied</Code><Message>no</Message></Error>`:          clientele.Denied,
		`<Error><Code>SignatureDoesNotMatch</Code><Message>no</Message></Error>`: clientele.Denied,
		`<Error><Code>Odd</Code><Message>no</Message></Error>`:                   clientele.Unavailable,
	} {
		b := bucket(t, service(t, answer(http.StatusForbidden, body)), "s3://lake/x")
		if _, err := b.Clean(ctx); clientele.ErrorCode(err) != want {
			t.Errorf("%s: %v", body, err)
		}
		o, err := b.Create(ctx, "x")
		if err == nil {
			_, werr := o.Write([]byte("text"))
			err = errors.Join(o.Commit(), werr)
		}
		if clientele.ErrorCode(err) != want || strings.Contains(err.Error(), "very-secret") {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestOptions(t *testing.T) {
	for name, o := range map[string]objectstore.Options{"no credentials": {}, "a path": {Endpoint: "https://h/p", AccessKey: "a", SecretKey: "b"},
		"a file": {Endpoint: "file:///etc", AccessKey: "a", SecretKey: "b"}, "a user": {Endpoint: "https://u:p@h", AccessKey: "a", SecretKey: "b"}} {
		if _, err := objectstore.Open(o); clientele.ErrorCode(err) != clientele.Invalid || clientele.ErrorHint(err) == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, bad := range []string{"", "s3://", "s3:///a", "http://a/b", "s3://a/../b", "s3://a/b/..", "s3://a@b/c", "s3://a/./b"} {
		if _, _, err := objectstore.Split(bad); clientele.ErrorCode(err) != clientele.Invalid {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
