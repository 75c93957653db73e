package route

import (
	"fmt"
	"slices"
	"strings"

	"github.com/polaris-contrib/setrouter/plugin/location"
)

// tally counts kinds of callers, and keeps the first as an example.
type tally struct {
	count   int
	example location.Identity
}

// add counts one.
func (t *tally) add(id location.Identity) {
	if t.count++; t.count == 1 {
		t.example = id
	}
}

// String returns "3 kinds of callers in the mapping, as qb.novel.h at 华南/ap-shenzhen".
func (t *tally) String() string {
	kinds := "kind of callers"
	if t.count > 1 {
		kinds = "kinds of callers"
	}
	name := "those without a SET"
	if t.example.SET != "" {
		name = string(t.example.SET)
	}
	if place := t.example.Location.String(); place != "" {
		name += " at " + place
	}
	return fmt.Sprintf("%d %s in the mapping, as %s", t.count, kinds, name)
}

// noun returns the word for the kind of a rule, and its name.
func (r *Rule) noun() string {
	if r.IsAddress() {
		return fmt.Sprintf("address %q", r.Name)
	}
	return fmt.Sprintf("rule %q", r.Name)
}

// warnTemplates warns of templates that cannot mean what they say. It reports whether
// there is one.
func (l *linter) warnTemplates(rule *Rule) bool {
	if rule.SET == nil {
		return false
	}
	for _, t := range rule.SET.Templates {
		switch {
		case len(t.segments) < 3 && !t.isOwnSET():
			l.warnRule(rule, "%s: template %q has %s, and a label is one segment: a value with dots counts as empty, so no caller gets a whole SET by it, expected three segments", rule.noun(), t, plural(len(t.segments), "segment"))
			return true
		case rule.SET.Callee && t.usesCaller() && rule.SET.Unknown == UnknownAll:
			l.warnRule(rule, "%s: callee %q has fields, and with unknown: all a caller without them gets more than that SET, expected unknown: none or unset", rule.noun(), t)
			return true
		}
	}
	return false
}

// warnPoolBehindRoads warns of roads that end before the pool: the mapping has the pool
// of a caller's SET, and nowhere on the caller's roads.
func (l *linter) warnPoolBehindRoads(rule *Rule) {
	if rule.SET == nil || rule.Nearby == nil || rule.Nearby.Max == LevelAll && rule.Nearby.Places == nil ||
		len(rule.SET.Tiers) < 2 || !slices.Contains(rule.SET.Tiers, TierPool) {
		return
	}
	if found := l.cutOff(rule); found.count > 0 {
		l.warnRule(rule, "%s: roads end before the pool for %s: the mapping has %q at %s only", rule.noun(), &found.tally, found.pool, l.pools[found.pool][0])
	}
}

// cutOff are callers whose roads do not reach their pool, and the pool of the first.
type cutOff struct {
	tally
	pool location.SET
}

// cutOff counts the callers of the mapping whose roads do not reach their pool. Rules for
// every caller with the same nearby stage have one count.
func (l *linter) cutOff(rule *Rule) (found cutOff) {
	isForAll := l.isForAll() && len(rule.SET.Templates) == 0
	if known, ok := l.cutOffs[*rule.Nearby]; ok && isForAll {
		return known
	}
	roads := poolRoads{l, rule.Nearby, map[location.Location]map[location.SET]bool{}}
	l.each(func(id location.Identity) {
		if id.Region == "" {
			return
		}
		if pool, ok := roads.missedPool(rule.SET.routeAs(id, l.rules.aliases), id.Location); ok {
			if found.add(id); found.count == 1 {
				found.pool = pool
			}
		}
	})
	if isForAll {
		l.cutOffs[*rule.Nearby] = found
	}
	return found
}

// poolRoads says which pools are on the roads from a place. Each place is looked at once.
type poolRoads struct {
	*linter
	nearby *NearbyStage
	misses map[location.Location]map[location.SET]bool
}

