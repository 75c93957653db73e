package route

import (
	"fmt"
	"strings"

	"github.com/polaris-contrib/setrouter/plugin/location"
)

// Template is a SET name in which fields of the caller may stand:
// qb.novel.{caller.set.2|alias}. It is immutable.
type Template struct {
	text     string
	segments [][]part // each segment is literal text and fields
}

// part is literal text, or a field of the caller: one of literal and field is empty.
type part struct {
	literal string
	field   string // set, set.1, region, label.<key>, ...; or each
	alias   bool
}

// fieldEach is the field {each}.
const fieldEach = "each"

var fieldWords = []string{
	"{caller.set}", "{caller.set.1}", "{caller.set.2}", "{caller.set.3}",
	"{caller.region}", "{caller.zone}", "{caller.campus}", "{caller.label.<key>}",
}

// ParseTemplate reads a template. A text without fields must be a SET name.
func ParseTemplate(s string) (*Template, error) {
	t := &Template{text: s, segments: [][]part{nil}}
	for rest := s; rest != ""; {
		open := strings.IndexByte(rest, '{')
		if open < 0 {
			open = len(rest)
		}
		t.addLiteral(rest[:open])
		if rest = rest[open:]; rest == "" {
			break
		}
		length := strings.IndexByte(rest, '}')
		if length < 0 {
			return nil, fmt.Errorf("template %q: \"{\" without \"}\"", s)
		}
		field, err := parseField(rest[:length+1])
		if err != nil {
			return nil, fmt.Errorf("template %q: %w", s, err)
		}
		t.addPart(field)
		rest = rest[length+1:]
	}
	return t, t.checkShape()
}

// addLiteral adds literal text, in which a dot begins the next segment.
func (t *Template) addLiteral(text string) {
	for n, literal := range strings.Split(text, ".") {
		if n > 0 {
			t.segments = append(t.segments, nil)
		}
		if literal != "" {
			t.addPart(part{literal: literal})
		}
	}
}

// addPart adds a part to the last segment.
func (t *Template) addPart(p part) {
	last := len(t.segments) - 1
	t.segments[last] = append(t.segments[last], p)
}

// parseField reads a field with its braces.
func parseField(s string) (part, error) {
	if s == eachName {
		return part{field: fieldEach}, nil
	}
	name, alias := strings.CutSuffix(s[1:len(s)-1], "|alias")
	p := part{field: strings.TrimPrefix(name, "caller."), alias: alias}
	switch p.field {
	case "set", "set.1", "set.2", "set.3", "region", "zone", "campus":
		if strings.HasPrefix(name, "caller.") {
			return p, nil
		}
	}
	if key, ok := strings.CutPrefix(name, "caller.label."); ok && key != "" && !strings.ContainsAny(key, "{|") {
		return p, nil
	}
	return part{}, fmt.Errorf("unknown field %q, expected one of %s, with |alias before the } where it maps", s, strings.Join(fieldWords, " "))
}

// checkShape returns an error if the template gives no caller a SET: it fills each
// field with a sample, and the result must be a SET name. A template of fewer segments
// that has a label is let through: before labels were single segments, a label could
// fill several, and such files still have to load.
func (t *Template) checkShape() error {
	if t.isOwnSET() {
		return nil
	}
	if t.has(func(p part) bool { return p.field == "set" }) {
		return fmt.Errorf("template %q: {caller.set} stands alone, expected its segments in a longer template, as {caller.set.1}.{caller.set.2}.h", t.text)
	}
	for n, segment := range t.segments {
		for _, p := range segment {
			if p.field == fieldEach && (n > 1 || len(segment) > 1) {
				return fmt.Errorf("template %q: {each} stands for a whole first or second segment, as in qb.{each}.h", t.text)
			}
		}
	}
	sample := t.sample()
	_, err := location.ParseSET(sample)
	switch {
	case err == nil || len(t.segments) < 3 && t.hasLabel():
		return nil
	case sample == t.text:
		return err
	}
	return fmt.Errorf("template %q can never give a SET name: with samples, %w", t.text, err)
}

