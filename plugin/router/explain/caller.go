package explain

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/polaris-contrib/setrouter/internal/table"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

// Caller is a caller, with what is known of it. The admin listener answers to `lookup`
// with its JSON.
type Caller struct {
	Address string `json:"address"`
	Facts   []Fact `json:"facts"`
	Text    string `json:"text"` // SETs and location in one line
	// Instances is how many instances are registered at the address. It is 0 if the
	// source registry is not configured.
	Instances int `json:"instances"`
	// Disagreements are the fields in which the instances at the address differ.
	Disagreements []Disagreement `json:"disagreements,omitempty"`
	// Ignored are the names of SETs that instances at the address registered and that
	// do not count.
	Ignored []Statement `json:"ignored,omitempty"`
	// Proxy is set if the address is a trusted proxy's.
	Proxy *Proxy `json:"proxy,omitempty"`
}

// Proxy is a trusted proxy.
type Proxy struct {
	Header string `json:"header"` // by which it names the callers behind it
	// Untold are the requests from there in the last minutes whose caller cannot be told.
	Untold []Untold `json:"untold"`
}

// Untold are requests of a peer whose caller cannot be told. They get no list of a
// routed service.
type Untold struct {
	Peer     string `json:"peer"`   // empty: the listener does not tell
	Reason   string `json:"reason"` // no-peer, empty, unreadable, other-header or proxy-local
	Why      string `json:"why"`    // the reason in words
	Requests uint64 `json:"requests"`
}

// Disagreement is a field in which the instances at a caller's address differ.
type Disagreement struct {
	Field string `json:"field"` // set, region, zone or campus
	// Decisive is true if the difference says what the caller is: it has several SETs,
	// or its place is not known so far. Else another source knows the field.
	Decisive  bool        `json:"decisive"`
	Instances []Statement `json:"instances"` // all that say something of the field
}

// Statement is what an instance says of itself.
type Statement struct {
	Service string `json:"service"`
	Host    string `json:"host"`
	Port    uint32 `json:"port"`
	Says    string `json:"says"` // a SET, a location, or a sentence
}

// Fact is a field of an identity, with its origin. A caller with several SETs has a fact
// for each.
type Fact struct {
	Field string `json:"field"`
	Value string `json:"value"`
	From  string `json:"from"` // the origin, that is the following fields, in words
	// Source is mapping, kubernetes, registry, report, default, override or registered.
	Source string `json:"source"`
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Match  string `json:"match,omitempty"` // as the entry has it, or the pod or node
}

// Registration is what an instance at the address of a caller registered.
type Registration struct {
	Service string
	Host    string
	Port    uint32
	location.Record
	Ignored []location.IgnoredSET
}

// SortRegistrations sorts registrations by service, host and port.
func SortRegistrations(list []Registration) {
	slices.SortFunc(list, func(a, b Registration) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Host, b.Host), cmp.Compare(a.Port, b.Port))
	})
}

// NewCaller returns what explanations say of a caller. The address is normalised. The
// registrations are those at the address, in the order in which they are to be named;
// nil without the source registry.
func NewCaller(addr netip.Addr, f location.Facts, registrations []Registration) Caller {
	c := Caller{Facts: FactsOf(f), Text: IdentityText(f.Identity), Instances: len(registrations)}
	if addr.IsValid() {
		c.Address = addr.String()
	}
	for _, r := range registrations {
		for _, name := range r.Ignored {
			c.Ignored = append(c.Ignored, r.statement(name.Why))
		}
	}
	c.addDisagreements(f, registrations)
	return c
}

// statement returns what the instance says.
func (r Registration) statement(says string) Statement {
	return Statement{r.Service, r.Host, r.Port, says}
}

// levelFields are the fields of a location, from wide to narrow.
var levelFields = [...]string{"region", "zone", "campus"}

// addDisagreements adds the fields in which the registrations that count differ.
func (c *Caller) addDisagreements(f location.Facts, registrations []Registration) {
	records := make([]location.Record, len(registrations))
	for n, r := range registrations {
		records[n] = r.Record
	}
	healthy := location.CountHealthy(records)
	counts := func(r location.Record) bool { return r.Healthy == healthy }
	add := func(field string, decisive bool, says func(location.Record) (value, shown string)) {
		d := Disagreement{Field: field, Decisive: decisive}
		for _, r := range registrations {
			if value, shown := says(r.Record); value != "" && counts(r.Record) {
				d.Instances = append(d.Instances, r.statement(shown))
			}
		}
		c.Disagreements = append(c.Disagreements, d)
	}
	if len(location.CommonFacts(records, nil).SETs) > 0 {
		decisive := len(f.SETs) > 0 && f.SETFrom.Source == location.SourceRegistry
		add("set", decisive, func(r location.Record) (string, string) { return string(r.SET), string(r.SET) })
	}
	records = slices.DeleteFunc(records, func(r location.Record) bool { return !counts(r) })
	if level := location.FirstDifference(records); level < len(levelFields) {
		add(levelFields[level], f.Level(level) == "", func(r location.Record) (string, string) { return r.Level(level), r.Location.String() })
	}
}