// missedPool returns the first pool that the roads of a caller do not reach.
func (p poolRoads) missedPool(sets SETs, loc location.Location) (pool location.SET, ok bool) {
	for element := range strings.FieldsSeq(string(sets)) {
		set := location.SET(element)
		if isBusiness(set) || set.IsPool() || len(p.pools[set.Pool()]) == 0 || strings.Contains(element, eachName) {
			continue
		}
		if pool = set.Pool(); p.isMissed(pool, loc) {
			return pool, true
		}
	}
	return "", false
}

// isMissed reports whether the roads from a place do not reach a pool of the mapping.
func (p poolRoads) isMissed(pool location.SET, loc location.Location) bool {
	known := p.misses[loc]
	if known == nil {
		known = map[location.SET]bool{}
		p.misses[loc] = known
	}
	missed, ok := known[pool]
	if !ok {
		areas := p.nearby.areas(loc.Cut(p.nearby.depth()))
		onRoad := func(place location.Location) bool {
			return slices.ContainsFunc(areas, func(a area) bool { return a.has(place) })
		}
		missed = !p.nearby.Excludes(loc) && !slices.ContainsFunc(p.pools[pool], onRoad)
		known[pool] = missed
	}
	return missed
}

// warnKnownLess warns of a maxMatchLevel that does not hold for callers who are known
// less. Where the mapping knows every caller of the rule well enough, it does not warn.
func (l *linter) warnKnownLess(rule *Rule) {
	n := rule.Nearby
	if n == nil || n.Max <= LevelAll || n.Strict {
		return
	}
	var less tally
	l.each(func(id location.Identity) {
		if id.Depth() < int(n.Max) {
			less.add(id)
		}
	})
	which := ""
	if less.count > 0 {
		which = ": " + less.String()
	} else if len(l.table.Identities()) > 0 {
		return
	}
	l.warnRule(rule, "%s: maxMatchLevel %q does not bound callers whose %s is not known: they go on to wider levels; with strict: true they get an empty list%s", rule.noun(), n.Max, n.Max, which)
}

// warnOthers warns of a SET rule for some callers only, where no further rule is for the
// others: they get the stock answer, with every SET.
func (l *linter) warnOthers(rule *Rule) {
	if rule.SET == nil || rule.when.isForAnyCaller() {
		return
	}
	rules := slices.DeleteFunc(slices.Clone(l.rulesFor(rule)), func(r *Rule) bool { return !r.isFor(rule) })
	for _, next := range rules[slices.Index(rules, rule)+1:] {
		if next.SET != nil || next.when.isEmpty() {
			return // what the next one leaves is its own matter
		}
	}
	others, known := l.others(rules), l.table.Identities()
	switch {
	case others.count > 0 && len(rule.when.ip) == 0:
		l.warnRule(rule, "%s is for some callers only, and no further rule is for the others, who get every SET of the service: %s", rule.noun(), &others)
	case len(known) == 0 || len(rule.when.ip) > 0:
		l.warnRule(rule, "%s is for some callers only, and no further rule is for the others, who get every SET of the service", rule.noun())
	}
}

// isFor reports whether a rule is for all the services of another.
func (r *Rule) isFor(other *Rule) bool {
	return !slices.ContainsFunc(other.services, func(p pattern) bool {
		return !slices.ContainsFunc(r.services, func(q pattern) bool { return q.covers(p) })
	})
}

// others counts the callers of the mapping whom none of the rules is for. A rule for some
// addresses is for no kind of caller as a whole.
func (l *linter) others(rules []*Rule) (left tally) {
	for _, id := range l.table.Identities() {
		matches := func(r *Rule) bool {
			return len(r.when.serviceMetadata) == 0 && len(r.when.ip) == 0 && r.when.firstUnmetOfIdentity(id) == conditionNone
		}
		if !slices.ContainsFunc(rules, matches) {
			left.add(id)
		}
	}
	return left
}
