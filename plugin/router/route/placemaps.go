package route

import (
	"fmt"
	"slices"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

// readPlaces reads the maps of a file.
func (l *loader) readPlaces(n strict.Node) {
	n.NotNull("no key places")
	for _, e := range n.Entries() {
		name := e.Key.Raw()
		if first, ok := l.maps[name]; ok {
			e.Key.Errorf("map %q of places is given twice, first in %s:%d", name, first.File, first.Line)
			continue
		}
		m := &PlaceMap{Name: name, File: n.File(), Line: e.Key.Line(), col: e.Key.Col(), entries: map[location.Location][]stop{}}
		l.maps[name] = m
		l.rules.maps = append(l.rules.maps, m)
		e.Value.NotNull(fmt.Sprintf("no map %q", name))
		for _, entry := range e.Value.Entries() {
			m.readEntry(entry)
		}
	}
}

// readEntry reads what a map lists for a place, or for "*".
func (m *PlaceMap) readEntry(e strict.Entry) {
	var stops []stop
	for _, item := range e.Value.Items() {
		if s, ok := m.readStop(item); ok {
			stops = append(stops, s)
			m.depth = max(m.depth, s.deepest())
		}
	}
	if e.Key.Raw() == "*" {
		m.others, m.hasOthers = stops, true
		return
	}
	place, err := parsePlaceOfAnyDepth(e.Key.Raw())
	if err != nil {
		e.Key.Errorf("%v, nor \"*\"", err)
		return
	}
	m.entries[place], m.depth = stops, max(m.depth, place.Depth())
	m.say(place, e.Key, true)
}

// say notes where the map names a place, as a key or as a road.
func (m *PlaceMap) say(place location.Location, n strict.Node, isKey bool) {
	m.said = append(m.said, saidPlace{place, n.Line(), n.Col(), isKey})
}

// readStop reads a place or level word, or a list of those that count as one road.
func (m *PlaceMap) readStop(n strict.Node) (s stop, ok bool) {
	before := n.Faults()
	items := n.OneOrItems()
	if len(items) == 0 && n.Faults() == before {
		n.Errorf("the list is empty, expected the places that are one road together")
	}
	var words []string
	for _, item := range items {
		if word, ok := item.Text(); ok {
			m.readWord(item, word)
			words = append(words, word)
		}
	}
	if n.Faults() > before {
		return stop{}, false
	}
	s, err := newStop(words)
	return s, err == nil
}

// readWord reads a place or level word of a road.
func (m *PlaceMap) readWord(n strict.Node, word string) {
	if _, ok := parseLevel(word); ok {
		return
	}
	place, err := parsePlaceOfAnyDepth(word)
	if err != nil {
		n.Errorf("%v, nor one of %s", err, quoteList(levelWords))
		return
	}
	m.say(place, n, false)
}

// resolvePlaces gives each stage the map that it names.
func (l *loader) resolvePlaces() {
	for at, stages := range l.references {
		name := at.Raw()
		m, ok := l.maps[name]
		if !ok {
			if !l.part {
				at.Errorf("no file has a map %q under places%s", name, suggestMap(name, l.maps))
			}
			continue
		}
		for _, stage := range stages {
			stage.Places = m
		}
		needsOthers := func(s *NearbyStage) bool { return s.Match == LevelNone && !m.hasOthers }
		if slices.ContainsFunc(stages, needsOthers) {
			at.Errorf("map %q has no \"*\", and matchLevel none leaves the first road of every caller to it", name)
		}
	}
}

// suggestMap returns a hint at the name of a map that is there.
func suggestMap(name string, maps map[string]*PlaceMap) string {
	var names []string
	for name := range maps {
		names = append(names, name)
	}
	slices.Sort(names)
	if near, ok := strict.Nearest(name, names); ok {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	if len(names) == 0 {
		return fmt.Sprintf(", expected one at the top of a file, as places: {%s: {\"*\": [region, all]}}", name)
	}
	return ", expected one of " + quoteList(names)
}

// CheckPlaces adds a fault for each place of a map that is outside the topology of the
// mapping files. Load does not know the mapping. Rules and table may be nil.
func (r *Rules) CheckPlaces(table *location.Table, problems *strict.Problems) {
	r.placesOutside(table, func(m *PlaceMap, at saidPlace, err error) {
		problems.Add(strict.Problem{File: m.File, Line: at.line, Col: at.col, Message: fmt.Sprintf("map %q has %q: %v", m.Name, at.Location, err)})
	})
}

// placesOutside calls add for each place of a map that is outside the topology: once
// for a place and map.
func (r *Rules) placesOutside(table *location.Table, add func(*PlaceMap, saidPlace, error)) {
	if r == nil {
		return
	}
	for _, m := range r.maps {
		seen := map[location.Location]bool{}
		for _, at := range m.said {
			if err := table.CheckLocation(at.Location); err != nil && !seen[at.Location] {
				add(m, at, err)
			}
			seen[at.Location] = true
		}
	}
}
