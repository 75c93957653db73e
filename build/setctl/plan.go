package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/polaris-contrib/setrouter/internal/shrink"
	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/cases"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// newPlan returns the command `setctl plan`.
func newPlan(out *output) *cobra.Command {
	var server remote
	var dump string
	var mapping, routing, failOn []string
	cmd := &cobra.Command{
		Use:   "plan [--mapping FILES] [--routing FILES]",
		Short: "what would change for whom, if these files were put in force now",
		Long: "Plan compares what is in force, on a server or in a dump, with candidate files.\n" +
			"Of a kind without candidates the files in force stay.",
		Args: arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if len(mapping)+len(routing) == 0 {
				return fmt.Errorf("no candidate files, expected --mapping or --routing")
			}
			if err := checkFailOn(failOn); err != nil {
				return err
			}
			before, err := stateNow(server, dump)
			if err != nil {
				return err
			}
			after, err := candidate(server, before, mapping, routing)
			if err != nil {
				return err
			}
			plan := world.NewPlan(before, after)
			if plan.Refused, err = refused(server, dump, before, after); err != nil {
				return err
			}
			return showPlan(cmd, out, plan, failOn)
		},
	}
	addServerFlags(cmd, &server)
	cmd.Flags().StringVar(&dump, "dump", "", "compare with this dump in place of a server (setctl dump --dir)")
	cmd.Flags().StringSliceVar(&mapping, "mapping", nil, "candidate mapping files, globs or names in the config center (polaris://)")
	cmd.Flags().StringSliceVar(&routing, "routing", nil, "as --mapping, of routing files")
	addFailOn(cmd, &failOn)
	return cmd
}

// addFailOn adds the flag --fail-on to a command.
func addFailOn(cmd *cobra.Command, failOn *[]string) {
	cmd.Flags().StringSliceVar(failOn, "fail-on", nil, "exit with 1 if there are such changes: "+changeWords())
}

// changeWords returns the words that --fail-on takes.
func changeWords() string {
	var words []string
	for _, c := range world.Changes {
		words = append(words, string(c))
	}
	return strings.Join(words[:len(words)-1], ", ")
}

// checkFailOn checks the words of --fail-on.
func checkFailOn(words []string) error {
	for _, w := range words {
		if !slices.Contains(world.Changes, world.Change(w)) || w == string(world.ChangeNone) {
			return fmt.Errorf("--fail-on %q is no change, expected one of %s", w, changeWords())
		}
	}
	return nil
}

// stateNow returns the state of a server, or the state in a dump.
func stateNow(server remote, dump string) (*world.World, error) {
	var problems strict.Problems
	if dump != "" {
		file := cases.Load(dump, &problems)
		if file == nil {
			return nil, problems.Err()
		}
		return &file.World, nil
	}
	var d world.Dump
	if err := server.get("dump", nil, &d); err != nil {
		return nil, err
	}
	w := d.World(&problems)
	return w, problems.Err()
}

// refused returns what the shrink guard of a server would refuse, or of a server with the
// default limit where the state is in a dump.
func refused(server remote, dump string, before, after *world.World) ([]world.RefusedFiles, error) {
	limit := struct{ ShrinkGuardPercent *int }{}
	if dump == "" {
		if err := server.get("status", nil, &limit); err != nil {
			return nil, err
		}
	}
	if limit.ShrinkGuardPercent == nil { // also an older server
		return before.Refused(after, shrink.DefaultPercent), nil
	}
	return before.Refused(after, *limit.ShrinkGuardPercent), nil
}

// candidate returns the same state under other files.
func candidate(server remote, before *world.World, mapping, routing []string) (*world.World, error) {
	var problems strict.Problems
	table, rules := before.Table, before.Rules
	mappingFiles, err := server.readFiles(mapping, &problems)
	if err != nil {
		return nil, err
	}
	routingFiles, err := server.readFiles(routing, &problems)
	if err != nil {
		return nil, err
	}
	if len(mapping) > 0 {
		table = location.LoadMapping(mappingFiles, &problems)
	}
	if len(routing) > 0 {
		rules = route.Load(routingFiles, time.Now(), &problems)
	}
	if len(mapping)+len(routing) > 0 {
		rules.CheckPlaces(table, &problems)
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	return before.WithFiles(table, rules), nil
}

// showPlan prints a plan. It returns errNotHeld if the plan has a change of failOn.
func showPlan(cmd *cobra.Command, out *output, p world.Plan, failOn []string) error {
	if err := out.write(cmd.OutOrStdout(), p, p.Text); err != nil {
		return err
	}
	if hasChange(p, failOn) {
		return errNotHeld
	}
	return nil
}

// hasChange reports whether a plan has one of the changes.
func hasChange(p world.Plan, changes []string) bool {
	return slices.ContainsFunc(changes, func(c string) bool { return p.Counts[world.Change(c)] > 0 })
}
