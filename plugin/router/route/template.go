package route

import (
	"fmt"
	"strings"

	"github.com/polaris-contrib/setrouter/plugin/location"
)

// Template is a SET name in which fields of the caller may stand:
// qb.novel.{caller.set.2|alias}. It is immutable.
type Template struct {
	parts []part
}

// part is literal text, or a field of the caller: one of literal and field is empty.
type part struct {
	literal string
	field   string // set, set.1, region, label.<key>, ...
	alias   bool
}

var fieldWords = []string{
	"{caller.set}", "{caller.set.1}", "{caller.set.2}", "{caller.set.3}",
	"{caller.region}", "{caller.zone}", "{caller.campus}", "{caller.label.<key>}",
}

// ParseTemplate reads a template. A text without fields must be a SET name.
func ParseTemplate(s string) (*Template, error) {
	t := &Template{}
	for rest := s; rest != ""; {
		open := strings.IndexByte(rest, '{')
		if open < 0 {
			t.parts = append(t.parts, part{literal: rest})
			break
		}
		if open > 0 {
			t.parts = append(t.parts, part{literal: rest[:open]})
		}
		length := strings.IndexByte(rest[open:], '}')
		if length < 0 {
			return nil, fmt.Errorf("template %q: \"{\" without \"}\"", s)
		}
		field, err := parseField(rest[open : open+length+1])
		if err != nil {
			return nil, fmt.Errorf("template %q: %w", s, err)
		}
		t.parts = append(t.parts, field)
		rest = rest[open+length+1:]
	}
	return t, t.checkShape(s)
}

// parseField reads a field with its braces.
func parseField(s string) (part, error) {
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

// checkShape fills each field with a sample, and returns an error if the result is no
// SET name: then the template gives no caller a SET. A template with a label is not
// checked, as a label may have several segments.
func (t *Template) checkShape(s string) error {
	var b strings.Builder
	for _, p := range t.parts {
		switch {
		case strings.HasPrefix(p.field, "label."):
			return nil
		case p.field == "set":
			b.WriteString("a.b.c")
		case p.field != "":
			b.WriteString("x")
		}
		b.WriteString(p.literal)
	}
	if _, err := location.ParseSET(b.String()); err != nil {
		if b.String() == s {
			return err
		}
		return fmt.Errorf("template %q can never give a SET name: with samples, %w", s, err)
	}
	return nil
}

// usesAlias reports whether any field has |alias.
func (t *Template) usesAlias() bool {
	for _, p := range t.parts {
		if p.alias {
			return true
		}
	}
	return false
}

// Literal returns the SET name of a template without fields. It reports false for a
// template with fields.
func (t *Template) Literal() (location.SET, bool) {
	if len(t.parts) == 1 && t.parts[0].field == "" {
		return location.SET(t.parts[0].literal), true
	}
	return "", false
}

// Apply returns the template with the fields of a caller filled in. If a field is
// empty, or the result is no SET name, Apply returns no SET. Aliases map the values
// of fields with |alias; a value that they do not list stays as it is.
func (t *Template) Apply(caller location.Identity, aliases map[string]string) location.SET {
	if set, ok := t.Literal(); ok {
		return set
	}
	var b strings.Builder
	for _, p := range t.parts {
		if p.field == "" {
			b.WriteString(p.literal)
			continue
		}
		value := fieldOf(caller, p.field)
		if value == "" {
			return ""
		}
		if mapped, ok := aliases[value]; ok && p.alias {
			value = mapped
		}
		b.WriteString(value)
	}
	set, err := location.ParseSET(b.String())
	if err != nil {
		return ""
	}
	return set
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
