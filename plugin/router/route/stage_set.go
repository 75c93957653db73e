package route

import (
	"fmt"

	"github.com/polaris-contrib/setrouter/internal/strict"
)

// SETStage is the `set:` of a rule (docs/design.md, 5.1 and 5.2).
type SETStage struct {
	// Templates are the SETs to route as: one for `caller` and `callee`, any number
	// for `callers`. Without templates, callers are routed as their own SETs.
	Templates []*Template
	// Callee is true for `callee`: the caller asks for that SET by its name.
	Callee  bool
	Tiers   []Tier // in the order of the roads
	Unknown Unknown

	callers bool // the templates are `callers`
}

// Unknown is what callers get whose SET is not known whole.
type Unknown string

// The words of `unknown`.
const (
	UnknownAll   Unknown = "all"   // what is known binds; of whom nothing is known gets every instance
	UnknownUnset Unknown = "unset" // the instances without a SET
	UnknownNone  Unknown = "none"  // an empty list
)

var unknownWords = []string{string(UnknownAll), string(UnknownUnset), string(UnknownNone)}

// readSET reads the SET stage of a rule or lane address.
func (l *loader) readSET(n strict.Node, isAddress bool) *SETStage {
	before := n.Faults()
	if !isAddress {
		n.NotNull("{} for the defaults")
	}
	stage := &SETStage{}
	own := setValues{}
	values := n.Bind(append([]strict.Key{
		strict.Optional("caller", "A template of the SET that the caller is routed as. Without `caller`, `callers` and `callee` it is the caller's own.",
			func(n strict.Node) { stage.Templates = l.readTemplates(n, false) }),
		strict.Optional("callers", "Templates of several SETs that the caller is routed as. The answer is all their lists together. At most 64.",
			func(n strict.Node) { stage.Templates, stage.callers = l.readCallers(n), true }),
		strict.Optional("callee", "A template of the SET that is asked for by its name. Without `tiers` there is the tier `own` alone.",
			func(n strict.Node) { stage.Templates, stage.Callee = l.readTemplates(n, false), true }),
	}, setKeys(&own)...)...)
	var given []string
	for _, key := range []string{"caller", "callers", "callee"} {
		if values.Has(key) {
			given = append(given, key)
		}
	}
	switch {
	case len(given) > 1:
		values[given[1]].Errorf("%s and %s are both given, expected one: callee asks for that SET by name, caller is the SET to route as, callers are several", given[0], given[1])
	case len(given) == 0 && isAddress && n.Faults() == before:
		n.Errorf("the address has no callee, expected set: {callee: business.area.group}, or caller: or callers:")
	}
	l.defaults.set.over(own, stage)
	return stage
}

// setKeys returns the keys of a SET stage that may have defaults.
func setKeys(values *setValues) []strict.Key {
	var unknown strict.Node
	return []strict.Key{
		strict.Optional("tiers", "The groups of instances to try, in their order.", func(n strict.Node) { values.tiers = readTiers(n) }),
		strict.Optional("unknown", "What a caller gets whose SET is not known whole: what is known binds (`all`), instances without a SET (`unset`), or an empty list (`none`).",
			func(n strict.Node) {
				unknown = n
				word, _ := n.Word(unknownWords...)
				values.unknown = Unknown(word)
			}),
		strict.Optional("required", "The older spelling of `unknown`: `true` is `none`, `false` is `all`. It excludes `unknown`.",
			func(n strict.Node) {
				if unknown != (strict.Node{}) {
					n.Errorf("unknown and required are both given, expected unknown: %s", unknown.Raw())
					return
				}
				values.unknown = UnknownAll
				if required, _ := n.Bool(); required {
					values.unknown = UnknownNone
				}
			}),
	}
}

// maxCallers is how many elements `callers` has at most.
const maxCallers = 64

// readCallers reads the SETs of a caller that has several.
func (l *loader) readCallers(n strict.Node) []*Template {
	before := n.Faults()
	items := n.OneOrItems()
	switch {
	case n.Faults() > before:
		return nil
	case len(items) == 0:
		n.Errorf("the list of callers is empty, expected SETs, as [\"qb.{each}.h\", ams.SH.1]")
	case len(items) > maxCallers:
		n.Errorf("found %d callers, expected at most %d; {each} stands for every name that the instances have", len(items), maxCallers)
		return nil
	}
	return l.readTemplates(n, true)
}

// readTemplates reads a template or a list of templates. Each says whether {each} may
// be in them.
func (l *loader) readTemplates(n strict.Node, each bool) []*Template {
	var items []strict.Node
	if each {
		items = n.OneOrItems()
	} else {
		items = []strict.Node{n}
	}
	var out []*Template
	for _, item := range items {
		if t := l.readTemplate(item, each); t != nil {
			out = append(out, t)
		}
	}
	return out
}

func (l *loader) readTemplate(n strict.Node, each bool) *Template {
	s, ok := n.Text()
	n.Form("template")
	if !ok {
		return nil
	}
	t, err := ParseTemplate(s)
	if err == nil && t.usesEach() && !each {
		err = fmt.Errorf("template %q: {each} gives several SETs, expected callers: [%q]", s, s)
	}
	if err != nil {
		n.Errorf("%v", err)
		return nil
	}
	l.templates = append(l.templates, templateAt{t, n})
	return t
}

func readTiers(n strict.Node) []Tier {
	before := n.Faults()
	items := n.Items()
	if len(items) == 0 && n.Faults() == before {
		n.Errorf("the list of tiers is empty, expected one or more of %s", quoteList(tierWords))
	}
	var tiers []Tier
	seen := map[string]bool{}
	for _, item := range items {
		word, ok := item.Word(tierWords...)
		if !ok {
			continue
		}
		if seen[word] {
			item.Errorf("tier %q is given twice, expected each once", word)
		}
		seen[word] = true
		tiers = append(tiers, Tier(word))
	}
	return tiers
}
