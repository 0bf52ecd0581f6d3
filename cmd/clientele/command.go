package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"

	"clientele"
	"clientele/internal/config"

	"github.com/spf13/cobra"
)

// Exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// usageError is a command line that cannot be meant: exit code 2.
type usageError struct{ err *clientele.Error }

func (u *usageError) Error() string { return u.err.Error() }

func (u *usageError) Unwrap() error { return u.err }

func usagef(hint, format string, args ...any) error {
	return &usageError{clientele.Errorf(clientele.Invalid, format, args...).WithHint("%s", hint)}
}

// cli is one call of the program.
type cli struct {
	streams
	configPath string
	data       string
	server     string
	again      func() (config.Config, error) // reads the configuration as serve did; nil for other commands
	started    bool                          // the arguments were right: what fails from here on is no usage error
}

// run is the whole program but for the process around it.
func run(ctx context.Context, args []string, s streams) int {
	c := &cli{streams: s}
	root := c.root()
	root.SetArgs(args)
	root.SetIn(s.in)
	root.SetOut(s.out)
	root.SetErr(s.err)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	c.printError(err)
	var usage *usageError
	if !c.started || errors.As(err, &usage) {
		return exitUsage
	}
	return exitFailed
}

// printError is one line, and the hint on the next.
func (c *cli) printError(err error) {
	message := strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "; ")
	fmt.Fprintf(c.err, "clientele: %s\n", message)
	if hint := clientele.ErrorHint(err); hint != "" {
		fmt.Fprintf(c.err, "hint: %s\n", hint)
	}
}

func (c *cli) root() *cobra.Command {
	root := c.group("clientele", "A customer data platform in one program",
		c.demoCommand(), c.serveCommand(), c.checkCommand(), c.importCommand(), c.exportCommand(), c.exportsCommand(), c.sqlCommand(), c.exploreCommand(), c.profileCommand(), c.statusCommand(),
		c.identityCommand(), c.quarantineCommand(), c.audienceCommand(), c.lifecycleCommand(), c.savedCommand(), c.recommendCommand(), c.actionCommand(), c.decisionCommand(), c.planCommand(), c.transformCommand(), c.qualityCommand(), c.tokenCommand(), c.userCommand(), c.rebuildCommand(), c.versionCommand(),
		c.backupCommand(), c.restoreCommand(), c.auditCommand(), c.accessCommand(), c.eraseCommand(), c.requestCommand(), c.retentionCommand(), c.matchCommand(), c.enrichCommand(), c.predictCommand(), c.computedCommand(), c.modelCommand())
	root.Example = "  clientele serve\n  clientele sql \"SELECT count(*) FROM profiles\""
	root.CompletionOptions.HiddenDefaultCmd = true
	root.PersistentFlags().StringVar(&c.configPath, "config", "", "configuration `FILE`; without it clientele.yaml of the working directory, where there is one")
	root.PersistentFlags().StringVar(&c.data, "data", "", "data `DIR`; overrides the configuration")
	root.PersistentPreRun = func(*cobra.Command, []string) { c.started = true }
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usagef(cmd.CommandPath()+" --help shows the flags", "%w", err)
	})
	return root
}

// group is a command that only has commands below it.
func (c *cli) group(use, short string, below ...*cobra.Command) *cobra.Command {
	g := &cobra.Command{
		Use: use, Short: short, SilenceErrors: true, SilenceUsage: true,
		Args: cobra.ArbitraryArgs,
	}
	var names []string
	for _, b := range below {
		names = append(names, b.Name())
	}
	g.AddCommand(below...)
	g.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 && cmd.Parent() == nil {
			return cmd.Help()
		}
		if len(args) == 0 {
			return usagef(strings.Join(names, ", "), "%s needs a command", cmd.CommandPath())
		}
		if best := config.Nearest(args[0], names); best != "" {
			return usagef("did you mean "+cmd.CommandPath()+" "+best+"?", "%s has no command %s", cmd.CommandPath(), args[0])
		}
		return usagef(strings.Join(names, ", "), "%s has no command %s", cmd.CommandPath(), args[0])
	}
	return g
}

// command is one that does something. example is what follows "clientele ".
func (c *cli) command(use, short, example string, args cobra.PositionalArgs, do func(ctx context.Context, args []string) error) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short, Example: "  clientele " + example, SilenceErrors: true, SilenceUsage: true,
		DisableFlagsInUseLine: true,
	}
	cmd.Args = func(cmd *cobra.Command, got []string) error {
		if err := args(cmd, got); err != nil {
			return usagef("clientele "+example, "%w", err)
		}
		return nil
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return do(cmd.Context(), args) }
	return cmd
}

// talks gives the command the flag of those that can talk to a server.
func (c *cli) talks(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().StringVar(&c.server, "server", "", "`URL` of a server, with the token from CLIENTELE_TOKEN; without it the local one, or the data directory itself")
	return cmd
}

// config is the effective configuration, flags included, not yet validated.
func (c *cli) config() (config.Config, error) {
	path := c.configPath
	if path == "" {
		if _, err := os.Stat("clientele.yaml"); err == nil {
			path = "clientele.yaml"
		} else if !errors.Is(err, fs.ErrNotExist) {
			return config.Config{}, clientele.Errorf(clientele.Invalid, "configuration: %w", err)
		}
	}
	cfg, err := config.Load(path, c.env)
	if err != nil {
		return config.Config{}, err
	}
	if c.data != "" {
		cfg.Data = c.data
	}
	return cfg, nil
}

// validConfig is the effective configuration, if nothing is wrong with it.
func (c *cli) validConfig() (config.Config, error) {
	cfg, err := c.config()
	if err != nil {
		return cfg, err
	}
	return cfg, cfg.Validate()
}

// log writes to standard error.
func (c *cli) log(level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(c.err, &slog.HandlerOptions{Level: level}))
}

// printf writes to standard output. A reader that has gone away, like head, is no failure.
func (c *cli) printf(format string, args ...any) { fmt.Fprintf(c.out, format, args...) }
