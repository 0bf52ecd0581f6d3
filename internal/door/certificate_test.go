package door_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"clientele"
	"clientele/internal/door"
)

// writePair writes a certificate with that number, and its key.
func writePair(t *testing.T, dir string, number int64) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	x := &x509.Certificate{SerialNumber: big.NewInt(number), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, x, x, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	kb, err := x509.MarshalECPrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, b := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "EC PRIVATE KEY", Bytes: kb}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// A certificate that is replaced is used from the next connection on; one that is broken leaves the old one.
// Behind TLS the door bounds bodies as it does without.
func TestCertificate(t *testing.T) {
	dir := t.TempDir()
	cert, key := writePair(t, dir, 1)
	c, err := door.OpenCertificate(cert, key, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := door.New(door.Options{})
	srv := d.Server(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if n := d.Counts().Bodies; r.ContentLength > 0 && n < r.ContentLength {
			t.Errorf("a body of %d bytes is booked with %d", r.ContentLength, n)
		}
	}))
	ended := make(chan struct{})
	go func() { defer close(ended); _ = srv.Serve(tls.NewListener(d.Listener(ln), c.Config())) }()
	t.Cleanup(func() { srv.Close(); <-ended })
	number := func() int64 {
		t.Helper()
		hc := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
		defer hc.CloseIdleConnections()
		resp, err := hc.Post("https://"+ln.Addr().String(), "text/plain", io.LimitReader(zeros{}, 100_000))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.TLS.PeerCertificates[0].SerialNumber.Int64()
	}
	if n := number(); n != 1 {
		t.Errorf("certificate %d", n)
	}
	writePair(t, dir, 2)
	if err := c.Reload(); err != nil || number() != 2 {
		t.Errorf("after a reload: %v", err)
	}
	if err := os.WriteFile(key, []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := c.Reload(); clientele.ErrorCode(err) != clientele.Invalid || number() != 2 {
		t.Errorf("a broken key: %v", err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
