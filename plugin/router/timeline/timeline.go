// Package timeline tells what happened in the last hour: events that were noted, and
// changes of what callers get, of which many are told as one. The package knows no
// server.
package timeline

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/polaris-contrib/setrouter/internal/events"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
)

// The bounds of a timeline: events, where the request does not say how many, and at most.
const (
	DefaultEvents = 200
	MaxEvents     = 1000
)

const (
	// together is how much later a change can come and still be told with the one before.
	together = 30 * time.Second
	// sameMoment is by how much nodes may differ in when they tell one event.
	sameMoment = 15 * time.Second
	// shown is how many services and kinds of callers an event names.
	shown = 10
)

// Codes of events that are made of changes.
const (
	CodeWidened  = "widened"
	CodeEmptied  = "emptied"
	CodeUnusable = "unusable"
	CodeNarrowed = "narrowed"
	CodeRefilled = "refilled"
	CodeChanged  = "changed"
	CodeUnknown  = "unknown" // nothing, as the callers are not known: any stranger can bring that about
)

// severities are those of the codes.
var severities = map[string]string{
	CodeWidened: events.SeverityAmber, CodeEmptied: events.SeverityRed, CodeUnusable: events.SeverityRed, CodeUnknown: events.SeverityAmber,
	CodeNarrowed: events.SeverityGood, CodeRefilled: events.SeverityGood, CodeChanged: events.SeverityInfo,
}

// New returns what a node tells of the last hour, the newest first. Changes may be older,
// and in any order. Nothing is known of the time before since.
func New(node string, now, since time.Time, noted []events.Event, changes []api.Change) api.Timeline {
	t := api.Timeline{Now: now, Since: since, Events: []api.Event{}, Notes: []string{}}
	for _, e := range noted {
		t.Events = append(t.Events, api.Event{Event: e, Nodes: []string{node}, Services: []string{}, Callers: []string{}})
	}
	for _, g := range groups(changes, since) {
		e := g.event()
		e.Nodes = []string{node}
		t.Events = append(t.Events, e)
	}
	sortEvents(t.Events)
	return t
}

// sortEvents puts the newest first, and of one moment the worst.
func sortEvents(list []api.Event) {
	worst := []string{events.SeverityRed, events.SeverityAmber, events.SeverityInfo, events.SeverityGood}
	slices.SortStableFunc(list, func(a, b api.Event) int {
		return cmp.Or(b.At.Compare(a.At), cmp.Compare(slices.Index(worst, a.Severity), slices.Index(worst, b.Severity)), cmp.Compare(a.Text, b.Text))
	})
}

// group is changes that are told as one event.
type group struct {
	code, why   string
	first, last time.Time
	services    map[string]bool
	callers     map[string]bool
	kinds       map[[2]string]bool // service and kind
}

// groups puts changes together that are alike and follow each other soon. It leaves out
// what came before since, what changes nothing for a caller, and first lists that have
// instances.
func groups(changes []api.Change, since time.Time) []*group {
	changes = slices.Clone(changes)
	slices.SortStableFunc(changes, func(a, b api.Change) int { return a.At.Compare(b.At) })
	latest := map[[2]string]*group{}
	var out []*group
	for _, c := range changes {
		code := codeOf(c)
		if code == "" || c.At.Before(since) {
			continue
		}
		key := [2]string{code, c.Why}
		g := latest[key]
		if g == nil || c.At.Sub(g.last) > together {
			g = &group{code: code, why: c.Why, first: c.At, services: map[string]bool{}, callers: map[string]bool{}, kinds: map[[2]string]bool{}}
			latest[key], out = g, append(out, g)
		}
		g.last = c.At
		g.services[c.Service], g.callers[c.Kind], g.kinds[[2]string{c.Service, c.Kind}] = true, true, true
	}
	return out
}

