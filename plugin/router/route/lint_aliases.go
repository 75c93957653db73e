package route

import (
	"fmt"

	"github.com/polaris-contrib/setrouter/internal/alike"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

// warnAliases warns of keys of aliases that are no name of the mapping, and look like one,
// and of keys that look alike and mean different texts.
func (l *linter) warnAliases(places [3][]*mappedPlace) {
	names, origins := l.aliasable(places)
	mapped := len(names)
	for _, key := range l.rules.aliasKeys {
		if _, ok := origins[key.Raw()]; !ok {
			names = append(names, alike.Name{Text: key.Raw()})
		}
	}
	if len(names) == mapped {
		return
	}
	likes := map[string]string{}
	for _, pair := range alike.Find(names) {
		likes[names[pair.Odd].Text] = names[pair.Usual].Text
	}
	aliases := l.rules.aliases
	for _, key := range l.rules.aliasKeys {
		name := key.Raw()
		like, ok := likes[name]
		if _, isMapped := origins[name]; !ok || isMapped {
			continue
		}
		meaning, isKey := aliases[like]
		switch difference := alike.Difference(name, like); {
		case isKey && meaning != aliases[name]:
			l.warn(key.File(), key.Line(), key.Col(), "alias %q is %q, and looks like alias %q, which is %q: %s; are they the same?", name, aliases[name], like, meaning, difference)
		case !isKey:
			l.warn(key.File(), key.Line(), key.Col(), "alias %q is for no name of the mapping, and looks like %q of %s: %s; are they the same?", name, like, origins[like], difference)
		}
	}
}

// aliasable returns the names of the mapping that fields of callers can have, each once,
// and the first entry of each.
func (l *linter) aliasable(places [3][]*mappedPlace) (names []alike.Name, origins map[string]string) {
	origins = map[string]string{}
	if len(l.rules.aliasKeys) == 0 {
		return nil, origins
	}
	add := func(name string, origin *location.Origin) {
		if _, ok := origins[name]; !ok {
			origins[name] = fmt.Sprintf("%s:%d", origin.File, origin.Line)
			names = append(names, alike.Name{Text: name, Entries: 1})
		}
	}
	for _, m := range l.sets {
		for i := range segmentWords {
			add(m.name.Segment(i+1), m.origin)
		}
	}
	for _, list := range places {
		for _, m := range list {
			add(m.name, m.origin)
		}
	}
	return names, origins
}
