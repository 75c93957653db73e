package main

import (
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// checkResult is the output of `setctl check`.
type checkResult struct {
	OK       bool             `json:"ok"`
	Mapping  []string         `json:"mapping"`
	Routing  []string         `json:"routing"`
	Entries  int              `json:"entries"`
	Rules    int              `json:"rules"`
	Problems []strict.Problem `json:"problems"`
}

// newCheck returns the command `setctl check`.
func newCheck(out *output) *cobra.Command {
	var strictly bool
	var server remote
	cmd := &cobra.Command{
		Use:   "check FILES...",
		Short: "validate mapping and routing files, all errors at once",
		Long: "Check validates mapping and routing files as one load, as the server would. It tells\n" +
			"the two kinds apart by their content. A name as polaris://NAMESPACE/GROUP/FILE is a file in\n" +
			"the config center of --server, as it is saved there: what publishing would put in force.\n" +
			"With --server, check warns of roads that end too early among the instances there, too, and\n" +
			"of files that the shrink guard there would refuse.",
		Args: arguments(1, math.MaxInt),
		RunE: func(cmd *cobra.Command, args []string) error {
			var problems strict.Problems
			files, err := server.readFiles(args, &problems)
			if err != nil {
				return err
			}
			var state *world.World
			if cmd.Flags().Changed("server") {
				if state, err = stateNow(server, ""); err != nil {
					return err
				}
			}
			result, after := check(files, state, &problems)
			if after != nil {
				if err := result.warnRefused(server, state, after); err != nil {
					return err
				}
			}
			for _, p := range result.Problems {
				result.OK = result.OK && p.Warning && !strictly
			}
			if err := out.write(cmd.OutOrStdout(), result, result.text); err != nil {
				return err
			}
			if !result.OK {
				return errNotHeld
			}
			return nil
		},
	}
	addServerFlags(cmd, &server)
	cmd.Flags().BoolVar(&strictly, "strict", false, "exit with 1 on warnings too")
	return cmd
}

// check validates files as one load. Problems has the problems of reading them; check
// adds its own, and returns them all. With the state of a server, check warns of what the
// files mean for the instances there, too, and returns the state with the files in force.
func check(files []strict.File, state *world.World, problems *strict.Problems) (result checkResult, after *world.World) {
	mapping, routing := sortFiles(files, problems)
	var mappingProblems, routingProblems, lints strict.Problems
	table := location.LoadMapping(mapping, &mappingProblems)
	rules := route.Load(routing, time.Now(), &routingProblems)
	rules.CheckPlaces(table, &routingProblems)
	if routingProblems.Err() != nil {
		rules = nil
	}
	if table != nil && rules != nil {
		rules.LintUnknown(table, &lints)
		rules.Lint(table, &lints)
		if state == nil {
			rules.WarnEvacuated(table, nil, &lints)
		} else {
			after = state.WithFiles(table, rules)
			after.Warn(&lints)
			after.WarnOfSETs(&lints)
			after.WarnOfLosses(&lints)
		}
	}
	result = checkResult{OK: true, Mapping: fileNames(mapping), Routing: fileNames(routing), Rules: rules.Len()}
	if table != nil {
		result.Entries = table.Len()
	}
	for _, ps := range []*strict.Problems{&mappingProblems, &routingProblems, &lints} {
		for _, p := range ps.List() {
			problems.Add(p)
		}
	}
	result.Problems = append([]strict.Problem{}, problems.List()...)
	return result, after
}

// warnRefused adds a warning for the files of each kind that the shrink guard of a server
// would refuse. Of a kind without files nothing is lost: what is in force stays.
func (c *checkResult) warnRefused(server remote, before, after *world.World) error {
	list, err := refused(server, "", before, after)
	for _, r := range list {
		names := c.Mapping
		if r.Kind == api.KindRouting {
			names = c.Routing
		}
		if len(names) > 0 {
			c.Problems = append(c.Problems, strict.Warning(names[0], 0, 0, "without --force the server would not take these %s files: %s", r.Kind, r.Reason))
		}
	}
	return err
}

// The keys that tell the kind of a file.
var (
	mappingKeys = []string{"mappings", "topology", "default"}
	routingKeys = []string{"rules", "addresses", "aliases", "naming", "evacuate", "places", "defaults"}
)

// sortFiles tells mapping and routing files apart. A file of neither kind is a
// problem.
func sortFiles(files []strict.File, problems *strict.Problems) (mapping, routing []strict.File) {
	for _, file := range files {
		if strings.EqualFold(filepath.Ext(file.Name), ".csv") {
			mapping = append(mapping, file)
			continue
		}
		root, ok := strict.ParseLarge(file, "mappings", problems)
		if !ok {
			continue
		}
		isMapping, isRouting := root.HasAny(mappingKeys...), root.HasAny(routingKeys...)
		switch {
		case root.HasAny("bootstrap", "apiservers"):
			root.Errorf("this is the server's configuration; mapping and routing files are those that it names under plugin")
		case root.HasAny("tests", "instances"):
			root.Errorf("this is a case file; run setctl test on it")
		case !isMapping && !isRouting && !root.HasOnly("version"):
			sayUnknown(root)
		case isMapping == isRouting:
			root.Errorf("cannot tell whether this is a mapping file (one of %s) or a routing file (one of %s)",
				strings.Join(mappingKeys, ", "), strings.Join(routingKeys, ", "))
		case isMapping:
			mapping = append(mapping, file)
		default:
			routing = append(routing, file)
		}
	}
	return mapping, routing
}

// sayUnknown says which keys of a file are keys of no kind of file.
func sayUnknown(root strict.Node) {
	var keys []strict.Key
	for _, name := range slices.Concat([]string{"version"}, mappingKeys, routingKeys) {
		keys = append(keys, strict.Optional(name, "", strict.Ignore))
	}
	root.Bind(keys...)
}

// fileNames returns the names of files.
func fileNames(files []strict.File) []string {
	names := []string{}
	for _, f := range files {
		names = append(names, f.Name)
	}
	return names
}

// text writes the result for people.
func (c checkResult) text(w io.Writer) {
	writeProblems(w, c.Problems)
	if !c.OK {
		fmt.Fprintf(w, "%s\n", count(len(c.Problems), "problem"))
		return
	}
	fmt.Fprintf(w, "ok: %s with %s, %s with %s\n", count(len(c.Mapping), "mapping file"), plural(c.Entries, "entry", "entries"),
		count(len(c.Routing), "routing file"), plural(c.Rules, "rule or address", "rules and addresses"))
}

// count returns "1 file" or "2 files".
func count(n int, noun string) string { return plural(n, noun, noun+"s") }

// plural returns "1 entry" or "2 entries".
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
