package world

import (
	"cmp"
	"fmt"
	"io"
	"slices"

	"github.com/polaris-contrib/setrouter/internal/table"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// Reach says which callers keep the instances that an evacuation takes out, and why
// (docs/design.md, 5.3).
type Reach struct {
	// UnreachedServices counts the services whose callers keep these instances, as no rule
	// makes their lists, and UnreachedInstances their instances in the place. Unreached are
	// these callers, those of the services with the most instances first.
	UnreachedServices  int         `json:"unreachedServices"`
	UnreachedInstances int         `json:"unreachedInstances"`
	Unreached          []Unreached `json:"unreached"`
	// LeftKinds counts the kinds of callers for whom the evacuation does not count: without
	// the evacuated instances they would have no usable one, and so they keep them. Left
	// are these kinds, for each service.
	LeftKinds int    `json:"leftKinds"`
	Left      []Left `json:"left"`
}

// Cut leaves n elements of each list at most. The counts stay.
func (e *Reach) Cut(n int) {
	e.Unreached, e.Left = e.Unreached[:min(n, len(e.Unreached))], e.Left[:min(n, len(e.Left))]
}

// Unreached is a service, and callers of it that an evacuation does not reach.
type Unreached struct {
	Service   string `json:"service"` // as asked for
	Why       string `json:"why"`
	Rule      string `json:"rule,omitempty"`
	Instances int    `json:"instances"` // of the service in the place
	// Kinds is how many kinds of callers are not reached, Of how many there are.
	Kinds int `json:"kinds"`
	Of    int `json:"of"`
	Seen  int `json:"seen"` // callers of these kinds that asked for the service lately
}

// Left is a kind of caller that keeps evacuated instances.
type Left struct {
	Service   string `json:"service"`
	Rule      string `json:"rule"`
	Callers   string `json:"callers"` // SET and place
	Address   string `json:"address"` // of one of the callers
	Instances int    `json:"instances"`
	Usable    int    `json:"usable"`
	Seen      int    `json:"seen"`
}

// Reach returns the reach of each evacuation of a list, in the order of the list. Left has
// callers of those evacuations that are in force in the state, and nobody is unreached by
// an evacuation that has ended.
func (w *World) Reach(list []route.Evacuation) []Reach {
	out := make([]Reach, len(list))
	var places []int
	for n, e := range list {
		out[n] = Reach{Unreached: []Unreached{}, Left: []Left{}}
		if w.Now.Before(e.Until) && w.CountTakenOut(e) > 0 {
			places = append(places, n)
		}
	}
	if len(places) == 0 {
		return out
	}
	survey := w.Survey(nil)
	for _, service := range w.Services() {
		asked := w.askedFor(service)
		var answers *Answers
		for _, n := range places {
			if !w.hasAt(service, list[n]) {
				continue
			}
			if answers == nil {
				answers = survey.Of(service)
			}
			out[n].add(evacuatedService{list[n], survey, answers, asked})
		}
	}
	for n := range out {
		slices.SortStableFunc(out[n].Unreached, func(a, b Unreached) int { return cmp.Compare(b.Instances, a.Instances) })
	}
	return out
}

// hasAt reports whether an evacuation takes out instances that are read for a name.
func (w *World) hasAt(service route.Service, e route.Evacuation) bool {
	input := explain.Input{Name: w.Rules.Resolve(w.findName(service))}
	w.readInstances(&input)
	isOut := func(c explain.Callee) bool { return e.TakesOut(c.Location, c.SET) }
	return slices.ContainsFunc(input.Callees, isOut) || slices.ContainsFunc(input.OwnService, isOut)
}

// evacuatedService is a service with instances that an evacuation takes out.
type evacuatedService struct {
	route.Evacuation
	survey  *Survey
	answers *Answers
	asked   func(Kind) int
}

// add adds what the evacuation does to the callers of a service.
func (out *Reach) add(s evacuatedService) {
	var rows []Unreached
	instances := 0
	for _, group := range s.answers.Groups {
		row := Unreached{Service: s.answers.Name.Service.String(), Why: string(group.Why), Of: len(s.survey.Kinds)}
		if group.Route.Rule != nil {
			row.Rule = group.Route.Rule.Name
		}
		if group.Why == route.WhyRouted {
			out.addLeft(s, group)
			if r := group.Route.Rule; r.Rollout == route.FullRollout || r.ByWeight {
				continue
			}
			row.Why = string(route.WhyRolledOut) // of each kind, some addresses are outside
		} else {
			row.Kinds, row.Seen = len(group.Kinds), s.seen(group)
		}
		for _, c := range group.stock() {
			if s.TakesOut(c.Location, c.SET) {
				row.Instances++
			}
		}
		if row.Instances == 0 {
			continue
		}
		instances = max(instances, row.Instances)
		same := func(other Unreached) bool { return other.Why == row.Why && other.Rule == row.Rule }
		if n := slices.IndexFunc(rows, same); n >= 0 {
			rows[n].Kinds, rows[n].Seen = rows[n].Kinds+row.Kinds, rows[n].Seen+row.Seen
		} else {
			rows = append(rows, row)
		}
	}
	if len(rows) > 0 {
		out.UnreachedServices, out.UnreachedInstances = out.UnreachedServices+1, out.UnreachedInstances+instances
		out.Unreached = append(out.Unreached, rows...)
	}
}

// addLeft adds the callers of a group that keep evacuated instances by a rule.
func (out *Reach) addLeft(s evacuatedService, group Answer) {
	left := Left{Service: s.answers.Name.Service.String(), Rule: group.Route.Rule.Name}
	for c := range group.List() {
		if c.Evacuated && s.TakesOut(c.Location, c.SET) {
			left.Instances++
			if c.Usable() {
				left.Usable++
			}
		}
	}
	if left.Instances == 0 {
		return
	}
	for _, n := range group.Kinds {
		kind := s.survey.Kinds[n]
		left.Callers, left.Address, left.Seen = explain.IdentityText(kind.Identity.Identity), kind.Addr.String(), s.asked(kind)
		out.Left, out.LeftKinds = append(out.Left, left), out.LeftKinds+1
	}
}

// seen returns how many callers of a group asked for the service lately.
func (s evacuatedService) seen(group Answer) (n int) {
	for _, kind := range group.Kinds {
		n += s.asked(s.survey.Kinds[kind])
	}
	return n
}

// IdentitiesOfInstances returns the SET and place of each instance.
func (w *World) IdentitiesOfInstances() []location.Identity {
	out := []location.Identity{}
	for _, list := range w.allInstances() {
		for _, c := range list {
			out = append(out, location.Identity{SET: c.SET, Location: c.Location})
		}
	}
	return out
}

// NearestPlace returns the SET or place whose name is nearly that of an evacuation, among
// those of instances and of the mapping. It is not ok if there is none.
func (w *World) NearestPlace(e route.Evacuation) (name string, ok bool) {
	return e.Nearest(slices.Concat(w.IdentitiesOfInstances(), w.Table.Identities()))
}

// Text writes for people whom the evacuation does not reach, and who keeps evacuated
// instances: the first few of each.
func (e Reach) Text(w io.Writer, indent string) {
	if e.UnreachedServices > 0 {
		fmt.Fprintf(w, "%sIT DOES NOT REACH these callers of %s with %s there, who keep them in their lists:\n", indent, plural(e.UnreachedServices, "service"), plural(e.UnreachedInstances, "instance"))
		t := table.New(w)
		for _, u := range e.Unreached[:min(len(e.Unreached), shownRows)] {
			why := u.Why
			if u.Rule != "" {
				why = "rule " + u.Rule + ": " + why
			}
			fmt.Fprintf(t, "%s  %s\t%d there\t%d of %s of callers\t%d asked lately\t%s\n", indent, explain.Plain(u.Service), u.Instances, u.Kinds, plural(u.Of, "kind"), u.Seen, why)
		}
		t.Flush()
		writeMore(w, indent, len(e.Unreached)-shownRows)
	}
	if e.LeftKinds > 0 {
		fmt.Fprintf(w, "%sIT DOES NOT COUNT for %s of callers, who keep evacuated instances, as no road has another usable one:\n", indent, plural(e.LeftKinds, "kind"))
		t := table.New(w)
		for _, l := range e.Left[:min(len(e.Left), shownRows)] {
			fmt.Fprintf(t, "%s  LEFT\t%s\t%s\tas %s\trule %s\t%d of %d usable\t%d asked lately\n", indent, explain.Plain(l.Service), explain.Plain(l.Callers), l.Address, l.Rule, l.Usable, l.Instances, l.Seen)
		}
		t.Flush()
		writeMore(w, indent, e.LeftKinds-shownRows)
	}
}

// shownRows is how many rows of a list are written for people.
const shownRows = 10

func writeMore(w io.Writer, indent string, rows int) {
	if rows > 0 {
		fmt.Fprintf(w, "%s  and %d more\n", indent, rows)
	}
}

// plural returns "1 service" or "2 services".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
