package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"clientele"
	"clientele/internal/api"
	"clientele/internal/config"
	"clientele/internal/door"
	"clientele/internal/token"

	"github.com/spf13/cobra"
)

// graceful is how long requests under way may take to end when the server stops.
const graceful = 10 * time.Second

func (c *cli) serveCommand() *cobra.Command {
	var listen string
	var verbose bool
	cmd := c.command("serve [--config FILE] [--data DIR] [--listen ADDR]", "Collect, resolve and answer, until it is stopped",
		"serve --data ./clientele-data --listen 127.0.0.1:8080", cobra.NoArgs, func(ctx context.Context, _ []string) error {
			c.again = func() (config.Config, error) {
				cfg, err := c.config()
				if listen != "" {
					cfg.Listen = listen
				}
				return cfg, err
			}
			cfg, err := c.again()
			if err != nil {
				return err
			}
			if err := cfg.Validate(); err != nil {
				return err
			}
			level := slog.LevelInfo
			if verbose {
				level = slog.LevelDebug
			}
			return c.serve(ctx, cfg, c.log(level))
		})
	cmd.Flags().StringVar(&listen, "listen", "", "`ADDR`ess host:port; overrides the configuration")
	cmd.Flags().BoolVar(&verbose, "verbose", false, "log every request, without personal data")
	return cmd
}

// serve serves until the context ends.
func (c *cli) serve(ctx context.Context, cfg config.Config, log *slog.Logger) error {
	return c.serveWhile(ctx, cfg, log, func(ctx context.Context, s serving) error {
		c.greet(cfg, s.address, s.secret)
		hup := make(chan os.Signal, 1)
		signal.Notify(hup, syscall.SIGHUP)
		defer signal.Stop(hup)
		for {
			select {
			case <-hup:
				s.reload(ctx)
			case <-ctx.Done():
				return nil
			}
		}
	})
}

// serving is a server that serves.
type serving struct {
	address string // URL
	token   string // of this machine's user
	secret  string // of the admin, if it was made now
	reload  func(context.Context)
}

// serveWhile serves until work returns, or until the context ends, which ends work's too. It
// stops in this order: work, no new requests, those under way, the stages, the stores.
func (c *cli) serveWhile(ctx context.Context, cfg config.Config, log *slog.Logger, work func(context.Context, serving) error) (err error) {
	p, err := openPlatform(ctx, cfg, log, true, true, c.again)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	secret, err := admin(ctx, cfg, p.tokens())
	if err != nil {
		return err
	}
	ln, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return clientele.Errorf(clientele.Unavailable, "listen: %w", err).
			WithHint("another program may listen there: choose another address with --listen")
	}
	listener, err := c.secured(cfg, p, p.door().Listener(ln), log)
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	failed, stopPG, err := c.postgres(cfg, p)
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	defer func() { err = errors.Join(err, stopPG()) }()
	srv := p.door().Server(api.Shell(log, p.handler()))
	srv.RegisterOnShutdown(p.app.EndStreams) // they would not end by themselves
	served := make(chan error, 1)
	go func() {
		served <- srv.Serve(listener)
		close(served)
	}()
	address, shown := addressOf(ln.Addr()), ""
	if cfg.TLS.Cert != "" {
		address = "https" + strings.TrimPrefix(address, "http")
		if shown, err = filepath.Abs(cfg.TLS.Cert); err != nil {
			shown = cfg.TLS.Cert
		}
	}
	roomy, enough := context.WithCancel(ctx)
	defer enough()
	go c.keepRoom(roomy)
	err = token.WriteServerFile(cfg.Data, token.ServerFile{Address: address, Token: p.tokens().Local(), Instance: p.tokens().Instance(), PID: os.Getpid(), Cert: shown})
	if err == nil {
		working, stop := context.WithCancel(ctx)
		worked := make(chan error, 1)
		go func() { worked <- work(working, serving{address, p.tokens().Local(), secret, p.reload}) }()
		ended := false
		select {
		case err = <-worked:
			ended = true
		case <-ctx.Done():
		case <-p.done: // Close tells why
		case <-failed: // stopPG tells why
		case err = <-served:
			err = clientele.Errorf(clientele.Internal, "serve: %w", err)
		}
		if ctx.Err() != nil {
			fmt.Fprintln(c.err, "clientele: stopping; a second signal stops at once")
		}
		if stop(); !ended {
			<-worked // what it says now is that it was stopped
		}
	}
	return errors.Join(err, token.RemoveServerFile(cfg.Data, p.tokens().Instance()), shutdown(srv, served))
}

