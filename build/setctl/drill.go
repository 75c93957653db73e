package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// drillCommand is a run of `setctl drill`: its flags.
type drillCommand struct {
	server           remote
	each, dump       string
	places           map[string]*string // region, zone, campus, set
	gone             bool
	service          string
	limit            int
	mapping, routing []string
	failOn           []string
}

// newDrill returns the command `setctl drill`.
func newDrill(out *output) *cobra.Command {
	d := &drillCommand{places: map[string]*string{}}
	cmd := &cobra.Command{
		Use:   "drill --each zone|region|campus|set, or --zone R/Z",
		Short: "what if each zone were lost, one at a time: who has nothing, who leaves the city, and the load of what remains",
		Long: "Drill supposes that the instances of a place or a SET are unhealthy, of each one at a time,\n" +
			"and says what callers would have: on a server or in a dump, by the files in force or by\n" +
			"candidates. Callers in the place go on. With --gone the instances are not registered any\n" +
			"more, as after they are deleted. Nothing is changed.\n\n" +
			"The load of a road is how many times what its callers put on their first road when\n" +
			"everything works its usable instances carry. --fail-on load=3 holds if a road would\n" +
			"carry more than now, and above 3 times.",
		Args:        arguments(0, 0),
		Annotations: map[string]string{writesFile: ""},
		RunE:        func(cmd *cobra.Command, _ []string) error { return d.run(cmd, out) },
	}
	addServerFlags(cmd, &d.server)
	f := cmd.Flags()
	f.StringVar(&d.each, "each", "", "what to lose, one at a time: region, zone, campus or set")
	for key, form := range map[string]string{"region": "R", "zone": "R/Z", "campus": "R/Z/C", "set": "a SET name"} {
		d.places[key] = f.String(key, "", "lose only this one: "+form)
	}
	f.BoolVar(&d.gone, "gone", false, "lost instances are not registered any more, in place of unhealthy")
	f.StringVar(&d.service, "service", "", "only for callers of this service, as namespace/name")
	f.IntVar(&d.limit, "limit", world.DefaultLimit, "the most lines of each list of the text; 0: all")
	f.StringVar(&d.dump, "dump", "", "a dump in place of a server (setctl dump --dir)")
	f.StringSliceVar(&d.mapping, "mapping", nil, "candidate mapping files in the place of those in force, globs or names in the config center (polaris://)")
	f.StringSliceVar(&d.routing, "routing", nil, "as --mapping, of routing files")
	f.StringSliceVar(&d.failOn, "fail-on", nil, "exit with 1 if one of these words holds for a loss: "+strings.Join(world.DrillFailWords(), ", "))
	return cmd
}

// run drills.
func (d *drillCommand) run(cmd *cobra.Command, out *output) error {
	query, err := d.query()
	if err != nil {
		return err
	}
	state, err := stateNow(d.server, d.dump)
	if err != nil {
		return err
	}
	if len(d.mapping)+len(d.routing) > 0 {
		if state, err = candidate(d.server, state, d.mapping, d.routing); err != nil {
			return err
		}
	}
	if err := d.checkState(state, query); err != nil {
		return failure{err}
	}
	drill := state.Drill(query)
	if query.Only != "" && len(drill.Losses) == 0 {
		return failure{fmt.Errorf("%s %q: no usable instance is there: it is lost already", query.Each, query.Only)}
	}
	fails, err := drill.Fails(d.failOn)
	if err != nil {
		return err
	}
	if len(d.failOn) > 0 && len(drill.Losses) == 0 {
		return failure{fmt.Errorf("--fail-on: no usable instance is in a %s, nothing was lost, and nothing is known of what would be", query.Each)}
	}
	err = out.write(cmd.OutOrStdout(), drill, func(w io.Writer) {
		for _, f := range fails {
			fmt.Fprintf(w, "fails: %s, for %d of %d\n", f.Word, f.Losses, len(drill.Losses))
		}
		drill.Write(w, d.limit)
	})
	if err == nil && len(fails) > 0 {
		err = errNotHeld
	}
	return err
}

// query checks the flags, and returns what they ask for.
func (d *drillCommand) query() (q world.DrillQuery, err error) {
	for key, text := range d.places {
		switch {
		case *text == "":
			continue
		case q.Only != "" || d.each != "":
			return q, fmt.Errorf("several of --each and places are given, expected one of --each, --region, --zone, --campus and --set")
		}
		q.Each, q.Only = key, *text
		if _, err := parseTarget(key, *text); err != nil {
			return q, err
		}
	}
	if q.Only == "" {
		if q.Each = d.each; !slices.Contains(world.DrillKinds, q.Each) {
			return q, fmt.Errorf("--each %q is nothing to lose, expected one of %s", d.each, strings.Join(world.DrillKinds, ", "))
		}
	}
	if d.limit < 0 {
		return q, fmt.Errorf("--limit %d is below 0, expected a number of lines, or 0 for all", d.limit)
	}
	if d.service != "" {
		service, err := route.ParseService(d.service)
		if err != nil {
			return q, fmt.Errorf("--service: %w", err)
		}
		q.Services = func(s route.Service) bool { return s == service }
	}
	q.Gone = d.gone
	_, err = world.Drill{}.Fails(d.failOn)
	return q, err
}

// parseTarget reads a place or a SET, as the entry of an evacuation has it.
func parseTarget(key, text string) (e route.Evacuation, err error) {
	if key == "set" {
		e.SET, err = location.ParseSET(text)
	} else {
		e.Location, err = route.ParsePlace(key, text)
	}
	if err != nil {
		err = fmt.Errorf("--%s: %w", key, err)
	}
	return e, err
}

// checkState returns an error if the state has no such service, or nothing to lose.
func (d *drillCommand) checkState(state *world.World, q world.DrillQuery) error {
	if d.service != "" {
		if service, err := route.ParseService(d.service); err == nil && !state.HasService(service) {
			return fmt.Errorf("there is no service %q, and no lane address of that name", d.service)
		}
	}
	if q.Only == "" {
		return nil
	}
	target, err := parseTarget(q.Each, q.Only)
	if err != nil || state.CountTakenOut(target) > 0 {
		return err
	}
	if near, ok := state.NearestPlace(target); ok {
		return fmt.Errorf("%s %q: no instance is there; did you mean %q?", q.Each, q.Only, near)
	}
	return fmt.Errorf("%s %q: no instance is there", q.Each, q.Only)
}
