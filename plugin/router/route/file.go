package route

import (
	"strings"
	"time"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

// Load reads routing files (README.md has the format). Every fault goes to
// problems, and Load returns nil if there is one. An evacuation may not end
// more than MaxEvacuation after now.
func Load(files []strict.File, now time.Time, problems *strict.Problems) *Rules {
	return loadFiles(files, false, now, problems)
}

// LoadPart reads one of several files: it does not miss the aliases that another
// of them may have.
func LoadPart(file strict.File, now time.Time, problems *strict.Problems) *Rules {
	return loadFiles([]strict.File{file}, true, now, problems)
}

func loadFiles(files []strict.File, part bool, now time.Time, problems *strict.Problems) *Rules {
	l := loader{
		part:   part,
		now:    now,
		rules:  &Rules{addresses: map[Service]*Rule{}, aliases: map[string]string{}},
		names:  map[string]*Rule{},
		origin: map[string]strict.Node{},

		maps: map[string]*PlaceMap{}, references: map[strict.Node][]*NearbyStage{}, begins: map[time.Time]bool{},
	}
	var roots []strict.Node
	for _, file := range files {
		if root, ok := strict.ParseYAML(file, problems); ok {
			roots = append(roots, root)
			if n, ok := root.Find("defaults"); ok { // before the rules of all files
				l.readDefaults(n)
			}
		}
	}
	for _, root := range roots {
		l.file(root)
	}
	l.crossChecks()
	if problems.Err() != nil {
		return nil
	}
	l.rules.evacuations = newEvacuationTable(l.evacuations)
	l.rules.index = newIndex(l.rules.rules)
	return l.rules
}

// loader reads several files into one set of rules.
type loader struct {
	part      bool // there are other files
	now       time.Time
	rules     *Rules
	names     map[string]*Rule       // rules by name
	origin    map[string]strict.Node // where an alias was given
	naming    *naming
	templates []templateAt
	targets   []targetAt

	hasAliases  bool // some file has aliases, faulty ones included
	defaults    defaults
	maps        map[string]*PlaceMap
	references  map[strict.Node][]*NearbyStage // the stages of each reference to a map
	evacuations []Evacuation
	begins      map[time.Time]bool // of evacuations
}

type templateAt struct {
	*Template
	at strict.Node
}

type targetAt struct {
	address *Rule
	at      strict.Node
}

func (l *loader) file(root strict.Node) {
	root.Bind(
		strict.Version(),
		strict.Optional("defaults", "What rules and addresses do not say themselves. It can stand in one file.", strict.Ignore), // read before
		strict.Optional("naming", "What the company's SET names look like. A rule that breaks it is refused; for mapping and instances it is a warning. It can stand in one file.",
			l.readNaming),
		strict.Optional("aliases", "Texts to put in the place of others where a template says `|alias`.", l.readAliases),
		strict.Optional("places", "Maps of roads between places, by their names. A map has for each place, or `\"*\"`, the places and levels to go on to; a list in the list is one road.",
			l.readPlaces),
		strict.Optional("rules", "The rules. The first that matches decides.", strict.Each(l.readRule)),
		strict.Optional("addresses", "Lane addresses: names of services that stand for a SET of another service.", strict.Each(l.readAddress)),
		strict.Optional("evacuate", "Places and SETs that are taken out for a time.", strict.Each(l.readEvacuation)),
	)
}

func (l *loader) readAliases(n strict.Node) {
	n.NotNull("no key aliases")
	entries := n.Entries()
	l.hasAliases = l.hasAliases || n.Null() || len(entries) > 0
	for _, e := range entries {
		alias := e.Key.Raw()
		meaning, ok := e.Value.Text()
		if !ok {
			continue
		}
		if meaning == "" {
			e.Value.Errorf("alias %q is empty, expected the text to put in its place", alias)
			continue
		}
		if first, ok := l.origin[alias]; ok && l.rules.aliases[alias] != meaning {
			e.Key.Errorf("alias %q is %q here and %q in %s:%d, expected one meaning", alias, meaning, l.rules.aliases[alias], first.File(), first.Line())
			continue
		}
		if !location.IsSegment(meaning) && meaning != "*" && !isSET(meaning) {
			l.remark(e.Value, "alias %q is %q, which is no segment of a SET name: a template with it counts as empty there", alias, meaning)
		}
		if _, ok := l.origin[alias]; !ok {
			l.rules.aliasKeys = append(l.rules.aliasKeys, e.Key)
		}
		l.rules.aliases[alias], l.origin[alias] = meaning, e.Key
	}
}

// isSET reports whether a text is a SET name: an alias of one stands for {caller.set|alias}.
func isSET(text string) bool {
	_, err := location.ParseSET(text)
	return err == nil
}

// remark notes a warning at a value, which Lint adds to its own.
func (l *loader) remark(n strict.Node, format string, args ...any) {
	l.rules.remarks = append(l.rules.remarks, strict.Warning(n.File(), n.Line(), n.Col(), format, args...))
}

func (l *loader) readRule(n strict.Node) {
	rule, degrade := l.newRule(n), degradeValues{}
	values := n.Bind(append([]strict.Key{
		strict.Required("name", "The name of the rule, unique in all files.",
			"the rule has no name, expected name: some-name, unique across all files", func(n strict.Node) {
				var ok bool
				if rule.Name, ok = n.Text(); ok {
					l.checkName(rule, n)
				}
			}),
		strict.Required("service", "The services that the rule is for: `namespace/name`, with the globs `*` and `?`, or a list of those.",
			"the rule has no service, expected service: namespace/name", func(n strict.Node) { rule.services = l.readServices(n) }),
		strict.Optional("when", "Which callers the rule is for. All conditions must hold. An empty text is no condition.",
			func(n strict.Node) { rule.when = readWhen(n) }),
		strict.Optional("set", "Routes by SET. `{}` has the defaults; without the key SETs mean nothing.",
			func(n strict.Node) { rule.SET = l.readSET(n, false) }),
	}, l.ruleKeys(rule, &degrade)...)...)
	rule.Degrade = l.degrade(rule, degrade)
	l.rules.rules = append(l.rules.rules, rule)
	l.remarkStages(n, rule, values)
}

// remarkStages warns of a rule without stages that has keys for stages.
func (l *loader) remarkStages(n strict.Node, rule *Rule, values strict.Values) {
	if rule.SET != nil || rule.Nearby != nil {
		return
	}
	key, ok := firstOf(values, "order", "degrade", "onEmpty", "rollout")
	if rule.Shadow && !ok {
		key, ok = "mode: shadow", true
	}
	if ok {
		l.remark(n, "rule %q has %s, and neither set nor nearby: its callers get every instance; is set: {} missing?", rule.Name, key)
	}
}

func (l *loader) checkName(rule *Rule, at strict.Node) {
	if rule.Name == "" {
		at.Errorf("the rule's name is empty, expected one that is unique across all files")
		return
	}
	if first, ok := l.names[rule.Name]; ok {
		at.Errorf("rule name %q is given twice, first in %s:%d", rule.Name, first.File, first.Line)
		return
	}
	l.names[rule.Name] = rule
}

// readAddress reads a lane address: a rule under the name of its service.
func (l *loader) readAddress(n strict.Node) {
	address, degrade := l.newRule(n), degradeValues{}
	var service, target Service
	values := n.Bind(append([]strict.Key{
		strict.Required("service", "The name that clients ask for.",
			"the address has no service, expected service: namespace/name", func(n strict.Node) { service = l.readService(n) }),
		strict.Required("target", "The service whose instances they get.",
			"the address has no target, expected target: namespace/name", func(n strict.Node) { target = l.readService(n) }),
		strict.Required("set", "The SET that the address stands for.",
			"the address has no set, expected set: {callee: business.area.group}", func(n strict.Node) { address.SET = l.readSET(n, true) }),
	}, l.ruleKeys(address, &degrade)...)...)
	address.Degrade = l.degrade(address, degrade)
	address.Name, address.Target = service.String(), target
	if service == (Service{}) || target == (Service{}) {
		return
	}
	if first, ok := l.rules.addresses[service]; ok {
		values["service"].Errorf("address %q is given twice, first in %s:%d", service, first.File, first.Line)
		return
	}
	l.rules.addresses[service] = address
	l.targets = append(l.targets, targetAt{address, values["target"]})
}

// newRule returns a rule with the defaults that no stage has.
func (l *loader) newRule(n strict.Node) *Rule {
	return &Rule{
		File: n.File(), Line: n.Line(), Col: n.Col(), Rollout: FullRollout,
		NearbyFirst: l.defaults.nearbyFirst, OnEmptyAll: l.defaults.onEmptyAll,
	}
}

// ReadService reads a service that stands for itself, without globs: a text, or
// {namespace: team/x, name: svc}. It returns the zero value after a fault.
func ReadService(n strict.Node) Service {
	if n.IsMapping() {
		p, ok := readServiceParts(n)
		n.Form("service")
		if ok && !p.isExact {
			n.Errorf("service %q has a wildcard, expected one service, as default/server-b", p)
		}
		return p.exact
	}
	text, ok := n.Text()
	n.Form("service")
	if !ok {
		return Service{}
	}
	service, err := ParseService(text)
	if err != nil {
		n.Errorf("%v", err)
		return Service{}
	}
	return service
}

// readService is ReadService in a routing file.
func (l *loader) readService(n strict.Node) Service {
	if !n.IsMapping() {
		l.noteSlashes(n)
	}
	return ReadService(n)
}

func (l *loader) readServices(n strict.Node) []pattern {
	var out []pattern
	items := []strict.Node{n}
	if !n.IsMapping() {
		items = n.OneOrItems()
	}
	for _, item := range items {
		if item.IsMapping() {
			if p, ok := readServiceParts(item); ok {
				out = append(out, p)
			}
			item.Form("service")
			continue
		}
		s, ok := item.Text()
		item.Form("service")
		if !ok {
			continue
		}
		p, err := parsePattern(s)
		if err != nil {
			item.Errorf("%v", err)
			continue
		}
		l.noteSlashes(item)
		out = append(out, p)
	}
	if len(items) == 0 {
		n.Errorf("the list is empty, expected at least one service")
	}
	return out
}

// readServiceParts reads {namespace: team/x, name: svc}: both may have a slash.
func readServiceParts(n strict.Node) (p pattern, ok bool) {
	var namespace, name string
	before := n.Faults()
	n.Bind(
		strict.Required("namespace", "The namespace of the service, where a text would be ambiguous for its slash.",
			"the service has no namespace, expected {namespace: team/x, name: svc}", strict.Text(&namespace)),
		strict.Required("name", "The name of the service.", "the service has no name, expected {namespace: team/x, name: svc}", strict.Text(&name)),
	)
	if (namespace == "" || name == "") && n.Faults() == before {
		n.Errorf("the service's namespace or name is empty, expected {namespace: team/x, name: svc}")
	}
	return newPattern(namespace, name), n.Faults() == before
}

// crossChecks are those that need every file.
func (l *loader) crossChecks() {
	l.resolvePlaces()
	for _, t := range l.targets {
		if next, ok := l.rules.addresses[t.address.Target]; ok {
			if next == t.address {
				t.at.Errorf("target %q is the address itself, expected a real service", t.address.Target)
			} else {
				t.at.Errorf("target %q is itself an address, in %s:%d, expected a real service", t.address.Target, next.File, next.Line)
			}
		}
	}
	for _, t := range l.templates {
		if t.usesAlias() && !l.hasAliases && !l.part {
			t.at.Errorf("the template uses |alias, but no file has aliases: {from: to}")
		}
		if set, ok := t.Literal(); ok && l.naming != nil {
			if err := l.naming.check(set); err != nil {
				t.at.Errorf("%v", err)
			}
		}
	}
}

// Naming returns a check of SET names against the `naming` of the routing
// files: nil for names that keep to it, and for all without one.
func (r *Rules) Naming() func(location.SET) error {
	if r == nil || r.naming == nil {
		return func(location.SET) error { return nil }
	}
	return r.naming.check
}

func quoteList(words []string) string { return strings.Join(words, ", ") }
