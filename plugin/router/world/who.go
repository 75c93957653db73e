package world

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// Who is the reverse view of a service: which kinds of callers get which
// instances. Its JSON is that of the admin listener and of `setctl who -o json`.
type Who struct {
	Service string `json:"service"`
	Views   []View `json:"views"`
	// Unreached are instances that no kind of caller gets.
	Unreached []Reached `json:"unreached"`
	// NoFailover are the SETs that callers are routed as whose rule names
	// further tiers, none of which has an instance.
	NoFailover []string `json:"noFailover"`
}

// View is a list, and who gets it.
type View struct {
	Answer    explain.Answer `json:"answer"`
	Rule      string         `json:"rule,omitempty"`
	Tier      string         `json:"tier,omitempty"`
	Level     string         `json:"level,omitempty"`
	Widened   bool           `json:"widened"` // a later tier or a wider level than the first one
	Callers   []string       `json:"callers"` // SET and location of each kind
	Seen      int            `json:"seen"`    // callers that asked lately
	Instances []Reached      `json:"instances"`
}

// Reached is an instance.
type Reached struct {
	Host     string            `json:"host"`
	Port     uint32            `json:"port"`
	SET      string            `json:"set,omitempty"`
	Location location.Location `json:"location"`
	Usable   bool              `json:"usable"`
}

// Who tells who gets the instances of a service. With a host, only views that
// have an instance there are told, and only instances there.
func (w *World) Who(service route.Service, host string) Who {
	b := whoBuilder{
		Who:  Who{Service: service.String(), Views: []View{}, Unreached: []Reached{}, NoFailover: []string{}},
		host: host, views: map[string]int{}, met: map[string]bool{}, sent: map[string]bool{},
	}
	for _, c := range w.decide(Request{Service: service}).Callees { // also those that nobody would be told of
		b.meet(fmt.Sprint(c.ID, c.Host, c.Port), Reached{c.Host, c.Port, string(c.SET), c.Location, c.Usable()})
	}
	for _, k := range w.Kinds() {
		in := w.decide(Request{Addr: k.Addr, Service: service})
		b.add(k, explain.New(in))
		if set := string(in.Route.SET); noFailover(in) && !slices.Contains(b.NoFailover, set) {
			b.NoFailover = append(b.NoFailover, set)
		}
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
	sent  map[string]bool // those that some kind gets
	order []metInstance
}

type metInstance struct {
	id string
	Reached
}

// isAtHost tells whether an instance is at the host asked for.
func (b *whoBuilder) isAtHost(r Reached) bool { return b.host == "" || r.Host == b.host }

func (b *whoBuilder) meet(id string, r Reached) {
	if !b.met[id] && b.isAtHost(r) {
		b.met[id] = true
		b.order = append(b.order, metInstance{id, r})
	}
}

// add puts a kind of caller to those with the same list.
func (b *whoBuilder) add(k Kind, e explain.Explanation) {
	view := View{Answer: e.Answer, Tier: e.Tier, Level: e.Level, Widened: e.IsWidened(), Callers: []string{}, Instances: []Reached{}}
	if e.Rule != nil {
		view.Rule = e.Rule.Name
	}
	var key strings.Builder
	fmt.Fprint(&key, view.Answer, "|", view.Rule, "|", view.Tier, "|", view.Level, "|")
	for _, i := range e.Instances {
		id, r := fmt.Sprint(i.ID, i.Host, i.Port), Reached{i.Host, i.Port, i.SET, i.Location, i.Usable}
		b.meet(id, r)
		if !i.Sent {
			continue
		}
		b.sent[id] = true
		fmt.Fprint(&key, id, ";")
		if b.isAtHost(r) {
			view.Instances = append(view.Instances, r)
		}
	}
	if b.host != "" && len(view.Instances) == 0 {
		return
	}
	n, there := b.views[key.String()]
	if !there {
		n = len(b.Views)
		b.views[key.String()] = n
		b.Views = append(b.Views, view)
	}
	v := &b.Views[n]
	v.Seen += k.Seen
	if !slices.Contains(v.Callers, k.Text()) {
		v.Callers = append(v.Callers, k.Text())
	}
}

// noFailover reports whether the rule of an answer names further tiers than the
// first, and none of them has an instance.
func noFailover(in explain.Input) bool {
	return in.Why == route.WhyRouted && in.Route.NoFailover(explain.Instances(in.Callees))
}

// Text writes it for people.
func (r Who) Text(out io.Writer) {
	fmt.Fprintf(out, "%q\n", r.Service)
	for _, v := range r.Views {
		by := string(v.Answer)
		for _, word := range [][2]string{{"rule", v.Rule}, {"tier", v.Tier}, {"level", v.Level}} {
			if word[1] != "" {
				by += ", " + word[0] + " " + word[1]
			}
		}
		fmt.Fprintf(out, "\n%s: %d instances\n", by, len(v.Instances))
		fmt.Fprintf(out, "  for %s (%d asked lately)\n", shorten(plain(v.Callers), 6, "; "), v.Seen)
		writeReached(out, v.Instances)
	}
	if len(r.Unreached) > 0 {
		fmt.Fprintln(out, "\nno caller gets")
		writeReached(out, r.Unreached)
	}
	if len(r.NoFailover) > 0 {
		fmt.Fprintf(out, "\nthe only failover is empty for %s\n", strings.Join(plain(r.NoFailover), ", "))
	}
}

func writeReached(out io.Writer, list []Reached) {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, i := range list {
		state := "usable"
		if !i.Usable {
			state = "not usable"
		}
		fmt.Fprintf(t, "  %s:%d\t%s\t%s\n", explain.Plain(i.Host), i.Port,
			explain.Plain(explain.IdentityText(location.Identity{SET: location.SET(i.SET), Location: i.Location})), state)
	}
	t.Flush()
}

// plain makes texts that clients said of themselves fit for a terminal.
func plain(texts []string) []string {
	out := make([]string, len(texts))
	for i, s := range texts {
		out[i] = explain.Plain(s)
	}
	return out
}

// shorten joins the first few words and counts the rest.
func shorten(words []string, most int, by string) string {
	if len(words) <= most {
		return strings.Join(words, by)
	}
	return fmt.Sprintf("%s%s... %d more", strings.Join(words[:most], by), by, len(words)-most)
}
