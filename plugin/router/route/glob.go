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

func newGlob(s string) *glob { return &glob{text: []rune(s)} }

func (g *glob) match(s string) bool {
	return g.walk([]rune(s), func(want, r rune) bool { return want == '?' || want == r })
}

// covers tells whether g matches all that other matches: a "*" there only meets
// a "*" here. It errs towards no.
func (g *glob) covers(other *glob) bool {
	return g.walk(other.text, func(want, r rune) bool { return want == '?' && r != '*' || want == r })
}

// walk goes along both texts, and on a mismatch lets the last "*" take one more
// character: linear in practice, quadratic at worst.
func (g *glob) walk(text []rune, one func(want, r rune) bool) bool {
	p, t := 0, 0
	star, mark := -1, 0
	for t < len(text) {
		switch {
		case p < len(g.text) && g.text[p] == '*':
			star, mark = p, t
			p++
		case p < len(g.text) && one(g.text[p], text[t]):
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

// pattern is a namespace/service glob.
type pattern struct {
	exact     Service
	isExact   bool
	namespace *glob
	name      *glob
}

func parsePattern(s string) (pattern, error) {
	namespace, name, found := strings.Cut(s, "/")
	if !found || namespace == "" || name == "" {
		return pattern{}, fmt.Errorf("service %q is not namespace/service, as default/server-b or default/*", s)
	}
	if !strings.ContainsAny(s, "*?") {
		return pattern{exact: Service{namespace, name}, isExact: true}, nil
	}
	return pattern{namespace: newGlob(namespace), name: newGlob(name)}, nil
}

// matches is for patterns with a wildcard.
func (p pattern) matches(s Service) bool {
	return p.namespace.match(s.Namespace) && p.name.match(s.Name)
}

func (p pattern) String() string {
	if p.isExact {
		return p.exact.String()
	}
	return string(p.namespace.text) + "/" + string(p.name.text)
}
