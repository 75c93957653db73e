package main

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
)

// lookupResult is the output of `setctl lookup`.
type lookupResult struct {
	explain.Caller
	Known      bool   `json:"known"`
	notKnownTo string // for people: which other sources do not know the address
}

// newLookup returns the command `setctl lookup`.
func newLookup(out *output) *cobra.Command {
	var names []string
	var server remote
	cmd := &cobra.Command{
		Use:   "lookup IP [--mapping FILES]",
		Short: "the identity of an address, and which entry or source gave each field",
		Long: "Lookup tells what mapping files say of an address, or without --mapping, what all sources of a running server do.\n" +
			"It exits with 1 where nothing is known of the address.",
		Args: arguments(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			addr, err := netip.ParseAddr(args[0])
			if err != nil {
				return fmt.Errorf("%q is not an address, expected one IP, as 10.1.7.4", args[0])
			}
			var result lookupResult
			if cmd.Flags().Changed("mapping") {
				if len(names) == 0 { // as --mapping "$NOT_SET"
					return errors.New("--mapping is empty, expected files or globs")
				}
				result, err = lookUpInFiles(names, addr)
			} else {
				result, err = lookUpAtServer(server, addr)
			}
			if err != nil {
				return err
			}
			if err := out.write(cmd.OutOrStdout(), result, result.text); err != nil {
				return err
			}
			if !result.Known {
				return errNotHeld
			}
			return nil
		},
	}
	addServerFlags(cmd, &server)
	cmd.Flags().StringSliceVar(&names, "mapping", nil, "mapping files or globs, separated by commas; may be given several times")
	cmd.MarkFlagsMutuallyExclusive("mapping", "server")
	return cmd
}

// lookUpInFiles looks an address up in mapping files.
func lookUpInFiles(names []string, addr netip.Addr) (lookupResult, error) {
	var problems strict.Problems
	table := location.LoadMapping(readFiles(names, &problems), &problems)
	if err := problems.Err(); err != nil {
		return lookupResult{}, err
	}
	return lookUpInTable(table, addr), nil
}

// lookUpAtServer asks a running server about an address.
func lookUpAtServer(server remote, addr netip.Addr) (lookupResult, error) {
	var answer explain.Caller
	if err := server.get("lookup", url.Values{"address": {addr.String()}}, &answer); err != nil {
		return lookupResult{}, err
	}
	return lookupResult{Caller: answer, Known: len(answer.Facts) > 0, notKnownTo: "known to no other source, "}, nil
}

// lookUpInTable looks an address up in the mapping.
func lookUpInTable(table *location.Table, addr netip.Addr) lookupResult {
	addr = location.Normalize(addr)
	var facts location.Facts
	if found, ok := table.Lookup(addr); ok {
		facts = found.Facts()
	}
	facts.JoinDefault(table.Default())
	result := lookupResult{Caller: explain.NewCaller(addr, facts, nil)}
	result.Known = len(result.Facts) > 0
	return result
}

// text writes the result for people.
func (l lookupResult) text(w io.Writer) {
	if !l.Known && l.Instances == 0 {
		fmt.Fprintf(w, "%s is in no mapping entry, %sand there is no default\n", l.Address, l.notKnownTo)
		return
	}
	fmt.Fprintln(w, l.Address)
	l.Identity(w)
}