// isOwnSET reports whether the template is {caller.set} alone.
func (t *Template) isOwnSET() bool {
	return len(t.segments) == 1 && len(t.segments[0]) == 1 && t.segments[0][0].field == "set"
}

// sample returns the template with each field filled in.
func (t *Template) sample() string {
	var segments []string
	for _, segment := range t.segments {
		var b strings.Builder
		for _, p := range segment {
			if p.field != "" {
				b.WriteString("x")
			}
			b.WriteString(p.literal)
		}
		segments = append(segments, b.String())
	}
	return strings.Join(segments, ".")
}

// hasLabel reports whether a label of the caller is in the template.
func (t *Template) hasLabel() bool {
	return t.has(func(p part) bool { return strings.HasPrefix(p.field, "label.") })
}

// usesAlias reports whether any field has |alias.
func (t *Template) usesAlias() bool { return t.has(func(p part) bool { return p.alias }) }

// usesEach reports whether {each} is in the template.
func (t *Template) usesEach() bool {
	return t.has(func(p part) bool { return p.field == fieldEach })
}

// usesCaller reports whether a field of the caller is in the template.
func (t *Template) usesCaller() bool {
	return t.has(func(p part) bool { return p.field != "" && p.field != fieldEach })
}

// has reports whether some part has a property.
func (t *Template) has(property func(part) bool) bool {
	for _, segment := range t.segments {
		for _, p := range segment {
			if property(p) {
				return true
			}
		}
	}
	return false
}

// String returns the template as it is in routing files.
func (t *Template) String() string { return t.text }

// Literal returns the SET name of a template without fields. It reports false for a
// template with fields.
func (t *Template) Literal() (location.SET, bool) {
	if t.has(func(p part) bool { return p.field != "" }) {
		return "", false
	}
	return location.SET(t.text), true
}

// Apply returns the element of SETs that the template makes of a caller with one SET or
// none, and whether it is whole. The first segment that the caller does not fill ends
// what is known: two known segments a and b give a.b.*, one gives the business a, none
// gives an empty text (docs/design.md, 5.1).
func (t *Template) Apply(caller location.Identity, aliases map[string]string) (element string, whole bool) {
	if set, ok := t.Literal(); ok {
		return string(set), true
	}
	if t.isOwnSET() {
		set, err := location.ParseSET(t.segments[0][0].value(caller, aliases))
		return string(set), err == nil
	}
	var known []string
	for n := range t.segments {
		value := t.fill(n, caller, aliases)
		if value == "" {
			break
		}
		known = append(known, value)
	}
	switch len(known) {
	case 2:
		return known[0] + "." + known[1] + ".*", false
	case 3:
		return strings.Join(known, "."), true
	}
	return strings.Join(known, "."), false
}

// fill returns segment n, counted from 0, with the fields of a caller filled in. It
// returns an empty text if a field is empty, or if the result is no segment of a SET.
func (t *Template) fill(n int, caller location.Identity, aliases map[string]string) string {
	var b strings.Builder
	for _, p := range t.segments[n] {
		switch p.field {
		case "":
			b.WriteString(p.literal)
			continue
		case fieldEach:
			return eachName
		}
		value := p.value(caller, aliases)
		if value == "" {
			return ""
		}
		b.WriteString(value)
	}
	if value := b.String(); location.IsSegment(value) || n == 2 && value == "*" {
		return value
	}
	return ""
}

// value returns what a caller has in a field, mapped through the aliases if the field
// has |alias. A value that the aliases do not list stays as it is.
func (p part) value(caller location.Identity, aliases map[string]string) string {
	value := fieldOf(caller, p.field)
	if mapped, ok := aliases[value]; ok && p.alias {
		return mapped
	}
	return value
}

// fieldOf returns the value of a field of the caller; empty for unknown.
func fieldOf(caller location.Identity, field string) string {
	switch field {
	case "set":
		return string(caller.SET)
	case "set.1":
		return caller.SET.Segment(1)
	case "set.2":
		return caller.SET.Segment(2)
	case "set.3":
		return caller.SET.Segment(3)
	case "region":
		return caller.Region
	case "zone":
		return caller.Zone
	case "campus":
		return caller.Campus
	}
	return caller.Labels[strings.TrimPrefix(field, "label.")]
}
