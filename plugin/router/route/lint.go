package route

import (
	"slices"
	"strings"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

// Lint adds warnings to problems, about what loads and is still likely a mistake:
// rules that can never match, tiers that no mapping entry fills, a mapping without SETs,
// SETs without a pool, roads that end before the pool, maps that do not fit the mapping,
// SET names that break the `naming`, names of SETs, places and aliases that look alike,
// entries that are given twice, evacuations of unknown places. Lint knows only the SETs and places of the mapping;
// instances can register others. Rules and table may be nil.
func (r *Rules) Lint(table *location.Table, problems *strict.Problems) {
	if r == nil {
		r = &Rules{}
	}
	l := newLinter(r, table, problems)
	for _, remark := range slices.Concat(r.remarks, table.Warnings()) {
		problems.Add(remark)
	}
	for _, rule := range r.All() {
		covering := l.begin(rule)
		l.warnServices(rule)
		l.warnWhenPlaces(rule)
		if !rule.IsAddress() && (l.warnUnreachable(rule, covering) || l.warnNever(rule)) {
			continue
		}
		l.warnOthers(rule)
		if !l.warnTemplates(rule) {
			l.warnUnfilledTiers(rule)
		}
		l.warnPoolBehindRoads(rule)
		l.warnKnownLess(rule)
		l.noteIntoPool(rule)
		l.noteMap(rule)
	}
	l.warnSlashes()
	l.warnMaps()
	l.warnNoSETs()
	l.warnMissingPools()
	l.warnNames()
	l.warnEvacuations()
}

// linter compares rules and mapping.
type linter struct {
	reach
	rules    *Rules
	sets     []*mappedSET
	problems *strict.Problems

	mapped     *Callee                                  // an instance of each of the sets
	businesses int                                      // in the sets
	pools      map[location.SET][]location.Location     // where the mapping has pools
	withoutSET tally                                    // callers of the mapping without a SET
	cutOffs    map[NearbyStage]cutOff                   // of rules for every caller
	intoPool   map[location.SET]*Rule                   // the first rule by which callers of a SET can get its pool
	mapPlaces  map[*PlaceMap]map[location.Location]bool // of the callers of the rules with a map
	named      *[3][]*mappedPlace                       // places of the mapping, by level; nil until they are needed
}

// newLinter returns a linter.
func newLinter(rules *Rules, table *location.Table, problems *strict.Problems) *linter {
	l := &linter{
		reach: reach{table: table}, rules: rules, sets: collectSETs(table), problems: problems,
		pools: map[location.SET][]location.Location{}, cutOffs: map[NearbyStage]cutOff{},
		intoPool: map[location.SET]*Rule{}, mapPlaces: map[*PlaceMap]map[location.Location]bool{},
	}
	seen := map[string]bool{}
	instances := make([]Instance, len(l.sets))
	for n, m := range l.sets {
		seen[m.name.Segment(1)], instances[n].SET = true, m.name
	}
	l.businesses, l.mapped = len(seen), NewCallee(instances)
	for _, id := range table.Identities() {
		if id.SET == "" {
			l.withoutSET.add(id)
		} else if id.SET.IsPool() && id.Region != "" {
			l.pools[id.SET] = append(l.pools[id.SET], id.Location)
		}
	}
	return l
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

// rulesFor returns the rules that may be for all services of a rule, in their order.
func (l *linter) rulesFor(rule *Rule) (out []*Rule) {
	if len(rule.services) == 0 || !rule.services[0].isExact {
		return l.rules.rules
	}
	found := l.rules.index.search(Name{Service: rule.services[0].exact})
	for next := found.next(); next != nil; next = found.next() {
		out = append(out, next)
	}
	return out
}

// begin begins with a rule. It returns an earlier rule that takes every request of the
// rule, if there is one.
func (l *linter) begin(rule *Rule) (covering *Rule) {
	l.reach.begin(rule)
	if rule.IsAddress() {
		return nil
	}
	for _, e := range l.rulesFor(rule) {
		switch {
		case e == rule:
			return nil
		case !e.isFor(rule):
			continue
		}
		l.earlier = append(l.earlier, e)
		if e.when.covers(rule.when) {
			return e
		}
	}
	return nil
}

// warnUnreachable warns if a rule can never match. It reports whether there is a
// warning.
func (l *linter) warnUnreachable(rule, covering *Rule) bool {
	if e := covering; e != nil {
		l.warnRule(rule, "rule %q can never match: rule %q in %s:%d comes first and matches all that it does", rule.Name, e.Name, e.File, e.Line)
		return true
	}
	isAddress := func(p pattern) bool {
		_, ok := l.rules.addresses[p.exact]
		return p.isExact && ok
	}
	if !slices.ContainsFunc(rule.services, func(p pattern) bool { return !isAddress(p) }) {
		l.warnRule(rule, "rule %q can never match: a lane address, as %q, is its own rule", rule.Name, rule.services[0].exact)
		return true
	}
	return false
}

// warnUnfilledTiers warns of the tiers of a rule with a template that no mapping entry
// is in. A rule without a template routes callers as their own SETs, which fill its
// tiers. What {each} stands for is known of instances only.
func (l *linter) warnUnfilledTiers(rule *Rule) {
	if rule.SET == nil || len(rule.SET.Templates) == 0 || len(l.sets) == 0 || slices.ContainsFunc(rule.SET.Templates, (*Template).usesEach) {
		return
	}
	sets := slices.DeleteFunc(l.routedAs(rule), l.isForeign)
	if len(sets) == 0 {
		return
	}
	var unfilled []Tier
	for _, tier := range rule.SET.Tiers {
		filled := func(s location.SET) bool { return len(l.mapped.setsIn(tier, s)) > 0 }
		if tier != TierUnset && !slices.ContainsFunc(sets, filled) {
			unfilled = append(unfilled, tier)
		}
	}
	if len(unfilled) > 0 {
		l.warnRule(rule, "%s: no mapping entry has a SET of tier %s of %q; only instances that register one themselves can fill it", rule.noun(), tierNames(unfilled), sets[0])
	}
}

// isForeign reports whether the mapping has no SET of the business of a SET, and none of
// which the business could be a slip: then the instances of that business register their
// SETs themselves, or the mapping has callers only.
func (l *linter) isForeign(set location.SET) bool {
	var businesses []string
	for _, m := range l.sets {
		businesses = append(businesses, m.name.Segment(1))
	}
	_, isNear := strict.Nearest(set.Segment(1), businesses)
	return !isNear
}

// routedAs returns the SETs that a rule makes of the callers in the mapping, without
// those of which only the business is known.
func (l *linter) routedAs(rule *Rule) []location.SET {
	var out []location.SET
	seen := map[location.SET]bool{}
	add := func(set location.SET) {
		if !seen[set] && !isBusiness(set) {
			out = append(out, set)
		}
		seen[set] = true
	}
	for _, t := range rule.SET.Templates {
		if set, ok := t.Literal(); ok {
			add(set)
		}
	}
	if !slices.ContainsFunc(rule.SET.Templates, (*Template).usesCaller) {
		return out
	}
	l.each(func(id location.Identity) {
		for _, set := range strings.Fields(string(rule.SET.routeAs(id, l.rules.aliases))) {
			add(location.SET(set))
		}
	})
	return out
}

// warnMissingPools warns, once for each rule, of the areas whose SETs would fail over by it
// to a pool that the mapping does not have. Without rules it warns once of all areas.
func (l *linter) warnMissingPools() {
	mapped, reported := map[location.SET]bool{}, map[string]bool{}
	for _, m := range l.sets {
		mapped[m.name] = true
	}
	var order []*Rule
	missing := map[*Rule][]*mappedSET{} // the first of each area
	for _, m := range l.sets {
		area, rule := m.name.AreaPrefix(), l.intoPool[m.name]
		if mapped[m.name.Pool()] || reported[area] || rule == nil && l.rules.Len() > 0 {
			continue
		}
		reported[area] = true
		if len(missing[rule]) == 0 {
			order = append(order, rule)
		}
		missing[rule] = append(missing[rule], m)
	}
	for _, rule := range order {
		l.warnMissing(rule, missing[rule])
	}
}

// warnMissing warns of SETs without a pool, of which each is of another area.
func (l *linter) warnMissing(rule *Rule, sets []*mappedSET) {
	first, which, them := sets[0], "has", "it"
	if len(sets) > 1 {
		which, them = "and those of "+plural(len(sets)-1, "other area")+" have", "them"
	}
	failover := ""
	if rule != nil {
		failover = ", the failover that rule \"" + rule.Name + "\" has for " + them
	}
	l.warnSET(first, "SET %q %s no pool: no mapping entry has %q%s", first.name, which, first.name.Pool(), failover)
}

// noteIntoPool notes the SETs whose callers can get their pool by a rule, and by no rule
// before it.
func (l *linter) noteIntoPool(rule *Rule) {
	stage := rule.SET
	if rule.IsAddress() || stage == nil || len(stage.Templates) > 0 || !slices.Contains(stage.Tiers, TierPool) || len(l.intoPool) == len(l.sets) {
		return
	}
	l.each(func(id location.Identity) {
		if id.SET != "" && l.intoPool[id.SET] == nil {
			l.intoPool[id.SET] = rule
		}
	})
}
