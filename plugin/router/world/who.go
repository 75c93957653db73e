package world

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/polaris-contrib/setrouter/internal/table"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// Who is the reverse view of a service: which kinds of callers get which instances. The
// admin listener and `setctl who -o json` answer with its JSON.
type Who struct {
	Service string `json:"service"`
	Views   []View `json:"views"`
	// Unreached are instances that no kind of caller gets.
	Unreached []Reached `json:"unreached"`
	// NoFailover are the SETs that callers are routed as and that have no failover:
	// their rule names further tiers, and no further tier has another instance.
	NoFailover []string `json:"noFailover"`
	// DeadEnds are callers whose roads end before the further tiers of their rule.
	DeadEnds []DeadEnd `json:"deadEnds"`
}

// DeadEnd is a SET and a place from which the roads of a rule do not reach the tiers
// that should take over.
type DeadEnd struct {
	Rule    string `json:"rule"`
	Callers string `json:"callers"` // SET and place
	Why     string `json:"why"`
}

// View is a list, and the kinds of callers that get it.
type View struct {
	Answer    explain.Answer `json:"answer"`
	Rule      string         `json:"rule,omitempty"`
	Tier      string         `json:"tier,omitempty"`
	Level     string         `json:"level,omitempty"`
	Widened   bool           `json:"widened"` // not on the first road
	Callers   []string       `json:"callers"` // SET and location of each kind
	Seen      int            `json:"seen"`    // callers that asked for the service lately
	Instances []Reached      `json:"instances"`
}

// Reached is an instance that some caller gets, or that nobody gets.
type Reached struct {
	Host     string            `json:"host"`
	Port     uint32            `json:"port"`
	SET      string            `json:"set,omitempty"`
	Location location.Location `json:"location"`
	Usable   bool              `json:"usable"`
}

// Who returns who gets the instances of a service. With a host, it returns only views
// that have an instance at that host, and only instances at that host.
func (w *World) Who(service route.Service, host string) Who {
	b := whoBuilder{
		Who:  Who{Service: service.String(), Views: []View{}, Unreached: []Reached{}, NoFailover: []string{}, DeadEnds: []DeadEnd{}},
		host: host, views: map[string]int{}, met: map[string]bool{}, sent: map[string]bool{},
	}
	survey := w.Survey(nil)
	answers := survey.Of(service)
	for n := range answers.Callees { // so that instances that nobody gets are met too
		b.meet(&answers.Callees[n])
	}
	asked := w.askedFor(service)
	for n := range answers.Groups {
		group := &answers.Groups[n]
		b.add(group, survey.Kinds, asked)
		b.addEnds(group, answers.Callee)
	}
	for _, m := range b.order {
		if !b.sent[m.id] {
			b.Unreached = append(b.Unreached, m.Reached)
		}
	}
	slices.Sort(b.NoFailover)
	return b.Who
}

// whoBuilder groups kinds of callers by what they get.
type whoBuilder struct {
	Who
	host  string
	views map[string]int  // index of a view by its content
	met   map[string]bool // instances by id
	sent  map[string]bool // the ids that some kind gets
	order []metInstance
}

// metInstance is an instance with its id.
type metInstance struct {
	id string
	Reached
}

// isAtHost reports whether an instance is at the host asked for, if there is one.
func (b *whoBuilder) isAtHost(r Reached) bool { return b.host == "" || r.Host == b.host }

// meet notes an instance of the service, once. It returns the id of the instance.
func (b *whoBuilder) meet(c *explain.Callee) (id string, r Reached) {
	id, r = fmt.Sprint(c.ID, c.Host, c.Port), Reached{c.Host, c.Port, string(c.SET), c.Location, c.Usable()}
	if !b.met[id] && b.isAtHost(r) {
		b.met[id] = true
		b.order = append(b.order, metInstance{id, r})
	}
	return id, r
}

// add puts kinds of callers to the view with the same list.
func (b *whoBuilder) add(a *Answer, kinds []Kind, asked func(Kind) int) {
	view := View{Answer: explain.AnswerStock, Callers: []string{}, Instances: []Reached{}}
	if rule := a.Route.Rule; rule != nil {
		view.Rule = rule.Name
	}
	if a.Decides() {
		view.Answer, view.Tier, view.Level = explain.AnswerOf(a.Route.Rule), a.Decision.Tier(), a.Decision.Level()
		view.Widened = a.Decision.Furthest() > 0
	}
	var key strings.Builder
	fmt.Fprint(&key, view.Answer, "|", view.Rule, "|", view.Tier, "|", view.Level, "|")
	for _, e := range sortedEntries(a) {
		id, r := b.meet(e.Callee)
		b.sent[id] = true
		fmt.Fprint(&key, id, ";")
		if b.isAtHost(r) {
			view.Instances = append(view.Instances, r)
		}
	}
	if b.host != "" && len(view.Instances) == 0 {
		return
	}
	n, ok := b.views[key.String()]
	if !ok {
		n = len(b.Views)
		b.views[key.String()] = n
		b.Views = append(b.Views, view)
	}
	v := &b.Views[n]
	for _, k := range a.Kinds {
		v.Seen += asked(kinds[k])
		if text := kinds[k].Text(); !slices.Contains(v.Callers, text) {
			v.Callers = append(v.Callers, text)
		}
	}
}

