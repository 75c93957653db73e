package main

import (
	"fmt"
	"io"
	"maps"
	"net/netip"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

// fact is one field of an identity and where it came from.
type fact struct {
	Field  string `json:"field"`
	Value  string `json:"value"`
	Source string `json:"source"`
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Match  string `json:"match,omitempty"`
	from   string
}

type looked struct {
	Address string `json:"address"`
	Known   bool   `json:"known"`
	Facts   []fact `json:"facts"`
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
	l := looked{Address: addr.String(), Facts: []fact{}}
	add := func(field, value string, from *location.Place) {
		if value != "" {
			l.Facts = append(l.Facts, fact{field, value, from.Source, from.File, from.Line, from.Match, from.String()})
		}
	}
	add("region", facts.Region, facts.RegionFrom)
	add("zone", facts.Zone, facts.ZoneFrom)
	add("campus", facts.Campus, facts.CampusFrom)
	add("set", string(facts.SET), facts.SETFrom)
	if facts.Shared != nil {
		add("shared", "true", facts.Shared)
	}
	for _, key := range slices.Sorted(maps.Keys(facts.Labels)) {
		add("label."+key, facts.Labels[key], facts.LabelsFrom[key])
	}
	l.Known = len(l.Facts) > 0
	return l
}

func (l looked) text(w io.Writer) {
	if !l.Known {
		fmt.Fprintf(w, "%s is in no mapping entry, and there is no default\n", l.Address)
		return
	}
	fmt.Fprintln(w, l.Address)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, f := range l.Facts {
		fmt.Fprintf(table, "  %s\t%s\tfrom %s\n", f.Field, f.Value, f.from)
	}
	table.Flush()
}
