package main

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"clientele"
	"clientele/internal/config"
)

// surroundings examines what is around the data: files that hold secrets, the certificate, the port, descriptors.
func (d *doctor) surroundings(configPath string) {
	if configPath == "" {
		configPath = "clientele.yaml"
	}
	if info, err := os.Stat(configPath); err == nil {
		d.private(configPath, info)
	}
	d.certificate()
	d.descriptors()
	d.library()
	if d.cfg.AdminToken != "" && d.cfg.TLS.Cert == "" && !localOnly(d.cfg.Listen) {
		d.printf("note: listen %s takes HTTP from afar: put a proxy with TLS before it, or set tls.cert and tls.key\n", d.cfg.Listen)
	}
	if d.cfg.PGListen != "" && d.cfg.TLS.Cert == "" && !localOnly(d.cfg.PGListen) {
		d.printf("note: pg_listen %s takes passwords from afar without TLS: set tls.cert and tls.key\n", d.cfg.PGListen)
	}
}

func localOnly(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	return err == nil && (host == "localhost" || net.ParseIP(host).IsLoopback())
}

// private says whether others can read a file that may hold secrets.
func (d *doctor) private(path string, info os.FileInfo) {
	if info.Mode().Perm()&0o007 != 0 {
		d.wrong(path+" can be read by every user of this machine, and may hold keys", "chmod 0600 "+path)
	}
}

// secrets are the files of the data directory that nobody else may read, and whether those that are
// of use to a thief are sealed.
func (d *doctor) secrets(dir string) {
	if file := d.cfg.Secrets.KeyFile; file != "" {
		d.ownersAlone(file)
	}
	keys, err := d.cfg.Secrets.Keys()
	if err != nil {
		d.fault("secrets", err)
	}
	for _, name := range []string{"tokens.json", "users.json", "server.json"} {
		d.ownersAlone(filepath.Join(dir, name))
	}
	unsealed := 0
	for _, name := range []string{"erasures.key", "sources.json", filepath.Join("audit", "audit.key")} {
		path := filepath.Join(dir, name)
		d.ownersAlone(path)
		text, err := os.ReadFile(path)
		if err != nil {
			continue // not made yet, or another's: opening the directory tells
		}
		switch _, stale, err := keys.Open(filepath.Base(path), text); {
		case err != nil:
			d.fault("secrets", err)
		case keys != nil && stale:
			d.wrong(path+" is not sealed with the first key", "start the server again with this configuration: it seals what it finds")
		case keys == nil:
			unsealed++
		}
	}
	if unsealed > 0 && keys == nil {
		d.printf("  note: %d secrets lie unsealed: set secrets.key_file or CLIENTELE_SECRETS_KEY, see docs/security.md\n", unsealed)
	}
}

// ownersAlone says whether others can read a file of secrets.
func (d *doctor) ownersAlone(path string) {
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o077 != 0 {
		d.wrong(path+" can be read by other users", "chmod 0600 "+path)
	}
}

// How long before its end a certificate is a problem, and how long a note.
const (
	certWrong = 7 * 24 * time.Hour
	certNote  = 30 * 24 * time.Hour
)

func (d *doctor) certificate() {
	if d.cfg.TLS.Cert == "" {
		return
	}
	if info, err := os.Stat(d.cfg.TLS.Key); err == nil {
		d.private(d.cfg.TLS.Key, info)
	}
	b, err := os.ReadFile(d.cfg.TLS.Cert)
	if err != nil {
		d.wrong("tls.cert: "+err.Error(), "name a PEM file that the user of the server can read")
		return
	}
	block, _ := pem.Decode(b)
	if block == nil {
		d.wrong("tls.cert: "+d.cfg.TLS.Cert+" is not PEM", "it begins with -----BEGIN CERTIFICATE-----")
		return
	}
	x, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		d.wrong("tls.cert: "+d.cfg.TLS.Cert+" is no certificate", "renew it")
		return
	}
	switch left := time.Until(x.NotAfter); {
	case left < certWrong:
		d.wrong("tls.cert: it ends "+x.NotAfter.UTC().Format(time.DateOnly), "renew it; the server takes the new file by itself")
	case left < certNote:
		d.printf("note: tls.cert ends %s\n", x.NotAfter.UTC().Format(time.DateOnly))
	default:
		d.printf("certificate until %s\n", x.NotAfter.UTC().Format(time.DateOnly))
	}
}