// codeOf returns the code of a change, empty for one that is not told.
func codeOf(c api.Change) string {
	hadUsable := c.Before != nil && c.Before.Usable > 0
	switch {
	case c.After.Answer == explain.AnswerShadow:
		return ""
	case c.Change == CodeUnknown:
		return CodeUnknown
	case c.After.Instances == 0:
		return CodeEmptied // a first list that is empty is as bad
	case c.After.Usable == 0 && (hadUsable || c.Before == nil):
		return CodeUnusable
	case c.Before == nil:
		return ""
	case c.Before.Usable == 0 && c.After.Usable > 0:
		return CodeRefilled
	case c.Change == CodeWidened || c.Change == CodeNarrowed:
		return c.Change
	}
	return CodeChanged
}

// event returns the group as an event.
func (g *group) event() api.Event {
	e := api.Event{Event: events.Event{At: g.first, Code: g.code, Severity: severities[g.code], Args: map[string]string{
		"why": g.why, "kinds": fmt.Sprint(len(g.kinds)), "services": fmt.Sprint(len(g.services)),
	}}}
	if !g.last.Equal(g.first) {
		e.Until = &g.last
	}
	e.Services, e.MoreServices = first(g.services)
	e.Callers, e.MoreCallers = first(g.callers)
	e.Text = fmt.Sprintf("%s of %s %s: %s", count(len(g.kinds), "kind of callers", "kinds of callers"), count(len(g.services), "service", "services"), verbs[g.code], g.why)
	if place := commonPlace(g.callers); place != "" {
		e.Args["place"] = place
		e.Text += "; all of them in " + explain.Plain(place)
	}
	return e
}

// verbs say what happens to kinds of callers.
var verbs = map[string]string{
	CodeWidened: "went to a later road", CodeEmptied: "have an empty list", CodeUnusable: "have no usable instance",
	CodeNarrowed: "went back to an earlier road", CodeRefilled: "have usable instances again", CodeChanged: "have another list",
	CodeUnknown: "have nothing, as they are not known",
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// first returns the first few of a set, sorted, and how many more there are.
func first(set map[string]bool) (list []string, more int) {
	list = slices.Sorted(maps.Keys(set))
	return append([]string{}, list[:min(len(list), shown)]...), max(0, len(list)-shown)
}

// commonPlace returns the place, down to the city at most, that kinds of callers have in
// common; empty if they have none.
func commonPlace(callers map[string]bool) string {
	var common []string
	for text := range callers {
		_, place, ok := strings.Cut(text, " in ")
		if !ok || place == "-" {
			return ""
		}
		levels := strings.Split(place, "/")
		if common == nil {
			common = levels[:min(len(levels), 2)]
		}
		n := 0
		for n < min(len(common), len(levels)) && common[n] == levels[n] {
			n++
		}
		if common = common[:n]; n == 0 {
			return ""
		}
	}
	return strings.Join(common, "/")
}

// Add adds the events of another node. Events of both that are the same, and of about the
// same moment, are one.
func Add(t *api.Timeline, other []api.Event) {
	for _, e := range other {
		n := slices.IndexFunc(t.Events, func(o api.Event) bool { return isSame(o, e) })
		if n < 0 {
			t.Events = append(t.Events, e)
			continue
		}
		same := &t.Events[n]
		for _, node := range e.Nodes {
			if !slices.Contains(same.Nodes, node) {
				same.Nodes = append(slices.Clip(same.Nodes), node)
			}
		}
		if e.At.Before(same.At) {
			same.At = e.At
		}
	}
	sortEvents(t.Events)
}

// isSame reports whether two nodes tell the same.
func isSame(a, b api.Event) bool {
	return a.Code == b.Code && a.At.Sub(b.At).Abs() <= sameMoment && maps.Equal(a.Args, b.Args) &&
		slices.Equal(a.Services, b.Services) && slices.Equal(a.Callers, b.Callers)
}

// Cut leaves n events at most, the newest.
func Cut(t *api.Timeline, n int) {
	if len(t.Events) > n {
		t.Events, t.More = t.Events[:n:n], t.More+len(t.Events)-n
	}
}
