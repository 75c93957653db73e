package oracle

import (
	"slices"
	"strings"
)

// routeAs returns the SETs that the caller is routed as for a service with some
// instances. There is one at least: empty where nothing is known.
func (t *ruleText) routeAs(caller Identity, aliases map[string]string, all []Instance) []string {
	if t.SET == nil {
		return []string{""}
	}
	templates := t.SET.Callers
	switch {
	case t.SET.Caller != "":
		templates = []string{t.SET.Caller}
	case t.SET.Callee != "":
		templates = []string{t.SET.Callee}
	case templates == nil:
		templates = []string{"{caller.set}"}
	}
	return RouteAs(templates, caller, aliases, all, t.rule.SET.Unknown == "all")
}

// RouteAs returns what templates make of a caller (docs/design.md, 5.1), sorted: SETs,
// a business alone as one segment, or one empty text where nothing is known. What is
// known in part counts if parts bind.
func RouteAs(templates []string, caller Identity, aliases map[string]string, all []Instance, partsBind bool) (out []string) {
	own := caller.SETs
	if len(own) == 0 {
		own = []string{""}
	}
	for _, template := range templates {
		for _, set := range own {
			f := filler{caller.fields(set), aliases, all, partsBind}
			if template == "{caller.set}" {
				out = append(out, set)
				continue
			}
			out = append(out, f.fill(nil, splitTemplate(template))...)
		}
	}
	slices.Sort(out)
	out = slices.DeleteFunc(slices.Compact(out), func(set string) bool { return set == "" })
	if len(out) == 0 {
		return []string{""}
	}
	return out
}

// fields returns what stands for the fields of templates, when the caller's SET is one
// of those that it has.
func (id Identity) fields(set string) map[string]string {
	s := segments(set)
	fields := map[string]string{
		"set.1": s[0], "set.2": s[1], "set.3": s[2], "region": id.Place[0], "zone": id.Place[1], "campus": id.Place[2],
	}
	for k, v := range id.Labels {
		fields["label."+k] = v
	}
	return fields
}

// splitTemplate splits a template at the dots outside of fields.
func splitTemplate(template string) []string {
	out, depth := []string{""}, 0
	for _, c := range template {
		switch {
		case c == '{':
			depth++
		case c == '}':
			depth--
		case c == '.' && depth == 0:
			out = append(out, "")
			continue
		}
		out[len(out)-1] += string(c)
	}
	return out
}

// filler fills in a template.
type filler struct {
	fields, aliases map[string]string
	all             []Instance
	partsBind       bool
}

// fill returns the SETs that a template gives, when some segments are known.
func (f filler) fill(known, rest []string) (out []string) {
	switch {
	case len(rest) == 0 && len(known) == 3:
		return []string{strings.Join(known, ".")}
	case len(rest) == 0:
		return f.bind(known)
	}
	next := func(name string) []string { return f.fill(append(slices.Clone(known), name), rest[1:]) }
	if rest[0] == "{each}" {
		for _, name := range f.names(known) {
			out = append(out, next(name)...)
		}
		if len(f.names(known)) == 0 {
			return f.bind(known)
		}
		return out
	}
	name, ok := f.substitute(rest[0])
	if !ok || !isSegment(name) && !(name == "*" && len(known) == 2) {
		return f.bind(known)
	}
	return next(name)
}

// names returns the names that the service's instances have in the segment after the
// known ones.
func (f filler) names(known []string) (out []string) {
	for _, i := range f.all {
		if s := segments(i.SET); i.SET != "" && slices.Equal(s[:len(known)], known) && !slices.Contains(out, s[len(known)]) {
			out = append(out, s[len(known)])
		}
	}
	return out
}

// bind returns what the known segments bind to.
func (f filler) bind(known []string) []string {
	switch {
	case !f.partsBind || len(known) == 0:
		return nil
	case len(known) == 1:
		return known
	}
	return []string{known[0] + "." + known[1] + ".*"}
}

// substitute fills in the fields of one segment. It reports false if one is empty.
func (f filler) substitute(text string) (string, bool) {
	for strings.Contains(text, "{") {
		before, rest, _ := strings.Cut(text, "{")
		field, after, _ := strings.Cut(rest, "}")
		name, mapped := strings.CutSuffix(field, "|alias")
		value := f.fields[strings.TrimPrefix(name, "caller.")]
		if value == "" {
			return "", false
		}
		if to, ok := f.aliases[value]; ok && mapped {
			value = to
		}
		text = before + value + after
	}
	return text, true
}
