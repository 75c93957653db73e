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

// match walks both texts, and on a mismatch lets the last "*" take one more
// character: linear in practice, quadratic at worst.
func (g *glob) match(s string) bool {
	text := []rune(s)
	p, t := 0, 0
	star, mark := -1, 0
	for t < len(text) {
		switch {
		case p < len(g.text) && g.text[p] == '*':
			star, mark = p, t
			p++
		case p < len(g.text) && (g.text[p] == '?' || g.text[p] == text[t]):
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

// match: services in namespace Polaris are the server's own and matched by
// their exact name only.
func (p pattern) match(s Service) bool {
	if p.isExact {
		return p.exact == s
	}
	return s.Namespace != "Polaris" && p.namespace.match(s.Namespace) && p.name.match(s.Name)
}
