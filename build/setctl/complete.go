package main

import (
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// completionPatience is the longest that a completion asks a server: who pressed Tab waits.
const completionPatience = time.Second

// suggestion is what completions know of a flag: its values, some words or the names of
// something on a server.
type suggestion struct {
	words []string
	names func(*world.World) []string
}

// suggestions are what completes values, by the name of the flag. File flags without a
// suggestion complete names of files, which is what a shell does by itself.
var suggestions = map[string]suggestion{
	"output":  {words: []string{"text", "json"}},
	"each":    {words: []string{"zone", "region", "campus", "set"}},
	"service": {names: serviceNames},
	"set":     {names: setNames},
	"region":  {names: func(w *world.World) []string { return placeNames(w, 1) }},
	"zone":    {names: func(w *world.World) []string { return placeNames(w, 2) }},
	"campus":  {names: func(w *world.World) []string { return placeNames(w, 3) }},
	"for":     {words: []string{"30m", "1h", "4h"}},
}

// addCompletion lets the flags of all commands complete their values.
func addCompletion(root *cobra.Command) {
	complete := func(c *cobra.Command, flag string) {
		if suggested, ok := suggestions[flag]; ok && c.Flag(flag) != nil {
			_ = c.RegisterFlagCompletionFunc(flag, suggested.complete)
		}
	}
	complete(root, "output")
	for _, c := range root.Commands() {
		if c.Name() == "import" { // its --set and --region are columns of an export
			continue
		}
		for _, flag := range []string{"each", "service", "set", "region", "zone", "campus", "for"} {
			complete(c, flag)
		}
		if c.Flag("fail-on") != nil {
			words := world.FailWords()
			if c.Name() == "drill" {
				words = world.DrillFailWords()
			}
			_ = c.RegisterFlagCompletionFunc("fail-on", suggestion{words: words}.complete)
		}
	}
}

// complete returns the values that begin with what was typed.
func (s suggestion) complete(cmd *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	values := s.words
	if s.names != nil {
		server := remote{url: cmd.Flag("server").Value.String(), token: cmd.Flag("token").Value.String(), patience: completionPatience}
		if state, err := stateNow(server, ""); err == nil { // without a server there is nothing to suggest
			values = s.names(state)
		}
	}
	values = slices.DeleteFunc(slices.Clone(values), func(v string) bool { return !strings.HasPrefix(v, typed) })
	return values, cobra.ShellCompDirectiveNoFileComp
}

// serviceNames returns the names that callers can ask for.
func serviceNames(w *world.World) []string {
	var out []string
	for _, s := range w.Services() {
		out = append(out, s.String())
	}
	return out
}

// setNames returns the SETs of the instances, sorted.
func setNames(w *world.World) []string {
	var out []string
	for _, i := range w.IdentitiesOfInstances() {
		out = append(out, string(i.SET))
	}
	return named(out)
}

// placeNames returns the places of the instances, sorted: regions are of depth 1, zones
// of 2, campuses of 3.
func placeNames(w *world.World, depth int) []string {
	var out []string
	for _, i := range w.IdentitiesOfInstances() {
		place := []string{i.Location.Region, i.Location.Zone, i.Location.Campus}[:depth]
		if !slices.Contains(place, "") {
			out = append(out, strings.Join(place, "/"))
		}
	}
	return named(out)
}

// named returns names without the empty one, sorted, each once.
func named(list []string) []string {
	slices.Sort(list)
	return slices.DeleteFunc(slices.Compact(list), func(s string) bool { return s == "" })
}
