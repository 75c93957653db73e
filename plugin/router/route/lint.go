package route

import (
	"slices"
	"strings"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

// Lint adds warnings to problems, about what loads and is still likely a mistake:
// rules that can never match, tiers that no mapping entry fills, SETs without a pool,
// SET names that are one letter apart or break the `naming`, evacuations of unknown
// places. Lint knows only the SETs of the mapping; instances can register others.
// Rules and table may be nil.
func (r *Rules) Lint(table *location.Table, problems *strict.Problems) {
	if r == nil {
		r = &Rules{}
	}
	l := &linter{rules: r, table: table, sets: collectSETs(table), problems: problems}
	for i, rule := range r.rules {
		l.warnUnreachable(rule, r.rules[:i])
	}
	for _, rule := range r.All() {
		l.warnUnfilledTiers(rule)
	}
	l.warnMissingPools()
	l.warnNames()
	l.warnEvacuations()
}

// linter compares rules and mapping.
type linter struct {
	rules    *Rules
	table    *location.Table
	sets     []*mappedSET
	problems *strict.Problems
}

// mappedSET is a SET name of the mapping files.
type mappedSET struct {
	name    location.SET
	entries int
	origin  *location.Origin // of the first entry
}

// collectSETs returns the SET names in the order of their first entries.
func collectSETs(table *location.Table) []*mappedSET {
	var out []*mappedSET
	byName, counted := map[location.SET]*mappedSET{}, map[*location.Origin]bool{}
	for _, found := range table.All() {
		facts := found.Facts()
		if facts.SET == "" || counted[facts.SETFrom] {
			continue
		}
		counted[facts.SETFrom] = true
		m := byName[facts.SET]
		if m == nil {
			m = &mappedSET{name: facts.SET, origin: facts.SETFrom}
			byName[facts.SET] = m
			out = append(out, m)
		}
		m.entries++
		if facts.SETFrom.Before(m.origin) {
			m.origin = facts.SETFrom
		}
	}
	slices.SortFunc(out, func(a, b *mappedSET) int {
		if a.origin.Before(b.origin) {
			return -1
		}
		return 1
	})
	return out
}

// warnRule warns at the origin of a rule.
func (l *linter) warnRule(r *Rule, format string, args ...any) {
	l.warn(r.File, r.Line, r.Col, format, args...)
}

// warnSET warns at the first mapping entry of a SET.
func (l *linter) warnSET(m *mappedSET, format string, args ...any) {
	l.warn(m.origin.File, m.origin.Line, 1, format, args...)
}

// warn adds a warning.
func (l *linter) warn(file string, line, col int, format string, args ...any) {
	l.problems.Add(strict.Warning(file, line, col, format, args...))
}

// warnUnreachable warns if a rule can never match.
func (l *linter) warnUnreachable(rule *Rule, earlier []*Rule) {
	for _, e := range earlier {
		if e.covers(rule) {
			l.warnRule(rule, "rule %q can never match: rule %q in %s:%d comes first and matches all that it does", rule.Name, e.Name, e.File, e.Line)
			return
		}
	}
	isAddress := func(p pattern) bool {
		_, ok := l.rules.addresses[p.exact]
		return p.isExact && ok
	}
	if !slices.ContainsFunc(rule.services, func(p pattern) bool { return !isAddress(p) }) {
		l.warnRule(rule, "rule %q can never match: a lane address, as %q, is its own rule", rule.Name, rule.services[0].exact)
		return
	}
	place := location.Location{Region: rule.when.region, Zone: rule.when.zone, Campus: rule.when.campus}
	if err := l.table.CheckLocation(place); err != nil {
		l.warnRule(rule, "rule %q can never match: %v", rule.Name, err)
	}
}

// warnUnfilledTiers warns of the tiers of a rule with a template that no mapping entry
// is in. A rule without a template routes callers as their own SETs, which fill its
// tiers.
func (l *linter) warnUnfilledTiers(rule *Rule) {
	if rule.SET == nil || len(rule.SET.Templates) == 0 || len(l.sets) == 0 {
		return
	}
	sets := l.routedAs(rule)
	if len(sets) == 0 {
		l.warnRule(rule, "rule %q: the template gives no caller of the mapping a SET, and callers without one are not kept apart", rule.Name)
		return
	}
	for _, tier := range rule.SET.Tiers {
		filled := func(s location.SET) bool {
			return slices.ContainsFunc(l.sets, func(m *mappedSET) bool { return tier.contains(s, m.name) })
		}
		if tier == TierUnset || slices.ContainsFunc(sets, filled) {
			continue
		}
		l.warnRule(rule, "rule %q: no mapping entry has a SET of tier %q of %q; only instances that register one themselves can fill it", rule.Name, tier, sets[0])
	}
}

// routedAs returns the SETs that a rule makes of the callers in the mapping.
func (l *linter) routedAs(rule *Rule) []location.SET {
	for _, t := range rule.SET.Templates {
		if set, ok := t.Literal(); ok {
			return []location.SET{set}
		}
	}
	var out []location.SET
	seen := map[location.SET]bool{"": true}
	for _, id := range l.table.Identities() {
		if rule.when.firstUnmetOfIdentity(id) != conditionNone {
			continue
		}
		for _, set := range strings.Fields(string(rule.SET.routeAs(id, l.rules.aliases))) {
			if !seen[location.SET(set)] {
				seen[location.SET(set)] = true
				out = append(out, location.SET(set))
			}
		}
	}
	return out
}

// warnMissingPools warns, once for each area, of SETs that would fail over to a pool
// that the mapping does not have.
func (l *linter) warnMissingPools() {
	mapped, reported := map[location.SET]bool{}, map[string]bool{}
	for _, m := range l.sets {
		mapped[m.name] = true
	}
	for _, m := range l.sets {
		area := m.name.AreaPrefix()
		if mapped[m.name.Pool()] || reported[area] {
			continue
		}
		rule := l.ruleIntoPool(m.name)
		if rule == nil && l.rules.Len() > 0 {
			continue
		}
		reported[area] = true
		failover := ""
		if rule != nil {
			failover = ", the failover that rule \"" + rule.Name + "\" has for it"
		}
		l.warnSET(m, "SET %q has no pool: no mapping entry has %q%s", m.name, m.name.Pool(), failover)
	}
}

// ruleIntoPool returns the first rule by which callers of a SET can get its pool, and
// nil if there is no such rule.
func (l *linter) ruleIntoPool(set location.SET) *Rule {
	for _, r := range l.rules.rules {
		if s := r.SET; s != nil && len(s.Templates) == 0 && slices.Contains(s.Tiers, TierPool) && r.when.matchesSET(set) {
			return r
		}
	}
	return nil
}
