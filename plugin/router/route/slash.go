package route

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/polaris-contrib/setrouter/internal/strict"
)

// slashedText is a service that a routing file names by a text with two slashes or more.
// Polaris has namespaces and names with slashes, so that the text has more than one
// meaning: of these, the first slash ends the namespace.
type slashedText struct {
	at   strict.Node
	text string
}

// noteSlashes notes a text of a service for Lint.
func (l *loader) noteSlashes(n strict.Node) {
	if text := n.Raw(); SlashHint(text) != "" {
		l.rules.slashes = append(l.rules.slashes, slashedText{n, text})
	}
}

// SlashHint says how a service is written whose namespace has a slash, if that can be
// meant by a text: the text has two slashes or more. Otherwise the hint is empty.
func SlashHint(text string) string {
	last := strings.LastIndexByte(text, '/')
	if strings.HasPrefix(text, "{") || strings.Count(text, "/") < 2 || last == len(text)-1 {
		return ""
	}
	return "a namespace with a slash is written " + inParts(text[:last], text[last+1:])
}

// inParts returns a service, or a glob, as a mapping in YAML.
func inParts(namespace, name string) string {
	quoted := func(s string) string {
		if strings.ContainsAny(s, "*?:,#&!|>'\"%@`{}[]") {
			return strconv.Quote(s)
		}
		return s
	}
	return fmt.Sprintf("{namespace: %s, name: %s}", quoted(namespace), quoted(name))
}

// warnSlashes warns of the texts that may mean another service.
func (l *linter) warnSlashes() {
	for _, s := range l.rules.slashes {
		namespace, name, _ := strings.Cut(s.text, "/")
		l.warn(s.at.File(), s.at.Line(), s.at.Col(), "service %q is the name %q in namespace %q; %s, and this service %s",
			s.text, name, namespace, SlashHint(s.text), inParts(namespace, name))
	}
}
