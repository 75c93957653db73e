package main

import (
	"fmt"
	"io"
	"net/netip"

	"github.com/spf13/cobra"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
)

// looked is the finding of `setctl lookup`.
type looked struct {
	Address string         `json:"address"`
	Known   bool           `json:"known"`
	Facts   []explain.Fact `json:"facts"`
}

func newLookup(out *output) *cobra.Command {
	var names []string
	cmd := &cobra.Command{
		Use:   "lookup IP --mapping FILES",
		Short: "the identity of an address, and which entry gave each field",
		Long:  "Lookup exits with 1 where the mapping files know nothing of the address.",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			addr, err := netip.ParseAddr(args[0])
			if err != nil {
				return fmt.Errorf("%q is not an address", args[0])
			}
			var problems strict.Problems
			table := location.LoadMapping(readFiles(names, &problems), &problems)
			if err := problems.Err(); err != nil {
				return err
			}
			l := look(table, addr)
			if err := out.write(cmd.OutOrStdout(), l, l.text); err != nil {
				return err
			}
			if !l.Known {
				return errNotHeld
			}
			return nil
		},
	}
	cmd.Flags().StringSliceVar(&names, "mapping", nil, "mapping files or globs, separated by commas; may be given several times")
	_ = cmd.MarkFlagRequired("mapping")
	return cmd
}

func look(table *location.Table, addr netip.Addr) looked {
	addr = location.Normalize(addr)
	var facts location.Facts
	if found, ok := table.Lookup(addr); ok {
		facts = *found
	}
	facts.Join(table.Default())
	l := looked{Address: addr.String(), Facts: explain.FactsOf(facts)}
	l.Known = len(l.Facts) > 0
	return l
}

func (l looked) text(w io.Writer) {
	if !l.Known {
		fmt.Fprintf(w, "%s is in no mapping entry, and there is no default\n", l.Address)
		return
	}
	fmt.Fprintln(w, l.Address)
	explain.WriteFacts(w, l.Facts)
}
