// Command clientele is the customer data platform in one program: it serves, and it is the
// command line for everything that is served.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"

	"clientele/internal/config"

	"golang.org/x/term"
)

// version is set by the build: -ldflags "-X main.version=v1.2.3".
var version = "dev"

func main() {
	// The rows kept in memory make each collection dear and garbage cheap: use what memory there is before collecting.
	if _, set := os.LookupEnv("GOGC"); !set {
		debug.SetGCPercent(400)
	}
	// Above this it collects more often instead: a limit for garbage, not for what is in use (keepRoom).
	if _, set := os.LookupEnv("GOMEMLIMIT"); !set {
		debug.SetMemoryLimit(softLimit)
	}
	// More threads than processors, so that the kernel, which knows priorities, chooses among them:
	// the stages behind the log give way to intake (internal/app, aside). With so many one of Go's is
	// always free to wait for the network; when all are busy it looks there every ten milliseconds only.
	if _, set := os.LookupEnv("GOMAXPROCS"); !set {
		runtime.GOMAXPROCS(3 * runtime.GOMAXPROCS(0))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// After the first signal the defaults are back: a second one ends the program at once.
	context.AfterFunc(ctx, stop)
	code := run(ctx, os.Args[1:], streams{
		in: os.Stdin, out: os.Stdout, err: os.Stderr, env: os.LookupEnv,
		outWidth: widthOf(os.Stdout), errWidth: widthOf(os.Stderr),
	})
	stop()
	os.Exit(code)
}

// streams are what a command reads, writes and knows of the outside.
type streams struct {
	in       io.Reader
	out, err io.Writer
	env      config.Lookup
	outWidth int // columns of the terminal; 0 = not a terminal
	errWidth int
}

func widthOf(f *os.File) int {
	fd := int(f.Fd())
	if !term.IsTerminal(fd) {
		return 0
	}
	width, _, err := term.GetSize(fd)
	if err != nil || width < 20 {
		return 80
	}
	return width
}
