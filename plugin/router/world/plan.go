package world

import (
	"cmp"
	"net/netip"
	"runtime"
	"slices"

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
	Kinds    int `json:"kinds"` // kinds of callers looked at
	Services int `json:"services"`
	// Counts are of pairs of kind and service, by the worst change of the pair.
	Counts map[Change]int `json:"counts"`
	// Refused is what the shrink guard of the server would refuse.
	Refused []RefusedFiles `json:"refused"`
	Notes   []string       `json:"notes"` // what the plan does not know
	// Replaced are the files of each kind that others replace.
	Replaced    []ReplacedFiles   `json:"replaced"`
	Rules       RuleChanges       `json:"rules"`
	Evacuations EvacuationChanges `json:"evacuations"`
	// Judged are the new and changed rules that not every caller has yet.
	Judged []JudgedRule `json:"judged"`
	// Lost are instances that no road reaches any more, and then those that nobody gets
	// any more.
	Lost []Lost `json:"lost"`
	// NeverFirst are rules whose first road is not satisfied with everything healthy.
	NeverFirst []Finding `json:"neverFirst"`
	// IfLost is who would have nothing usable under new and changed rules if a zone were
	// lost, one zone at a time.
	IfLost     []IfLost `json:"ifLost"`
	NotDrilled int      `json:"notDrilled"` // services of new and changed rules, where these are too many to look at
	ByService  []Tally  `json:"byService"`  // with changes, the worst first
	ByPlace    []Tally  `json:"byPlace"`    // of the callers; with changes, the worst first
	Rows       []Row    `json:"rows"`       // all but the unchanged ones, the worst first
	// Would are the rows that there would be if new and changed rules in mode shadow, and
	// those at 0 percent, were in force for every caller. Counts do not have them.
	Would []Row `json:"would"`
	// Warnings are what the files mean for the instances, besides the changes.
	Warnings []strict.Problem `json:"warnings"`
}

// Row is what changes for one kind of caller and one service.
type Row struct {
	Change  Change `json:"change"`
	Service string `json:"service"`
	Callers string `json:"callers"`               // SET and location before
	Then    string `json:"callersThen,omitempty"` // SET and location after, if not the same
	// Judged are the callers for whom the row is so, where a rollout includes some of the
	// kind and not others: as "inside 1%". It is empty for all callers of the kind.
	Judged   string        `json:"judged,omitempty"`
	Address  string        `json:"address"`          // of one of the callers
	Seen     int           `json:"seen"`             // callers of the kind that asked for the service lately
	Inside   *int          `json:"inside,omitempty"` // of these, the callers of Judged
	Requests uint64        `json:"requests"`
	Before   explain.State `json:"before"`
	After    explain.State `json:"after"`

	place string // of the callers, down to the zone
}

// Tally counts the changes of a service, or of callers at a place.
type Tally struct {
	Name   string         `json:"name"`
	Counts map[Change]int `json:"counts"` // without the unchanged ones
}

// NewPlan compares two states with the same instances, for every kind of caller and
// every service of either. A rule in a rollout is judged for the callers inside, whatever
// the percent, and for those outside.
func NewPlan(before, after *World) Plan {
	p := newPlanner(before, after)
	p.compare(runtime.GOMAXPROCS(0))
	plan := p.plan()
	plan.Notes = append(plan.Notes, before.Notes...)
	plan.Replaced, plan.Rules, plan.Evacuations = replaced(before, after), ruleChanges(before.Rules, after.Rules), evacuationChanges(before, after)
	plan.IfLost, plan.NotDrilled = ifLost(after, plan.Rules)
	plan.Judged = judgedRules(plan.Rules, after.Rules)
	var warnings strict.Problems
	plan.NeverFirst = after.warn(p.after, &warnings)
	plan.Warnings = append([]strict.Problem{}, warnings.List()...)
	return plan
}

// planner compares two states, name by name.
type planner struct {
	before, after *Survey
	callers       []planCaller // of each kind
	names         []*planName
	touched       map[route.Service]bool // services of whose instances some caller may get others
}

// planCaller is what a plan says of a kind of caller.
type planCaller struct {
	text, then string
	address    string
	place      location.Location // before
}

