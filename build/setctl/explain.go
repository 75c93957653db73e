package main

import (
	"fmt"
	"io"
	"net/netip"

	"github.com/spf13/cobra"

	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// newExplain returns the command `setctl explain`.
func newExplain(out *output) *cobra.Command {
	var server remote
	var caller, service, set string
	cmd := &cobra.Command{
		Use:   "explain --caller IP --service ns/name",
		Short: "why a caller gets the list that it gets, and why not the rest",
		Args:  arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			query, err := parseService(service)
			if err != nil {
				return err
			}
			if _, err := netip.ParseAddr(caller); err != nil {
				return fmt.Errorf("--caller %q is not an address, expected one IP, as 10.1.7.4", caller)
			}
			query.Set("caller", caller)
			if set != "" {
				if _, err := location.ParseSET(set); err != nil {
					return fmt.Errorf("--set: %w", err)
				}
				query.Set("set", set)
			}
			var e explain.Explanation
			if err := server.get("explain", query, &e); err != nil {
				return err
			}
			return out.write(cmd.OutOrStdout(), e, e.Text)
		},
	}
	addServerFlags(cmd, &server)
	cmd.Flags().StringVar(&caller, "caller", "", "the caller's address")
	cmd.Flags().StringVar(&service, "service", "", "the service asked for, as namespace/name")
	cmd.Flags().StringVar(&set, "set", "", "a SET to take for the caller's own: what if")
	_ = cmd.MarkFlagRequired("caller")
	_ = cmd.MarkFlagRequired("service")
	return cmd
}

// newWho returns the command `setctl who`.
func newWho(out *output) *cobra.Command {
	var server remote
	var service, host string
	var limit int
	cmd := &cobra.Command{
		Use:   "who --service ns/name [--host H] [--limit N]",
		Short: "which kinds of callers get which instances, and which nobody gets",
		Args:  arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			query, err := parseService(service)
			if err != nil {
				return err
			}
			if limit < 0 {
				return fmt.Errorf("--limit %d is below 0, expected a number of lines, or 0 for all", limit)
			}
			if host != "" {
				query.Set("host", host)
			}
			var who world.Who
			if err := server.get("who", query, &who); err != nil {
				return err
			}
			return out.write(cmd.OutOrStdout(), who, func(w io.Writer) {
				who.Write(w, limit)
				if host != "" && len(who.Views)+len(who.Unreached) == 0 {
					fmt.Fprintf(w, "\nit has no instance at %q\n", host)
				}
			})
		},
	}
	addServerFlags(cmd, &server)
	cmd.Flags().StringVar(&service, "service", "", "the service, as namespace/name")
	cmd.Flags().StringVar(&host, "host", "", "only instances at this host")
	cmd.Flags().IntVar(&limit, "limit", world.DefaultLimit, "the most lines of each list of the text; 0: all")
	_ = cmd.MarkFlagRequired("service")
	return cmd
}