// secured is the listener with TLS, where the configuration has a certificate.
func (c *cli) secured(cfg config.Config, p *platform, ln net.Listener, log *slog.Logger) (net.Listener, error) {
	if cfg.TLS.Cert == "" {
		return ln, nil
	}
	cert, err := door.OpenCertificate(cfg.TLS.Cert, cfg.TLS.Key, log)
	if err != nil {
		return nil, err
	}
	p.cert = cert
	return tls.NewListener(ln, cert.Config()), nil
}

// postgres begins to answer PostgreSQL's protocol, where it is configured. stop ends that.
func (c *cli) postgres(cfg config.Config, p *platform) (failed <-chan error, stop func() error, err error) {
	if cfg.PGListen == "" {
		return nil, func() error { return nil }, nil
	}
	ln, err := net.Listen("tcp", cfg.PGListen)
	if err != nil {
		return nil, nil, clientele.Errorf(clientele.Unavailable, "pg_listen: %w", err).WithHint("another program may listen there, PostgreSQL for one: choose another address")
	}
	failed, stop = p.servePostgres(ln)
	return failed, stop, nil
}

func shutdown(srv *http.Server, served <-chan error) error {
	ctx, cancel := context.WithTimeout(context.Background(), graceful)
	defer cancel()
	err := srv.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) { // those still under way are cut; nothing acknowledged is lost
		err = srv.Close()
	}
	<-served // Serve has returned
	if err != nil {
		return clientele.Errorf(clientele.Internal, "shutdown: %w", err)
	}
	return nil
}

// admin makes sure that somebody can administer the server: the configured token, or one made
// on the first start, whose secret is returned.
func admin(ctx context.Context, cfg config.Config, tokens *token.Store) (string, error) {
	if cfg.AdminToken != "" {
		tokens.Trust("config", cfg.AdminToken, token.Admin)
		return "", nil
	}
	return tokens.EnsureAdmin(ctx)
}

// addressOf is a URL of the listener that works on this machine.
func addressOf(a net.Addr) string {
	host, port, err := net.SplitHostPort(a.String())
	if err != nil {
		return "http://" + a.String()
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
		if ip.To4() == nil && !strings.Contains(a.Network(), "4") {
			host = "localhost"
		}
	}
	return "http://" + net.JoinHostPort(host, port)
}

func (c *cli) greet(cfg config.Config, address, secret string) {
	c.printf("Clientele %s serves at %s (data in %s)\n", version, address, cfg.Data)
	c.printf("  API      %s/api/v1, described at %s/api/openapi.json\n", address, address)
	if cfg.PGListen != "" {
		c.printf("  BI       postgres://any@%s/clientele, the password is a token with scope read\n", cfg.PGListen)
	}
	var names []string
	for _, s := range cfg.Sources {
		if s.WriteKey != "" {
			names = append(names, s.Name)
		}
	}
	if len(names) == 0 {
		c.printf("  collect  no source has a write key yet: add sources to the configuration\n")
	} else {
		c.printf("  collect  %s/v1/batch with the write keys of: %s\n", address, strings.Join(names, ", "))
	}
	if secret != "" {
		c.printf("  admin    %s\n           made now, kept hashed, not shown again\n", secret)
	}
	c.printf("Try, in another terminal:\n  clientele status%s\n  clientele import%s --check --source NAME --map MAPPING.yaml FILE\n  clientele sql%s \"SELECT count(*) FROM profiles\"\n",
		c.dataFlag(), c.dataFlag(), c.dataFlag())
}

// dataFlag is what other commands need to find the same data directory.
func (c *cli) dataFlag() string {
	flags := ""
	if c.configPath != "" {
		flags += " --config " + c.configPath
	}
	if c.data != "" {
		flags += " --data " + c.data
	}
	return flags
}
