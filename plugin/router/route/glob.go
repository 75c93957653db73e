package route

import (
	"fmt"
	"strings"
)

// glob is a pattern in which "*" is any run of characters, dots included, and
// "?" any one character.
type glob struct {
	text []rune
}

// newGlob returns the glob of a text.
func newGlob(s string) *glob { return &glob{text: []rune(s)} }

// match reports whether the whole of s fits.
func (g *glob) match(s string) bool {
	return g.walk([]rune(s), func(want, r rune) bool { return want == '?' || want == r })
}

// covers reports whether g matches every text that other matches: a "*" of other
// must meet a "*" of g. If covers cannot be sure, it returns false.
func (g *glob) covers(other *glob) bool {
	return g.walk(other.text, func(want, r rune) bool { return want == '?' && r != '*' || want == r })
}

// walk matches the text against the pattern. On a mismatch it lets the last "*" take
// one more character: walk is linear in practice, and quadratic at worst.
func (g *glob) walk(text []rune, same func(want, r rune) bool) bool {
	p, t := 0, 0
	star, mark := -1, 0
	for t < len(text) {
		switch {
		case p < len(g.text) && g.text[p] == '*':
			star, mark = p, t
			p++
		case p < len(g.text) && same(g.text[p], text[t]):
			p++
			t++
		case star >= 0:
			mark++
			p, t = star+1, mark
		default:
			return false
		}
	}
	for p < len(g.text) && g.text[p] == '*' {
		p++
	}
	return p == len(g.text)
}

// pattern is one service, or a namespace/service glob.
type pattern struct {
	exact     Service
	isExact   bool
	namespace *glob
	name      *glob
}

// parsePattern reads namespace/service, each of which may have wildcards.
func parsePattern(s string) (pattern, error) {
	namespace, name, ok := strings.Cut(s, "/")
	if !ok || namespace == "" || name == "" {
		return pattern{}, fmt.Errorf("service %q is not namespace/service, as default/server-b or default/*", s)
	}
	return newPattern(namespace, name), nil
}

// newPattern returns the pattern of a namespace and a name, each of which may have
// wildcards.
func newPattern(namespace, name string) pattern {
	if !strings.ContainsAny(namespace+name, "*?") {
		return pattern{exact: Service{namespace, name}, isExact: true}
	}
	return pattern{namespace: newGlob(namespace), name: newGlob(name)}
}

// matches reports whether a pattern with a wildcard fits a service.
func (p pattern) matches(s Service) bool {
	return p.namespace.match(s.Namespace) && p.name.match(s.Name)
}

// String returns the pattern as it is in routing files.
func (p pattern) String() string {
	if p.isExact {
		return p.exact.String()
	}
	return string(p.namespace.text) + "/" + string(p.name.text)
}
