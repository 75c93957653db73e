package route

import (
	"slices"
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
	}
	for _, file := range files {
		if root, ok := strict.ParseYAML(file, problems); ok {
			l.file(root)
		}
	}
	l.crossChecks()
	slices.SortStableFunc(l.rules.evacuations, func(a, b Evacuation) int { return b.Until.Compare(a.Until) })
	if problems.Err() != nil {
		return nil
	}
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
	fields := root.Fields("version", "naming", "aliases", "rules", "addresses", "evacuate")
	strict.Version(root, fields)
	if n, given := fields["naming"]; given {
		l.readNaming(n)
	}
	if n, given := fields["aliases"]; given {
		l.readAliases(n)
	}
	if n, given := fields["rules"]; given {
		for _, item := range n.Items() {
			l.readRule(item)
		}
	}
	if n, given := fields["addresses"]; given {
		for _, item := range n.Items() {
			l.readAddress(item)
		}
	}
	if n, given := fields["evacuate"]; given {
		for _, item := range n.Items() {
			l.readEvacuation(item)
		}
	}
}

func (l *loader) readAliases(n strict.Node) {
	for _, e := range n.Entries() {
		from := e.Key.Raw()
		to, ok := e.Value.Text()
		if !ok {
			continue
		}
		if to == "" {
			e.Value.Errorf("alias %q is empty, expected the text to put in its place", from)
			continue
		}
		if first, twice := l.origin[from]; twice && l.rules.aliases[from] != to {
			e.Key.Errorf("alias %q is %q here and %q in %s:%d, expected one meaning", from, to, l.rules.aliases[from], first.File(), first.Line())
			continue
		}
		l.rules.aliases[from], l.origin[from] = to, e.Key
	}
}

func (l *loader) readRule(n strict.Node) {
	fields := n.Fields("name", "service", "when", "set", "nearby", "degrade", "onEmpty", "mode", "rollout")
	rule := newRule(n)
	if name, given := fields["name"]; given {
		var ok bool
		if rule.Name, ok = name.Text(); ok {
			l.checkName(rule, name)
		}
	} else {
		n.Errorf("the rule has no name, expected name: some-name, unique across all files")
	}
	if service, given := fields["service"]; given {
		rule.services = readServices(service)
	} else {
		n.Errorf("the rule has no service, expected service: namespace/name")
	}
	if when, given := fields["when"]; given {
		rule.when = readWhen(when)
	}
	l.readStages(rule, fields, []Tier{TierOwn, TierPool})
	l.rules.rules = append(l.rules.rules, rule)
}

func (l *loader) checkName(rule *Rule, at strict.Node) {
	if rule.Name == "" {
		at.Errorf("the rule's name is empty, expected one that is unique across all files")
		return
	}
	if first, twice := l.names[rule.Name]; twice {
		at.Errorf("rule name %q is given twice, first in %s:%d", rule.Name, first.File, first.Line)
		return
	}
	l.names[rule.Name] = rule
}

// readAddress reads a lane address: a rule under the name of its service.
func (l *loader) readAddress(n strict.Node) {
	fields := n.Fields("service", "target", "set", "nearby", "degrade", "onEmpty", "mode", "rollout")
	address := newRule(n)
	service, ok := readService(n, fields, "service")
	address.Name = service.String()
	target, targetOK := readService(n, fields, "target")
	address.Target = target
	if _, given := fields["set"]; !given {
		n.Errorf("the address has no set, expected set: {callee: business.area.group}")
	}
	l.readStages(address, fields, []Tier{TierOwn})
	if !ok || !targetOK {
		return
	}
	if first, twice := l.rules.addresses[service]; twice {
		fields["service"].Errorf("address %q is given twice, first in %s:%d", service, first.File, first.Line)
		return
	}
	l.rules.addresses[service] = address
	l.targets = append(l.targets, targetAt{address, fields["target"]})
}

func newRule(n strict.Node) *Rule {
	return &Rule{
		File: n.File(), Line: n.Line(), Col: n.Col(),
		Degrade: Degrade{UnhealthyPercent: 100, MinUsable: 1, HoldDown: DefaultHoldDown},
		Rollout: FullRollout,
	}
}

// readService reads a service that stands for itself, without globs.
func readService(n strict.Node, fields map[string]strict.Node, key string) (Service, bool) {
	at, given := fields[key]
	if !given {
		n.Errorf("the address has no %s, expected %s: namespace/name", key, key)
		return Service{}, false
	}
	s, ok := at.Text()
	if !ok {
		return Service{}, false
	}
	service, err := ParseService(s)
	if err != nil {
		at.Errorf("%v", err)
	}
	return service, err == nil
}

func readServices(n strict.Node) []pattern {
	var out []pattern
	items := n.OneOrItems()
	for _, item := range items {
		s, ok := item.Text()
		if !ok {
			continue
		}
		p, err := parsePattern(s)
		if err != nil {
			item.Errorf("%v", err)
			continue
		}
		out = append(out, p)
	}
	if len(items) == 0 {
		n.Errorf("the list is empty, expected at least one service")
	}
	return out
}

// crossChecks are those that need every file.
func (l *loader) crossChecks() {
	for _, t := range l.targets {
		if next, is := l.rules.addresses[t.address.Target]; is {
			if next == t.address {
				t.at.Errorf("target %q is the address itself, expected a real service", t.address.Target)
			} else {
				t.at.Errorf("target %q is itself an address, in %s:%d, expected a real service", t.address.Target, next.File, next.Line)
			}
		}
	}
	for _, t := range l.templates {
		if t.usesAlias() && len(l.rules.aliases) == 0 && !l.part {
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