// Identity writes what is known of a caller, and which instances at its address
// disagree, for people.
func (c Caller) Identity(w io.Writer) {
	if len(c.Facts) == 0 {
		fmt.Fprintf(w, "  nothing is known of this address: no mapping, no pod, %s\n", c.whyUnknown())
	}
	WriteFacts(w, c.Facts)
	c.Proxy.write(w)
	for _, d := range c.Disagreements {
		note := ""
		if !d.Decisive {
			note = ", which changes nothing: another source decides"
		}
		fmt.Fprintf(w, "  the instances at this address differ in their %s%s\n", d.Field, note)
		writeStatements(w, d.Instances, Plain)
	}
	if len(c.Ignored) > 0 {
		fmt.Fprintln(w, "  names that instances at this address registered, and that do not count")
		writeStatements(w, c.Ignored, asSaid)
	}
}

// write writes what is known of a trusted proxy, for people.
func (p *Proxy) write(w io.Writer) {
	if p == nil {
		return
	}
	fmt.Fprintf(w, "  this address is a trusted proxy: with %s it asks for the caller that it names, without one for itself\n", p.Header)
	t := table.New(w)
	for _, u := range p.Untold {
		fmt.Fprintf(t, "    %s lately with no list of a routed service, as the caller cannot be told\t%s\n", count(int(u.Requests), "request"), u.Why)
	}
	t.Flush()
}

// whyUnknown says why instances and reports make nothing known.
func (c Caller) whyUnknown() string {
	switch {
	case c.Instances == 0:
		return "no instance of its own, no report"
	case len(c.Disagreements) == 0:
		return fmt.Sprintf("no report, and its own instances (%d) say nothing of SET and place", c.Instances)
	}
	return fmt.Sprintf("no report, and its own instances (%d) agree on nothing", c.Instances)
}

// statementsShown bounds how many instances a text names: a gateway may have thousands.
const statementsShown = 20

// asSaid returns a sentence that quotes already what a client said.
func asSaid(sentence string) string { return sentence }

// writeStatements writes what instances say, one a line. Show makes what they say fit
// for a terminal.
func writeStatements(w io.Writer, list []Statement, show func(string) string) {
	t := table.New(w)
	for _, s := range list[:min(len(list), statementsShown)] {
		fmt.Fprintf(t, "    %s\t%s:%d\t%s\n", Plain(s.Service), Plain(s.Host), s.Port, show(s.Says))
	}
	t.Flush()
	if more := len(list) - statementsShown; more > 0 {
		fmt.Fprintf(w, "    and %d more\n", more)
	}
}

// FactsOf lists the known fields of an address, each with its origin.
func FactsOf(f location.Facts) []Fact {
	out := []Fact{}
	add := func(field, value string, origin *location.Origin) {
		if origin == nil {
			origin = &location.Origin{}
		}
		if value != "" {
			out = append(out, Fact{field, value, origin.String(), origin.Source, origin.File, origin.Line, origin.Match})
		}
	}
	add("region", f.Region, f.RegionFrom)
	add("zone", f.Zone, f.ZoneFrom)
	add("campus", f.Campus, f.CampusFrom)
	for _, set := range f.AllSETs() {
		add("set", string(set), f.SETFrom)
	}
	if f.Shared != nil {
		add("shared", "true", f.Shared)
	}
	for _, key := range slices.Sorted(maps.Keys(f.Labels)) {
		add("label."+key, f.Labels[key], f.LabelFrom(key))
	}
	return out
}

// WriteFacts writes facts for people, one a line.
func WriteFacts(w io.Writer, facts []Fact) {
	t := table.New(w)
	for _, f := range facts {
		fmt.Fprintf(t, "  %s\t%s\tfrom %s\n", f.Field, Plain(f.Value), f.From)
	}
	t.Flush()
}

// IdentityText returns the SETs and the location in one line, with "-" for what is
// unknown.
func IdentityText(id location.Identity) string {
	var sets []string
	for _, s := range id.AllSETs() {
		sets = append(sets, string(s))
	}
	set, place := strings.Join(sets, " "), id.Location.String()
	if set == "" {
		set = "-"
	}
	if place == "" {
		place = "-"
	}
	return set + " in " + place
}
