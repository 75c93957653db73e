package route

import (
	"slices"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

// Remedy is what ends that callers of whose SET nothing is known get every business. It
// ends the warnings of that.
const Remedy = "defaults: {set: {unknown: none}} gives such callers nothing"

// LintUnknown adds one warning to problems if rules give every instance to callers of
// whose SET nothing is known, where the mapping has SETs of several businesses. Rules and
// table may be nil.
func (r *Rules) LintUnknown(table *location.Table, problems *strict.Problems) {
	if r == nil {
		return
	}
	l := newLinter(r, table, problems)
	if l.businesses < 2 {
		return
	}
	var first *Rule
	var given tally // under the first rule, or under the first by which the mapping has such callers
	count := 0
	for _, rule := range r.All() {
		if !r.givesEverything(rule) {
			continue
		}
		count++
		if first == nil || given.count == 0 {
			l.begin(rule)
			if known := l.givenEverything(rule); first == nil || known.count > 0 {
				first, given = rule, known
			}
		}
	}
	if count > 0 {
		l.warnUnknown(first, count, given)
	}
}

// warnUnknown warns of rules that give callers every business.
func (l *linter) warnUnknown(rule *Rule, rules int, given tally) {
	others, verb := "", "gives"
	if rules > 1 {
		others, verb = " and "+plural(rules-1, "other rule"), "give"
	}
	who := "whoever is in no mapping entry"
	if given.count > 0 {
		who = given.String()
	}
	l.warnRule(rule, "%s%s %s instances of every business to callers of whose SET nothing is known: %s; %s", rule.noun(), others, verb, who, Remedy)
}

// givesEverything reports whether a rule gives every instance to callers of whose SET
// nothing is known, and there can be such callers. A callee with fields has a warning of
// its own.
func (r *Rules) givesEverything(rule *Rule) bool {
	if rule.SET == nil || rule.SET.Unknown != UnknownAll || rule.SET.Callee {
		return false
	}
	var least location.Identity // what is known of every caller of the rule
	if rule.when.set != nil {
		least.SET = "a.b.c"
	}
	return rule.SET.routeAs(least, r.aliases) == ""
}

// givenEverything counts the callers of the mapping of whose SET a rule knows nothing.
func (l *linter) givenEverything(rule *Rule) (given tally) {
	if l.isForAll() && len(rule.SET.Templates) == 0 {
		return l.withoutSET
	}
	l.each(func(id location.Identity) {
		if rule.SET.routeAs(id, l.rules.aliases) == "" {
			given.add(id)
		}
	})
	return given
}

// MayBeUnknown reports whether a rule with a SET stage can know nothing of the SET of
// a caller. What {each} stands for depends on the instances.
func (r *Rules) MayBeUnknown(rule *Rule, caller location.Identity) bool {
	return rule.SET != nil && (rule.SET.routeAs(caller, r.aliases) == "" || slices.ContainsFunc(rule.SET.Templates, (*Template).usesEach))
}