// newPlanner reads both states.
func newPlanner(before, after *World) *planner {
	all := kinds((*route.Rules).ConditionKeys, before, after)
	p := &planner{before: before.Survey(all), after: after.Survey(all), touched: map[route.Service]bool{}}
	for n, k := range all {
		id := p.before.callers[n].facts.Identity
		c := planCaller{text: explain.IdentityText(id), address: k.Addr.String(), place: id.Location}
		if then := explain.IdentityText(p.after.callers[n].facts.Identity); then != c.text {
			c.then = then
		}
		p.callers = append(p.callers, c)
	}
	services := slices.Concat(before.Services(), after.Services())
	slices.SortFunc(services, route.Service.Compare)
	for _, service := range slices.Compact(services) {
		p.names = append(p.names, p.read(service))
	}
	return p
}

// planName is a name that callers ask for, in both states.
type planName struct {
	service       route.Service
	before, after side
	pairs         []pair
	asked         func(Kind, func(netip.Addr) bool) int

	unchanged   int
	rows, would []Row
	marks       [2]marks // before, after
}

// pair is the kinds of callers that are in one share before and in one share after.
type pair struct {
	before, after int // the numbers of the shares
	kinds         []int
}

// read reads a name in both states, with the pairs of shares that can have changed.
func (p *planner) read(service route.Service) *planName {
	n := &planName{service: service, before: newSide(p.before.read(service)), after: newSide(p.after.read(service))}
	n.asked = p.before.world.whoAsked(service)
	index := map[[2]int]int{}
	same := n.before.Answers.sameInstances(n.after.Answers)
	for kind := range p.callers {
		key := [2]int{n.before.shareOf[kind], n.after.shareOf[kind]}
		i, ok := index[key]
		if !ok {
			i = -1
			if !same || !n.before.shares[key[0]].Alike(n.after.shares[key[1]].Route) {
				i = len(n.pairs)
				n.pairs = append(n.pairs, pair{before: key[0], after: key[1]})
			}
			index[key] = i
		}
		if i < 0 {
			n.unchanged++
			continue
		}
		n.pairs[i].kinds = append(n.pairs[i].kinds, kind)
	}
	if len(n.pairs) > 0 {
		for _, s := range []side{n.before, n.after} {
			p.touched[s.Source], p.touched[s.ownName()] = true, true
		}
	}
	return n
}

// compare compares the names, several at the same time.
func (p *planner) compare(workers int) {
	inParallel(len(p.names), workers, func(n int) {
		name := p.names[n]
		for _, pair := range name.pairs {
			p.judge(name, pair)
		}
		if p.isTouched(name.before) || p.isTouched(name.after) {
			name.mark()
		}
	})
}

// isTouched reports whether somebody may get other instances of those that a name has.
func (p *planner) isTouched(s side) bool {
	return p.touched[s.Source] || s.OwnService != nil && p.touched[s.ownName()]
}

// plan puts together what was found for each name.
func (p *planner) plan() Plan {
	plan := Plan{
		Kinds: len(p.callers), Services: len(p.names), Counts: map[Change]int{}, Rows: []Row{}, Would: []Row{}, Refused: []RefusedFiles{}, Notes: []string{},
		Lost: p.lost(),
	}
	for _, c := range Changes {
		plan.Counts[c] = 0
	}
	for _, name := range p.names {
		plan.Counts[ChangeNone] += name.unchanged
		for _, row := range name.rows {
			plan.Counts[row.Change]++
		}
		plan.Rows = append(plan.Rows, name.rows...)
		plan.Would = append(plan.Would, name.would...)
	}
	sortRows(plan.Rows)
	sortRows(plan.Would)
	plan.ByService, plan.ByPlace = p.tally()
	return plan
}

// sortRows puts the worst rows first, and of these the ones with the most callers.
func sortRows(rows []Row) {
	slices.SortStableFunc(rows, func(a, b Row) int {
		return cmp.Or(cmp.Compare(slices.Index(Changes, a.Change), slices.Index(Changes, b.Change)), cmp.Compare(b.Requests, a.Requests))
	})
}
