package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/polaris-contrib/setrouter/internal/shrink"
	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/internal/table"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/cases"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// planCommand is a run of `setctl plan`: its flags.
type planCommand struct {
	server           remote
	dump, service    string
	limit            int
	mapping, routing []string
	failOn           []string
}

// newPlan returns the command `setctl plan`.
func newPlan(out *output) *cobra.Command {
	var p planCommand
	cmd := &cobra.Command{
		Use:   "plan [--mapping FILES] [--routing FILES]",
		Short: "what would change for whom, if these files were put in force now",
		Long: "Plan compares what is in force, on a server or in a dump, with candidate files.\n" +
			"Of a kind without candidates the files in force stay. The callers are those of all\n" +
			"server nodes, and those that the mapping implies. A rule in a rollout is judged for\n" +
			"the callers inside, whatever the percent, and for those outside.\n\n" +
			"-o FILE, as -o plan.json, writes the whole plan as JSON beside the text.\n\n" +
			"--fail-on takes words, and the exit code is 1 if one of them holds:\n" + failWordsText(),
		Args:        arguments(0, 0),
		Annotations: map[string]string{writesFile: ""},
		RunE:        func(cmd *cobra.Command, _ []string) error { return p.run(cmd, out) },
	}
	addServerFlags(cmd, &p.server)
	f := cmd.Flags()
	f.StringVar(&p.dump, "dump", "", "compare with this dump in place of a server (setctl dump --dir)")
	f.StringSliceVar(&p.mapping, "mapping", nil, "candidate mapping files, globs or names in the config center (polaris://)")
	f.StringSliceVar(&p.routing, "routing", nil, "as --mapping, of routing files")
	f.StringVar(&p.service, "service", "", "show rows of this service only, as namespace/name; --fail-on counts all services")
	f.IntVar(&p.limit, "limit", world.DefaultLimit, "the most lines of each list of the text; 0: all")
	addFailOn(cmd, &p.failOn)
	return cmd
}

// run plans.
func (p *planCommand) run(cmd *cobra.Command, out *output) error {
	if len(p.mapping)+len(p.routing) == 0 {
		return fmt.Errorf("no candidate files, expected --mapping or --routing")
	}
	if p.limit < 0 {
		return fmt.Errorf("--limit %d is below 0, expected a number of lines, or 0 for all", p.limit)
	}
	if err := checkFailOn(p.failOn); err != nil {
		return err
	}
	if p.service != "" {
		if _, err := parseService(p.service); err != nil {
			return err
		}
	}
	before, err := stateNow(p.server, p.dump)
	if err != nil {
		return err
	}
	after, err := candidate(p.server, before, p.mapping, p.routing)
	if err != nil {
		return err
	}
	if err := p.checkService(before, after); err != nil {
		return err
	}
	plan := world.NewPlan(before, after)
	if plan.Refused, err = refused(p.server, p.dump, before, after); err != nil {
		return err
	}
	text := func(w io.Writer) {
		plan.Write(w, world.Shown{Service: p.service, Limit: p.limit, FailOn: p.failOn, Hint: ": see --limit 0, --service NAME or -o plan.json"})
	}
	if err := out.write(cmd.OutOrStdout(), plan, text); err != nil {
		return err
	}
	if len(plan.Fails(p.failOn)) > 0 {
		return errNotHeld
	}
	return nil
}

// checkService returns an error if callers can ask for the service of --service neither
// before nor after.
func (p *planCommand) checkService(before, after *world.World) error {
	if p.service == "" {
		return nil
	}
	service, err := route.ParseService(p.service)
	if err == nil && !before.HasService(service) && !after.HasService(service) {
		err = failure{fmt.Errorf("there is no service %q, and no lane address of that name, before or after", p.service)}
	}
	return err
}

// addFailOn adds the flag --fail-on to a command.
func addFailOn(cmd *cobra.Command, failOn *[]string) {
	cmd.Flags().StringSliceVar(failOn, "fail-on", nil, "exit with 1 if one of these words holds: "+strings.Join(world.FailWords(), ", "))
}

// failWordsText returns the words that --fail-on takes, with what they mean.
func failWordsText() string {
	var b strings.Builder
	t := table.New(&b)
	for _, word := range world.FailWords() {
		fmt.Fprintf(t, "  %s\t%s\n", word, world.FailMeaning(word))
	}
	t.Flush()
	return strings.TrimSuffix(b.String(), "\n")
}

// checkFailOn checks the words of --fail-on.
func checkFailOn(words []string) error {
	for _, w := range words {
		if slices.Contains(world.FailWords(), w) {
			continue
		}
		if near, ok := strict.Nearest(w, world.FailWords()); ok {
			return fmt.Errorf("--fail-on %q is no word of a plan; did you mean %q?", w, near)
		}
		return fmt.Errorf("--fail-on %q is no word of a plan, expected one of %s", w, strings.Join(world.FailWords(), ", "))
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
	limit := struct{ ShrinkGuardPercent *int }{before.ShrinkGuardPercent}
	if dump == "" && limit.ShrinkGuardPercent == nil { // an older server: its dump does not say it
		if err := server.get("status", nil, &limit); err != nil {
			return nil, err
		}
	}
	if limit.ShrinkGuardPercent == nil {
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
	after := before.WithFiles(table, rules)
	if len(mapping) > 0 {
		after.Mapping = mappingFiles
	}
	if len(routing) > 0 {
		after.Routing = routingFiles
	}
	return after, nil
}
