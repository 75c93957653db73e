package route

import (
	"slices"

	"github.com/polaris-contrib/setrouter/internal/alike"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

var (
	segmentWords = [3]string{"business", "area", "group"}
	placeWords   = [3]string{"region", "zone", "campus"}
)

// mappedSET is a SET name of the mapping files.
type mappedSET struct {
	name    location.SET
	entries int
	origin  *location.Origin // of the first entry
}

// mappedPlace is the name of a place in the mapping files.
type mappedPlace struct {
	name    string
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

// collectPlaces returns the names of regions, zones and campuses, each list in the order
// of the first entries. The default counts as an entry.
func collectPlaces(table *location.Table) (places [3][]*mappedPlace) {
	var byName [3]map[string]*mappedPlace
	for level := range byName {
		byName[level] = map[string]*mappedPlace{}
	}
	counted := map[*location.Origin]bool{}
	add := func(facts location.Facts) {
		for level, origin := range []*location.Origin{facts.RegionFrom, facts.ZoneFrom, facts.CampusFrom} {
			name := facts.Level(level)
			if name == "" || counted[origin] {
				continue
			}
			m := byName[level][name]
			if m == nil {
				m = &mappedPlace{name: name, origin: origin}
				byName[level][name], places[level] = m, append(places[level], m)
			}
			m.entries++
			if origin.Before(m.origin) {
				m.origin = origin
			}
		}
		counted[facts.RegionFrom], counted[facts.ZoneFrom], counted[facts.CampusFrom] = true, true, true
	}
	for _, found := range table.All() {
		add(found.Facts())
	}
	add(table.Default().Facts())
	for _, list := range places {
		slices.SortFunc(list, func(a, b *mappedPlace) int {
			if a.origin.Before(b.origin) {
				return -1
			}
			return 1
		})
	}
	return places
}

// placeNames returns the places of the mapping, which it collects once.
func (l *linter) placeNames() [3][]*mappedPlace {
	if l.named == nil {
		places := collectPlaces(l.table)
		l.named = &places
	}
	return *l.named
}

// warnNames warns of SET names of the mapping that break the naming, and of names of SETs
// and places that look alike.
func (l *linter) warnNames() {
	checkNaming := l.rules.Naming()
	var sets []*mappedSET
	for _, m := range l.sets {
		if err := checkNaming(m.name); err != nil {
			l.warnSET(m, "%v", err)
			continue
		}
		sets = append(sets, m)
	}
	l.warnAlikeSETs(sets)
	for level, list := range l.placeNames() {
		l.warnAlikePlaces(placeWords[level], list)
	}
	l.warnAliases(l.placeNames())
}

// warnAlikePlaces warns of each name of a level that looks like another one.
func (l *linter) warnAlikePlaces(kind string, places []*mappedPlace) {
	names := make([]alike.Name, len(places))
	for n, m := range places {
		names[n] = alike.Name{Text: m.name, Entries: m.entries}
	}
	for _, pair := range alike.Find(names) {
		odd, usual := places[pair.Odd], places[pair.Usual]
		l.warn(odd.origin.File, odd.origin.Line, 1, "%s %q looks like %q of %s:%d: %s; are they the same?",
			kind, odd.name, usual.name, usual.origin.File, usual.origin.Line, alike.Difference(odd.name, usual.name))
	}
}

// alikeSegments are two segments of SET names that look alike, and the names before them.
type alikeSegments struct{ oddBefore, odd, usualBefore, usual string }

// warnAlikeSETs warns of SETs that look like another one, once for the SETs in which the
// first segments that differ are the same.
func (l *linter) warnAlikeSETs(sets []*mappedSET) {
	names := make([]alike.Name, len(sets))
	for n, m := range sets {
		names[n] = alike.Name{Text: string(m.name), Entries: m.entries}
	}
	var order []alikeSegments
	found := map[alikeSegments][]alike.Pair{}
	for _, pair := range alike.Find(names) {
		segments, _ := firstDifference(sets[pair.Odd].name, sets[pair.Usual].name)
		if len(found[segments]) == 0 {
			order = append(order, segments)
		}
		found[segments] = append(found[segments], pair)
	}
	for _, segments := range order {
		pairs := found[segments]
		odd, usual := sets[pairs[0].Odd], sets[pairs[0].Usual]
		_, kind := firstDifference(odd.name, usual.name)
		others := ""
		if len(pairs) > 1 {
			others = " and " + plural(len(pairs)-1, "other SET")
		}
		l.warnSET(odd, "SET %q%s: %s %q looks like %q of SET %q, %s:%d: %s; are they the same?", odd.name, others, kind, segments.odd, segments.usual,
			usual.name, usual.origin.File, usual.origin.Line, alike.Difference(segments.odd, segments.usual))
	}
}

// firstDifference returns the first segments in which two SETs differ, and the word for
// their kind.
func firstDifference(odd, usual location.SET) (segments alikeSegments, kind string) {
	for i, kind := range segmentWords {
		segments.odd, segments.usual = odd.Segment(i+1), usual.Segment(i+1)
		if segments.odd != segments.usual {
			return segments, kind
		}
		segments.oddBefore += segments.odd + "."
		segments.usualBefore += segments.usual + "."
	}
	return segments, ""
}