// descriptors: half of them are for connections, the rest for the stores.
func (d *doctor) descriptors() {
	if n := openFiles(); n > 0 && n < 2*d.cfg.HTTP.MaxConnections {
		d.printf("note: %d open files for http.max_connections %d: fewer connections are taken; ulimit -n %d, or LimitNOFILE= in the unit\n", n, d.cfg.HTTP.MaxConnections, 2*d.cfg.HTTP.MaxConnections)
	}
}

// library: without it pages cannot load the browser's library from here.
func (d *doctor) library() {
	if d.cfg.Collect.SDKDir == "" {
		return
	}
	if _, err := os.Stat(filepath.Join(d.cfg.Collect.SDKDir, "node_modules")); errors.Is(err, os.ErrNotExist) {
		d.printf("note: the browser library is not installed, pages must load it elsewhere: npm ci --prefix %s\n", d.cfg.Collect.SDKDir)
	}
}

// port says whether a server could listen; one that runs already does.
func (d *doctor) port() {
	_, port, err := net.SplitHostPort(d.cfg.Listen)
	if err != nil || port == "0" {
		return
	}
	ln, err := net.Listen("tcp", d.cfg.Listen)
	if err != nil {
		d.wrong("listen "+d.cfg.Listen+": "+err.Error(), "another program has it, or the address is not this machine's: choose another with listen")
		return
	}
	_ = ln.Close()
	d.printf("  %s is free to listen on\n", d.cfg.Listen)
}

// slowSync is from when on a disk is too slow for the log.
const slowSync = 50 * time.Millisecond

// syncs measures what every acknowledgement waits for.
func (d *doctor) syncs(dir string) {
	f, err := os.CreateTemp(dir, ".check-*")
	if err != nil {
		return // writable has told
	}
	defer os.Remove(f.Name())
	defer f.Close()
	var took []time.Duration
	for range 21 {
		start := time.Now()
		if _, err := f.Write(make([]byte, 4096)); err != nil || f.Sync() != nil {
			return
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	median := took[len(took)/2]
	d.printf("  fsync %s (median of %d)\n", median.Round(10*time.Microsecond), len(took))
	if median > slowSync {
		d.wrong("fsync takes "+median.Round(time.Millisecond).String()+": every acknowledgement waits for one", "put the data directory on a local SSD, not on a network drive")
	}
}

// clock: the past cannot have been written in the future.
func (d *doctor) clock(dir string) {
	for _, name := range []string{"tokens.json", "state", "log"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil && time.Until(info.ModTime()) > time.Minute {
			d.wrong("the clock of this machine stands before the data was written ("+info.ModTime().UTC().Format(time.DateTime)+")", "let it keep time: timedatectl set-ntp true")
			return
		}
	}
}

// backups tells of the last backup.
func (d *doctor) backups(dir string) {
	last, ok := lastBackup(dir)
	switch age := time.Since(last.At.Time()); {
	case !ok:
		d.printf("  note: no backup was made yet: clientele backup --out PATH\n")
	default:
		d.printf("  last backup %s ago, %s\n", age.Round(time.Minute), config.Size(last.Bytes).Short())
	}
}

// quarantine: a share above this says that a sender and the program do not understand each other.
const quarantineShare = 0.01

func (d *doctor) quarantine(s *clientele.Status) {
	bad, good := s.Counts["quarantined"], s.Counts["events"]
	if bad > 100 && float64(bad) > quarantineShare*float64(good+bad) {
		d.wrong("more than one record in a hundred is in quarantine", "clientele quarantine list shows why")
	}
}
