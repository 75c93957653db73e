package world

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// Change is what a plan does to the list of a kind of caller.
type Change string

// The changes, the worst first.
const (
	ChangeEmpty       Change = "empty"        // gets nothing, and got something
	ChangeUnusable    Change = "unusable"     // gets nothing usable, and did
	ChangeCrossRegion Change = "cross-region" // gets instances outside of its region, and did not
	ChangeCrossZone   Change = "cross-zone"   // outside of its zone, its city, and did not
	ChangeList        Change = "changed"      // gets another list, or other weights
	ChangeNone        Change = "unchanged"
)

// Changes are all changes, the worst first.
var Changes = []Change{ChangeEmpty, ChangeUnusable, ChangeCrossRegion, ChangeCrossZone, ChangeList, ChangeNone}

// Plan is what would change for whom. `setctl plan -o json` prints its JSON.
type Plan struct {
	Kinds    int            `json:"kinds"` // kinds of callers looked at
	Services int            `json:"services"`
	Counts   map[Change]int `json:"counts"` // of pairs of kind and service
	Rows     []Row          `json:"rows"`   // all but the unchanged ones
	// Refused is what the shrink guard of the server would refuse.
	Refused []RefusedFiles `json:"refused"`
	// Warnings are what the files mean for the instances, besides the changes.
	Warnings []strict.Problem `json:"warnings"`
}

// Row is what changes for one kind of caller and one service.
type Row struct {
	Change   Change        `json:"change"`
	Service  string        `json:"service"`
	Callers  string        `json:"callers"`               // SET and location before
	Then     string        `json:"callersThen,omitempty"` // SET and location after, if not the same
	Address  string        `json:"address"`               // of one of the callers
	Seen     int           `json:"seen"`                  // callers that asked for the service lately
	Requests uint64        `json:"requests"`
	Before   explain.State `json:"before"`
	After    explain.State `json:"after"`
}

// NewPlan compares two states with the same instances, for every kind of caller and
// every service of either.
func NewPlan(before, after *World) Plan {
	services := slices.Concat(before.Services(), after.Services())
	slices.SortFunc(services, route.Service.Compare)
	services = slices.Compact(services)
	all := kinds(before, after)
	p := Plan{Kinds: len(all), Services: len(services), Counts: map[Change]int{}, Rows: []Row{}, Refused: []RefusedFiles{}}
	for _, c := range Changes {
		p.Counts[c] = 0
	}
	for _, service := range services {
		asked := before.askedFor(service)
		for _, k := range all {
			row := compare(before, after, k, service)
			row.Seen = asked(k)
			p.Counts[row.Change]++
			if row.Change != ChangeNone {
				p.Rows = append(p.Rows, row)
			}
		}
	}
	slices.SortStableFunc(p.Rows, func(a, b Row) int {
		return cmp.Or(cmp.Compare(slices.Index(Changes, a.Change), slices.Index(Changes, b.Change)), cmp.Compare(b.Requests, a.Requests))
	})
	var warnings strict.Problems
	after.Warn(&warnings)
	p.Warnings = append([]strict.Problem{}, warnings.List()...)
	return p
}

// compare returns what changes for a kind of caller and a service.
func compare(before, after *World, k Kind, service route.Service) Row {
	r := Request{Addr: k.Addr, Service: service}
	a, b := before.Explain(r), after.Explain(r)
	row := Row{
		Service: service.String(), Callers: a.Caller.Text, Address: k.Addr.String(),
		Requests: k.Requests, Before: a.State(), After: b.State(),
	}
	if b.Caller.Text != a.Caller.Text {
		row.Then = b.Caller.Text
	}
	row.Change = changeOf(a, b, before.Identity(k.Addr).Location)
	return row
}

// changeOf names what changes between two answers to a caller at a place.
func changeOf(a, b explain.Explanation, place location.Location) Change {
	before, after := a.State(), b.State()
	switch {
	case before.Instances > 0 && after.Instances == 0:
		return ChangeEmpty
	case before.Usable > 0 && after.Usable == 0:
		return ChangeUnusable
	case slices.Equal(sent(a), sent(b)):
		return ChangeNone
	case before.Usable > 0 && leavesPlace(a, b, place, 1):
		return ChangeCrossRegion
	case before.Usable > 0 && leavesPlace(a, b, place, 2):
		return ChangeCrossZone
	}
	return ChangeList
}

// leavesPlace reports whether all usable instances of answer a, and not all of answer b,
// are in the caller's place, compared down to depth levels.
func leavesPlace(a, b explain.Explanation, place location.Location, depth int) bool {
	outside := func(e explain.Explanation) bool {
		return slices.ContainsFunc(e.Instances, func(i explain.Instance) bool {
			return i.Sent && i.Usable && i.Location.Cut(depth) != place.Cut(depth)
		})
	}
	return place.Depth() >= depth && !outside(a) && outside(b)
}

// sent returns the instances of an answer with their weights, sorted.
func sent(e explain.Explanation) []string {
	var out []string
	for _, i := range e.Instances {
		if i.Sent {
			out = append(out, fmt.Sprint(i.ID, " ", i.Host, ":", i.Port, " ", i.Weight))
		}
	}
	slices.Sort(out)
	return out
}

// Text writes the plan for people: what would be refused, the counts, and then the rows,
// the worst first.
func (p Plan) Text(w io.Writer) {
	for _, r := range p.Refused {
		fmt.Fprintf(w, "%s files: without --force the server would not take them: %s\n\n", r.Kind, r.Reason)
	}
	fmt.Fprintf(w, "%d kinds of callers, %d services\n\n", p.Kinds, p.Services)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, c := range Changes {
		fmt.Fprintf(t, "  %s\t%d\n", c, p.Counts[c])
	}
	t.Flush()
	defer p.writeWarnings(w)
	if len(p.Rows) == 0 {
		return
	}
	fmt.Fprintln(w)
	fmt.Fprintln(t, "CHANGE\tCALLERS\tAS\tSEEN\tSERVICE\tUSABLE NOW\tTHEN")
	for _, r := range p.Rows {
		callers := explain.Plain(r.Callers)
		if r.Then != "" {
			callers += " -> " + explain.Plain(r.Then)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%s\t%s\t%s\n", r.Change, callers, r.Address, r.Seen, explain.Plain(r.Service), r.Before, r.After)
	}
	t.Flush()
}

// writeWarnings writes the warnings for people.
func (p Plan) writeWarnings(w io.Writer) {
	if len(p.Warnings) > 0 {
		fmt.Fprintln(w)
	}
	for _, warning := range p.Warnings {
		fmt.Fprintln(w, warning)
	}
}
