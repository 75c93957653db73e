package main

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/polaris-contrib/setrouter/internal/table"
	"github.com/polaris-contrib/setrouter/scripts/bench/rig"
)

// report has the figures of all rounds, by measurement and side.
type report struct {
	names   []string // measurements, in their order
	figures map[string]map[string][]rig.Figures
}

func (r *report) add(name, side string, f rig.Figures) {
	if r.figures == nil {
		r.figures = map[string]map[string][]rig.Figures{}
	}
	if r.figures[name] == nil {
		r.names, r.figures[name] = append(r.names, name), map[string][]rig.Figures{}
	}
	r.figures[name][side] = append(r.figures[name][side], f)
}

// targets are the targets of ratios, by measurement and figure.
var targets = map[string]string{
	"start/CPU s": "<= 1.2", "start/s": "<= 1.2", fastPolls + "/requests/s": ">= 0.95", fastPolls + "/CPU ms/request": "<= 1.05",
	fleetQuiet + "/CPU ms/poll": "<= 1.05", fleetQuiet + "/resident MB": "<= 1.3", fleetQuiet + "/heap MB": "<= 1.3",
}

// print writes the medians of both sides and their ratio, and the spread of the pack.
func (r *report) print(out io.Writer) {
	t := table.New(out)
	for _, name := range r.names {
		stock, pack := r.figures[name]["stock"], r.figures[name]["pack"]
		if len(pack) == 0 {
			continue
		}
		fmt.Fprintf(t, "\n%s, %d rounds\tstock\tpack\tratio\ttarget\tspread of stock\tspread of pack\n", name, len(pack))
		for _, figure := range slices.Sorted(maps.Keys(pack[0])) {
			now := rig.Median(pack, figure)
			if len(stock) == 0 {
				fmt.Fprintf(t, "%s\t\t%s\t\t\t\t%s\n", figure, rig.Number(now), rig.Spread(pack, figure))
				continue
			}
			before := rig.Median(stock, figure)
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", figure, rig.Number(before), rig.Number(now), rig.Number(now/before), targets[name+"/"+figure],
				rig.Spread(stock, figure), rig.Spread(pack, figure))
		}
	}
	t.Flush()
}
