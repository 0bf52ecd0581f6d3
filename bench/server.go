package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"clientele/bench/load"
	"clientele/client"
	"clientele/internal/token"
)

// writeKey and sourceName are those of the one source.
const (
	writeKey   = "BENCH_KEY"
	sourceName = "bench"
)

// server is the real program on a data directory, in a process of its own.
type server struct {
	program string
	last    bool   // this process goes first
	dir     string // holds data, configuration and what the server says
	listen  string
	address atomic.Pointer[string]
	api     *client.Client
	secret  string // of the API, for what the client has no method for
	cmd     *exec.Cmd
	exited  chan struct{}
}

func (s *server) data() string { return filepath.Join(s.dir, "data") }

// where is the server's host:port, "" while it is not up.
func (s *server) where() string {
	if a := s.address.Load(); a != nil {
		return *a
	}
	return ""
}

func (s *server) pid() int { return s.cmd.Process.Pid }

// start starts the server and answers how long it took until it was ready.
func (s *server) start(ctx context.Context) (time.Duration, error) {
	if err := os.MkdirAll(s.data(), 0o700); err != nil {
		return 0, err
	}
	config := filepath.Join(s.dir, "bench.yaml")
	text := fmt.Sprintf("data: %q\nsources:\n  - {name: %s, write_key: %s}\nquery: {timeout: 10m}\n", s.data(), sourceName, writeKey)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return 0, err
	}
	said, err := os.OpenFile(filepath.Join(s.dir, "server.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, err
	}
	defer said.Close() // the process has its own
	if err := os.Remove(filepath.Join(s.data(), "server.json")); err != nil && !errors.Is(err, os.ErrNotExist) {
		return 0, err
	}
	args := []string{s.program, "serve", "--config", config, "--listen", s.listen}
	if s.last {
		args = append([]string{"nice", "-n", strconv.Itoa(ahead)}, args...) // as it would have been without goFirst
	}
	s.cmd = exec.Command(args[0], args[1:]...)
	s.cmd.Stdout, s.cmd.Stderr = said, said
	begin := time.Now()
	if err := s.cmd.Start(); err != nil {
		return 0, fmt.Errorf("start the server: %w", err)
	}
	s.exited = make(chan struct{})
	go func(cmd *exec.Cmd, exited chan struct{}) {
		_ = cmd.Wait() // how it ended is in its state
		close(exited)
	}(s.cmd, s.exited)
	return s.ready(ctx, begin)
}

// readyWithin is how long a server may take to get ready.
const readyWithin = 5 * time.Minute

func (s *server) ready(ctx context.Context, begin time.Time) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	for {
		select {
		case <-s.exited:
			return 0, fmt.Errorf("the server ended by itself: %s; what it said is in %s", s.cmd.ProcessState, filepath.Join(s.dir, "server.log"))
		default:
		}
		if f, ok := token.ReadServerFile(s.data()); ok && f.PID == s.pid() && readyz(ctx, f.Address) {
			took := time.Since(begin)
			return took, s.connect(f)
		}
		if err := load.Sleep(ctx, 2*time.Millisecond); err != nil {
			return 0, fmt.Errorf("the server is not ready: %w", err)
		}
	}
}

// connect refuses a server that listens elsewhere.
func (s *server) connect(f token.ServerFile) error {
	address, err := load.Loopback(f.Address)
	if err != nil {
		return err
	}
	if s.api != nil {
		s.api.Close()
	}
	if s.api, err = client.New(f.Address, f.Token); err != nil {
		return err
	}
	s.secret = f.Token
	s.listen = address // the next one listens at the same place, as senders expect
	s.address.Store(&address)
	return nil
}

func readyz(ctx context.Context, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/readyz", nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// kill ends the server as kill -9 does.
func (s *server) kill() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill() // it may have ended already
	<-s.exited
	s.cmd = nil
}

// stop ends it in order.
func (s *server) stop() error {
	if s.cmd == nil {
		return nil
	}
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop the server: %w", err)
	}
	select {
	case <-s.exited:
	case <-time.After(time.Minute):
		s.kill()
		return errors.New("the server has not stopped within a minute")
	}
	state := s.cmd.ProcessState
	s.cmd = nil
	if !state.Success() {
		return fmt.Errorf("the server ended with %s", state)
	}
	return nil
}

// version is what the program calls itself.
func version(ctx context.Context, program string) (string, error) {
	out, err := exec.CommandContext(ctx, program, "version").Output()
	if err != nil {
		return "", fmt.Errorf("%s version: %w", program, err)
	}
	first, _, _ := bytes.Cut(out, []byte("\n"))
	return strings.TrimSpace(string(first)), nil
}

// profile is a CPU profile of the server over d.
func (s *server) profile(ctx context.Context, d time.Duration) ([]byte, error) {
	url := fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", s.where(), max(int(d.Seconds()), 1))
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+s.secret)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the server answers %s to /debug/pprof/profile", resp.Status)
	}
	return io.ReadAll(io.LimitReader(resp.Body, 64<<20))
}
