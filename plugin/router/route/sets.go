package route

import (
	"slices"
	"strings"

	"github.com/polaris-contrib/setrouter/plugin/location"
)

// SETs are what a caller is routed as, for one rule. They are comparable. Each element
// is a SET; or only a business, as "a", where the rest is not known; or a SET in which
// {each} stands for every name that the service's instances have there. Elements are
// sorted, and joined by blanks. SETs are empty if nothing of the caller's SET is known.
type SETs string

// newSETs joins elements.
func newSETs(elements []string) SETs {
	slices.Sort(elements)
	return SETs(strings.Join(slices.Compact(elements), " "))
}

// routeAs returns what a rule makes of a caller: an element for each of the caller's
// SETs and each template. An element of which only a part is known counts with
// `unknown: all` only.
func (s *SETStage) routeAs(caller location.Identity, aliases map[string]string) SETs {
	if len(s.Templates) == 0 && len(caller.SETs) == 0 {
		return SETs(caller.SET)
	}
	var elements []string
	for _, id := range eachSET(caller) {
		if len(s.Templates) == 0 {
			elements = append(elements, string(id.SET))
		}
		for _, t := range s.Templates {
			element, whole := t.Apply(id, aliases)
			if element != "" && (whole || s.Unknown == UnknownAll) {
				elements = append(elements, element)
			}
		}
	}
	return newSETs(elements)
}

// eachSET returns an identity for each SET of a caller, and the identity itself for a
// caller with one SET or none.
func eachSET(caller location.Identity) []location.Identity {
	if len(caller.SETs) == 0 {
		return []location.Identity{caller}
	}
	out := make([]location.Identity, len(caller.SETs))
	for n, set := range caller.SETs {
		out[n] = caller
		out[n].SET, out[n].SETs = set, nil
	}
	return out
}

// eachName is the segment that stands for every name of the service's instances.
const eachName = "{each}"

// in returns the SETs for the instances of a service: {each} is replaced by the names
// there. It returns one empty SET if nothing is known.
func (s SETs) in(c *Callee, unknown Unknown) []location.SET {
	if strings.IndexByte(string(s), ' ') < 0 && !strings.Contains(string(s), eachName) {
		return []location.SET{location.SET(s)}
	}
	var out []location.SET
	for _, element := range strings.Split(string(s), " ") {
		out = append(out, expand(element, c, unknown)...)
	}
	if len(out) == 0 {
		return []location.SET{""}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// expand returns the SETs of an element (docs/design.md, 5.1). Where no instance has a
// name in the place of {each}, the segments before it bind, with `unknown: all`.
func expand(element string, c *Callee, unknown Unknown) []location.SET {
	before, after, ok := strings.Cut(element, eachName)
	if !ok {
		return []location.SET{location.SET(element)}
	}
	var out []location.SET
	for _, name := range c.namesAfter(before) {
		out = append(out, expand(before+name+after, c, unknown)...)
	}
	if len(out) == 0 && before != "" && unknown == UnknownAll {
		return []location.SET{location.SET(strings.TrimSuffix(before, "."))}
	}
	return out
}

// namesAfter returns the names that the instances' SETs have in the segment after a
// prefix, which is empty or ends with a dot. The names are sorted.
func (c *Callee) namesAfter(prefix string) []string {
	var out []string
	for _, set := range c.sets {
		rest, ok := strings.CutPrefix(string(set), prefix)
		if !ok || set == "" {
			continue
		}
		name, _, _ := strings.Cut(rest, ".")
		out = append(out, name)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
