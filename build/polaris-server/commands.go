package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/polarismesh/polaris/common/version"
)

// newRoot returns the commands of the stock server, whose own cannot be asked
// whether they failed, and the command plugins. A command line that is wrong is said on standard error,
// and is an error.
func newRoot(serve func(configFile string) error) *cobra.Command {
	root := &cobra.Command{Use: "polaris-server", Short: "polaris server", Long: "polaris server", SilenceUsage: true}
	root.AddCommand(newStart(serve), newPlugins(),
		&cobra.Command{Use: "version", Short: "print version", Long: "print version", Run: func(*cobra.Command, []string) {
			fmt.Printf("version: %v\n", version.Get())
		}},
		&cobra.Command{Use: "revision", Short: "print revision with building date", Long: "print revision with building date", Run: func(*cobra.Command, []string) {
			fmt.Printf("revision: %v\n", version.GetRevision())
		}})
	return root
}

func newStart(serve func(configFile string) error) *cobra.Command {
	var configFile string
	command := &cobra.Command{Use: "start", Short: "start running", Long: "start running", RunE: func(c *cobra.Command, _ []string) error {
		c.SilenceErrors = true // a start prints its own
		return serve(configFile)
	}}
	command.PersistentFlags().StringVarP(&configFile, "config", "c", "conf/polaris-server.yaml", "config file path")
	return command
}
