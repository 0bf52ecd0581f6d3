package main

import (
	"context"
	"runtime"

	"github.com/spf13/cobra"
)

func (c *cli) versionCommand() *cobra.Command {
	return c.command("version", "Print the version", "version", cobra.NoArgs, func(context.Context, []string) error {
		c.printf("clientele %s %s %s/%s\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
		return nil
	})
}
