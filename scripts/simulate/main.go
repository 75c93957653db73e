// Simulate plays failures against routing rules in virtual time, with the server's own
// decisions: how much the instances carry that remain, who is left with nothing, who is
// moved to another city, and how often lists change (docs/capacity.md).
//
// The state is a company that the program makes, or a dump of a running server
// (setctl dump). Callers see a change at once: an SDK's polls and health checks come on
// top, and are the same for all rules. Lane addresses are left out.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/router/cases"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// options are what the command line says.
type options struct {
	dump, plot, plotted string
	size                size
	callers             int
	topple              float64
}

func run(args []string, out io.Writer) error {
	var o options
	flags := flag.NewFlagSet("simulate", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.StringVar(&o.dump, "dump", "", "the file that setctl dump wrote; empty: a company that this program makes")
	flags.IntVar(&o.size.services, "services", 10, "services of the company")
	flags.IntVar(&o.size.instances, "instances", 600, "instances of the company")
	flags.IntVar(&o.size.businesses, "businesses", 2, "businesses of the company; each is a kind of caller in each city")
	flags.IntVar(&o.callers, "callers", 100, "callers of each kind and service")
	flags.Float64Var(&o.topple, "topple", 2.5, "an instance falls that carries this many times its load for 5 s")
	flags.StringVar(&o.plotted, "plotted", "nine of ten", "the scenario of the plot")
	flags.StringVar(&o.plot, "plot", "", "the file to write the plot to, as SVG")
	if err := flags.Parse(args); err != nil {
		return err
	}
	w, err := o.world()
	if err != nil {
		return err
	}
	return o.play(w, out)
}

// world returns the state that the scenarios begin with.
func (o options) world() (*world.World, error) {
	if o.dump == "" {
		return newCompany(o.size)
	}
	var problems strict.Problems
	file := cases.Load(o.dump, &problems)
	if file == nil {
		return nil, problems.Err()
	}
	if len(file.Instances) == 0 {
		return nil, fmt.Errorf("%s has no instances, expected what `setctl dump --server URL` writes", o.dump)
	}
	return &file.World, nil
}

// play plays every scenario with every way to degrade, and writes tables and the plot.
func (o options) play(w *world.World, out io.Writer) error {
	fmt.Fprintf(out, "%d instances of %d services, %d kinds of callers; the city that fails is %s\n", len(w.Instances), len(w.Services()), len(w.Kinds()), cityOf(w))
	var plotted []series
	for _, s := range scenarios {
		fmt.Fprintf(out, "\n%s: %s\n", s.name, s.text)
		var rows []result
		for _, way := range ways {
			r := newSimulation(w, way, o).play(s)
			rows = append(rows, r)
			if s.name == o.plotted {
				plotted = append(plotted, series{way.name, r.peaks})
			}
		}
		writeResults(out, rows)
	}
	if o.plot == "" {
		return nil
	}
	if plotted == nil {
		var names []string
		for _, s := range scenarios {
			names = append(names, s.name)
		}
		return fmt.Errorf("no scenario is called %q, expected one of %s", o.plotted, strings.Join(names, ", "))
	}
	return os.WriteFile(o.plot, plot(o.plotted, plotted), 0o644)
}

// step is the step of virtual time.
const step = time.Second
