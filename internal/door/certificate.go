package door

import (
	"crypto/tls"
	"log/slog"
	"os"
	"sync"
	"time"

	"clientele"
)

// certificateAge is how long a certificate is used before its files are looked at again.
const certificateAge = 5 * time.Second

// Certificate is a certificate and its key in two files. When they are replaced the new ones are used
// from the next connection on; when the new ones cannot be used, the old ones still are.
type Certificate struct {
	cert, key string
	log       *slog.Logger

	mu      sync.Mutex
	current *tls.Certificate
	looked  time.Time
	changed [2]time.Time
}

// OpenCertificate reads the PEM files. Invalid when they do not go together.
func OpenCertificate(cert, key string, log *slog.Logger) (*Certificate, error) {
	c := &Certificate{cert: cert, key: key, log: log}
	return c, c.Reload()
}

// Reload reads the files now.
func (c *Certificate) Reload() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.looked = time.Now()
	return c.load()
}

func (c *Certificate) load() error {
	changed := c.times()
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return clientele.Errorf(clientele.Invalid, "tls: %w", err).WithHint("tls.cert and tls.key name PEM files of one certificate, readable by the user that runs clientele")
	}
	c.current, c.changed = &pair, changed
	return nil
}

func (c *Certificate) times() (t [2]time.Time) {
	for i, path := range []string{c.cert, c.key} {
		if info, err := os.Stat(path); err == nil {
			t[i] = info.ModTime()
		}
	}
	return t
}

// Config is for a server: TLS 1.2 or later, HTTP/1.1.
func (c *Certificate) Config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}, GetCertificate: c.get}
}

func (c *Certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); now.Sub(c.looked) > certificateAge {
		if c.looked = now; c.times() != c.changed {
			if err := c.load(); err != nil {
				c.log.Warn("the new certificate cannot be used, the old one still is", "error", err.Error(), "hint", clientele.ErrorHint(err))
			}
		}
	}
	return c.current, nil
}
