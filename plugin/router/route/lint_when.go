package route

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/polaris-contrib/setrouter/internal/alike"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

// warnNever warns if no caller can meet a rule's `when`: its place is outside the topology,
// or no SET name fits. It reports whether there is a warning.
func (l *linter) warnNever(rule *Rule) bool {
	place := location.Location{Region: rule.when.region, Zone: rule.when.zone, Campus: rule.when.campus}
	err := l.table.CheckCondition(place)
	if err == nil && !l.table.HasTopology() {
		err = l.elsewhere(place)
	}
	if err == nil && rule.when.set != nil {
		err = rule.when.set.checkSET()
	}
	if err != nil {
		l.warnRule(rule, "rule %q can never match: %v", rule.Name, err)
	}
	return err != nil
}

// elsewhere returns an error if the mapping has the narrowest level of a place, and only in
// other places.
func (l *linter) elsewhere(place location.Location) error {
	kind, name, within := "campus", place.Campus, func(id location.Identity) string { return id.Cut(2).String() }
	if place.Campus == "" {
		kind, name, within = "zone", place.Zone, func(id location.Identity) string { return id.Region }
	}
	if name == "" || place.Region == "" && place.Zone == "" {
		return nil
	}
	differ := func(known, wanted string) bool { return known != "" && wanted != "" && known != wanted }
	var others []string
	for _, id := range l.table.Identities() {
		if kind == "campus" && id.Campus != name || kind == "zone" && id.Zone != name {
			continue
		}
		if !differ(id.Region, place.Region) && (kind == "zone" || !differ(id.Zone, place.Zone)) {
			return nil
		}
		others = append(others, fmt.Sprintf("%q", within(id)))
	}
	if len(others) == 0 {
		return nil
	}
	slices.Sort(others)
	place.Campus = ""
	if kind == "zone" {
		place.Zone = ""
	}
	return fmt.Errorf("the mapping has %s %q in %s only, not in %q", kind, name, strings.Join(slices.Compact(others), ", "), strings.TrimLeft(place.String(), "/"))
}

// checkSET returns an error if no SET name fits a glob: three segments of letters, digits,
// '_' and '-', of which the third may be "*".
func (g *glob) checkSET() error {
	text := string(g.text)
	if !strings.ContainsAny(text, "*?") {
		_, err := location.ParseSET(text)
		return err
	}
	dots, most := strings.Count(text, "."), strings.Count(text, ".")+strings.Count(text, "?")
	segments := strings.FieldsFunc(text, func(r rune) bool { return r == '.' || r == '*' || r == '?' })
	isBad := func(s string) bool { return !location.IsSegment(s) }
	switch n := slices.IndexFunc(segments, isBad); {
	case n >= 0:
		return fmt.Errorf("when.set %q has %q, and a SET name has letters, digits, '_' and '-' between its dots", text, segments[n])
	case dots > 2:
		return fmt.Errorf("when.set %q has %d dots, and a SET name has two: business.area.group", text, dots)
	case most < 2 && !strings.Contains(text, "*"):
		return fmt.Errorf("when.set %q has no room for two dots, and a SET name has two: business.area.group", text)
	case strings.Contains(text, "..") || strings.HasPrefix(text, ".") || strings.HasSuffix(text, "."):
		return fmt.Errorf("when.set %q has an empty segment, and a SET name has none", text)
	}
	return nil
}

// warnServices warns of services whose namespace or name Polaris refuses.
func (l *linter) warnServices(rule *Rule) {
	names := []string{}
	for _, p := range rule.services {
		names = append(names, p.parts()...)
	}
	if rule.IsAddress() {
		if service, err := ParseService(rule.Name); err == nil {
			names = append(names, service.Namespace, service.Name)
		}
		names = append(names, rule.Target.Namespace, rule.Target.Name)
	}
	for _, name := range names {
		switch trimmed := strings.TrimSpace(name); trimmed {
		case name:
		case "":
			l.warnRule(rule, "%s: %q in a service is empty but for blanks, and no service in Polaris has such a name", rule.noun(), name)
		default:
			l.warnRule(rule, "%s: %q in a service has blanks at an end, and no service in Polaris has them, expected %q", rule.noun(), name, trimmed)
			continue
		}
		if i := strings.IndexFunc(name, isNoServiceCharacter); i >= 0 && strings.TrimSpace(name) == name {
			r, _ := utf8.DecodeRuneInString(name[i:])
			l.warnRule(rule, "%s: %q in a service has %q, and Polaris refuses such names, expected a to z, A to Z, digits, and - . / : _", rule.noun(), name, string(r))
		}
	}
}

// isNoServiceCharacter reports whether Polaris refuses a character in namespaces and names
// of services, on every way by which they come: what is not ASCII, blanks and control
// characters.
func isNoServiceCharacter(r rune) bool { return r <= ' ' || r >= 0x7f }

// warnWhenPlaces warns of places in a rule's `when` that no mapping entry can say, and of
// those that look like one of the mapping.
func (l *linter) warnWhenPlaces(rule *Rule) {
	for level, name := range []string{rule.when.region, rule.when.zone, rule.when.campus} {
		if name == "" {
			continue
		}
		if err := location.CheckPlaceName(level, name); err != nil {
			l.warnRule(rule, "rule %q can never match a caller of the mapping: when: %v", rule.Name, err)
			continue
		}
		if like := l.likePlace(level, name); like != nil {
			l.warnRule(rule, "rule %q: when: %s %q is no %[2]s of the mapping, and looks like %[4]q of %s:%d: %s; are they the same?",
				rule.Name, placeWords[level], name, like.name, like.origin.File, like.origin.Line, alike.Difference(name, like.name))
		}
	}
}

// likePlace returns the place of the mapping that a name looks like. It returns nil if the
// name is in the mapping itself. With a topology, other warnings say it.
func (l *linter) likePlace(level int, name string) *mappedPlace {
	places := l.placeNames()[level]
	if l.table.HasTopology() || slices.ContainsFunc(places, func(m *mappedPlace) bool { return m.name == name }) {
		return nil
	}
	if n := slices.IndexFunc(places, func(m *mappedPlace) bool { return alike.Alike(m.name, name) }); n >= 0 {
		return places[n]
	}
	return nil
}

// parts returns the namespace and the name of a pattern.
func (p pattern) parts() []string {
	if p.isExact {
		return []string{p.exact.Namespace, p.exact.Name}
	}
	return []string{string(p.namespace.text), string(p.name.text)}
}
