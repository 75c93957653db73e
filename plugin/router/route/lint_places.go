package route

import (
	"fmt"
	"slices"

	"github.com/polaris-contrib/setrouter/plugin/location"
)

// warnMaps warns of the maps of `places:` that do not fit the mapping or the rules.
func (l *linter) warnMaps() {
	l.rules.placesOutside(l.table, func(m *PlaceMap, at saidPlace, err error) {
		l.warn(m.File, at.line, at.col, "map %q has %q: %v", m.Name, at.Location, err)
	})
	places := l.places()
	for _, m := range l.rules.maps {
		if !l.isUsed(m) {
			l.warnMap(m, "is used by no rule")
		}
		l.warnBehindAll(m)
		if len(places) > 0 {
			l.warnUnsaid(m, places)
			l.warnUnlisted(m, places)
		}
	}
	for _, rule := range l.rules.All() {
		if n := rule.Nearby; n != nil && n.Places != nil && n.Match == LevelAll {
			l.warnRule(rule, "%s: matchLevel \"all\" has every place, so that nobody comes to the roads of map %q behind it", rule.noun(), n.Places.Name)
		}
		l.warnNoFirstRoad(rule)
	}
}

// warnNoFirstRoad warns of a rule that leaves the first road to a map in which "*" lists no
// road.
func (l *linter) warnNoFirstRoad(rule *Rule) {
	n := rule.Nearby
	if n == nil || n.Places == nil || n.Match != LevelNone || len(n.Places.others) > 0 || rule.OnEmptyAll {
		return
	}
	all := "every instance" // also with strict: true, which excludes nobody beside matchLevel none
	if rule.SET != nil {
		all += " of their tiers"
	}
	l.warnRule(rule, "%s: matchLevel \"none\" leaves the first road to map %q, and its \"*\" is empty: callers with a place that it does not list get an empty list, and callers without a place get %s", rule.noun(), n.Places.Name, all)
}

// warnMap warns at the name of a map.
func (l *linter) warnMap(m *PlaceMap, format string, args ...any) {
	l.warn(m.File, m.Line, m.col, "map %q %s", m.Name, fmt.Sprintf(format, args...))
}

// places returns the locations that the mapping says, each once.
func (l *linter) places() (out []location.Location) {
	seen := map[location.Location]bool{{}: true}
	for _, id := range l.table.Identities() {
		if !seen[id.Location] {
			seen[id.Location] = true
			out = append(out, id.Location)
		}
	}
	return out
}

// isUsed reports whether a rule or address has a map.
func (l *linter) isUsed(m *PlaceMap) bool {
	return slices.ContainsFunc(l.rules.All(), func(r *Rule) bool { return r.Nearby != nil && r.Nearby.Places == m })
}

// warnBehindAll warns of roads behind `all`, which has every instance.
func (l *linter) warnBehindAll(m *PlaceMap) {
	count, example := 0, ""
	check := func(stops []stop) {
		first := slices.IndexFunc(stops, func(s stop) bool { return slices.Contains(s.levels, LevelAll) })
		if first < 0 || first == len(stops)-1 {
			return
		}
		if count += len(stops) - 1 - first; example == "" {
			example = stops[first+1].name
		}
	}
	for _, at := range m.said {
		if stops, ok := m.entries[at.Location]; ok && at.isKey {
			check(stops)
		}
	}
	if check(m.others); count > 0 {
		l.warnMap(m, "has %s behind \"all\", as %q: nobody comes to a road behind every instance", plural(count, "road"), example)
	}
}

// warnUnsaid warns, where the mapping has no topology, of places that no entry says.
func (l *linter) warnUnsaid(m *PlaceMap, places []location.Location) {
	if l.table.HasTopology() {
		return
	}
	said := map[location.Location]bool{}
	for _, place := range places {
		for depth := range place.Depth() {
			said[place.Cut(depth+1)] = true
		}
	}
	var unsaid []location.Location
	for _, at := range m.said {
		if !said[at.Location] && !slices.Contains(unsaid, at.Location) {
			unsaid = append(unsaid, at.Location)
		}
	}
	if len(unsaid) > 0 {
		l.warnMap(m, "has %s that no entry of the mapping says, as %q", plural(len(unsaid), "place"), unsaid[0])
	}
}

// noteMap notes the places of the callers of a rule with a map that may not list them.
func (l *linter) noteMap(rule *Rule) {
	if rule.Nearby == nil || rule.Nearby.Places == nil || rule.Nearby.Places.hasOthers {
		return
	}
	places := l.mapPlaces[rule.Nearby.Places]
	if places == nil {
		places = map[location.Location]bool{}
		l.mapPlaces[rule.Nearby.Places] = places
	}
	l.each(func(id location.Identity) { places[id.Location] = true })
}

// warnUnlisted warns of a map that lists no road for the places of some callers of the
// mapping, who have the map by a rule.
func (l *linter) warnUnlisted(m *PlaceMap, places []location.Location) {
	if m.hasOthers {
		return
	}
	unlisted := slices.DeleteFunc(slices.Clone(places), func(place location.Location) bool {
		if !l.mapPlaces[m][place] {
			return true
		}
		for depth := range place.Depth() {
			if _, ok := m.entries[place.Cut(depth+1)]; ok {
				return true
			}
		}
		return false
	})
	if len(unlisted) > 0 {
		l.warnMap(m, "has no \"*\", and does not list %s of the mapping, as %q: callers there have no road out", plural(len(unlisted), "place"), unlisted[0])
	}
}

// plural returns "1 place" or "2 places".
func plural(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