// sortedEntries returns the instances of an answer by host and port.
func sortedEntries(a *Answer) (out []entry) {
	for c, weight := range a.List() {
		out = append(out, entry{c, weight})
	}
	sortEntries(out)
	return out
}

// addEnds adds where the roads of callers end too early (see route.Route.Ends).
func (b *whoBuilder) addEnds(a *Answer, callee *route.Callee) {
	if a.Why != route.WhyRouted {
		return
	}
	for _, end := range a.Route.Ends(callee) {
		set := string(end.SET)
		dead := DeadEnd{a.Route.Rule.Name, explain.IdentityText(location.Identity{SET: end.SET, Location: a.Route.Location}), end.Why}
		switch {
		case end.NoFailover && !slices.Contains(b.NoFailover, set):
			b.NoFailover = append(b.NoFailover, set)
		case !end.NoFailover && !slices.Contains(b.DeadEnds, dead):
			b.DeadEnds = append(b.DeadEnds, dead)
		}
	}
}

// Write writes the view for people, each list with at most limit lines; 0 is no limit.
func (r Who) Write(out io.Writer, limit int) {
	fmt.Fprintf(out, "%q\n", r.Service)
	views, more := cut(r.Views, limit)
	for _, v := range views {
		title := string(v.Answer)
		for _, word := range [][2]string{{"rule", v.Rule}, {"tier", v.Tier}, {"level", v.Level}} {
			if word[1] != "" {
				title += ", " + word[0] + " " + word[1]
			}
		}
		fmt.Fprintf(out, "\n%s: %s\n", title, count(len(v.Instances), "instance"))
		fmt.Fprintf(out, "  for %s (%d asked lately)\n", shorten(plain(v.Callers), 6, "; "), v.Seen)
		writeReached(out, v.Instances, limit)
	}
	if more > 0 {
		fmt.Fprintf(out, "\nand %s more: --limit\n", plural(more, "list"))
	}
	if len(r.Unreached) > 0 {
		fmt.Fprintln(out, "\nno caller gets")
		writeReached(out, r.Unreached, limit)
	}
	if len(r.NoFailover) > 0 {
		fmt.Fprintf(out, "\nthe only failover is empty for %s\n", strings.Join(plain(r.NoFailover), ", "))
	}
	ends, more := cut(r.DeadEnds, limit)
	for _, d := range ends {
		fmt.Fprintf(out, "\nrule %s, callers %s: %s\n", explain.Plain(d.Rule), explain.Plain(d.Callers), explain.Plain(d.Why))
	}
	if more > 0 {
		fmt.Fprintf(out, "\nand %s of callers more: --limit\n", plural(more, "kind"))
	}
}

// cut returns the first elements of a list, at most limit, and how many more there are. A
// limit of 0 is none.
func cut[T any](list []T, limit int) (first []T, more int) {
	if limit == 0 || len(list) <= limit {
		return list, 0
	}
	return list[:limit], len(list) - limit
}

// writeReached writes instances for people, one a line.
func writeReached(out io.Writer, list []Reached, limit int) {
	t := table.New(out)
	first, more := cut(list, limit)
	for _, i := range first {
		state := "usable"
		if !i.Usable {
			state = "not usable"
		}
		fmt.Fprintf(t, "  %s:%d\t%s\t%s\n", explain.Plain(i.Host), i.Port,
			explain.Plain(i.who()), state)
	}
	t.Flush()
	if more > 0 {
		fmt.Fprintf(out, "  and %d more: --limit\n", more)
	}
}

// who returns the SET and the place of the instance.
func (r Reached) who() string {
	return explain.IdentityText(location.Identity{SET: location.SET(r.SET), Location: r.Location})
}

// plain returns texts as explain.Plain does: clients may have said them.
func plain(texts []string) []string {
	out := make([]string, len(texts))
	for i, s := range texts {
		out[i] = explain.Plain(s)
	}
	return out
}

// shorten joins the first words, at most so many, and counts the rest.
func shorten(words []string, most int, separator string) string {
	if len(words) <= most {
		return strings.Join(words, separator)
	}
	return fmt.Sprintf("%s%s... %d more", strings.Join(words[:most], separator), separator, len(words)-most)
}
