package route

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

// MaxEvacuation is how far ahead the end of an evacuation may be: an evacuation that
// everybody forgot ends by itself.
const MaxEvacuation = 7 * 24 * time.Hour

// Evacuation takes a place or a SET out until a time: the instances there count as
// not usable, and every routed list that has another usable instance leaves them
// out.
type Evacuation struct {
	Location location.Location // region, region/zone or region/zone/campus; empty for a SET
	SET      location.SET      // exactly this one
	From     time.Time         // the zero time: from the beginning
	Until    time.Time
	Reason   string
	File     string
	Line     int
}

// Kind returns the key of routing files for what is evacuated: region, zone, campus
// or set.
func (e Evacuation) Kind() string {
	if e.SET != "" {
		return "set"
	}
	return Level(e.Location.Depth()).String()
}

// Place returns what is evacuated, as in routing files: a place or a SET.
func (e Evacuation) Place() string {
	if e.SET != "" {
		return string(e.SET)
	}
	return e.Location.String()
}

// ID returns a name made from the content of the evacuation, by which operators end
// the evacuation.
func (e Evacuation) ID() string {
	content := fmt.Sprintf("%s %s %d %s", e.Kind(), e.Place(), e.Until.Unix(), e.Reason)
	if !e.From.IsZero() {
		content += fmt.Sprint(" ", e.From.Unix())
	}
	sum := xxhash.Sum64String(content)
	return fmt.Sprintf("%08x", uint32(sum))
}

// TakesOut reports whether the evacuation takes an instance out.
func (e Evacuation) TakesOut(loc location.Location, set location.SET) bool {
	if e.SET != "" {
		return set == e.SET
	}
	depth := e.Location.Depth()
	return loc.Depth() >= depth && loc.Cut(depth) == e.Location
}

// InForce reports whether the evacuation has begun at a time, and has not ended.
func (e Evacuation) InForce(now time.Time) bool { return !now.Before(e.From) && now.Before(e.Until) }

// evacuationTable finds the evacuations in force at a time. It has a list for each time
// at which an evacuation begins; between two of these times, evacuations only end.
type evacuationTable struct {
	all    []Evacuation // the last to end first
	begins []time.Time  // ascending; the first is the zero time
	lists  []Evacuations
}

// maxBegins is how many different times `from` may have in all files: each costs a list.
const maxBegins = 100

// newEvacuationTable returns a table of evacuations.
func newEvacuationTable(all []Evacuation) evacuationTable {
	t := evacuationTable{all: all, begins: []time.Time{{}}}
	slices.SortStableFunc(t.all, func(a, b Evacuation) int { return b.Until.Compare(a.Until) })
	for _, e := range all {
		t.begins = append(t.begins, e.From)
	}
	slices.SortFunc(t.begins, time.Time.Compare)
	t.begins = slices.CompactFunc(t.begins, time.Time.Equal)
	for _, begin := range t.begins {
		t.lists = append(t.lists, slices.DeleteFunc(slices.Clone(t.all), func(e Evacuation) bool { return !e.InForce(begin) }))
	}
	return t
}

// AllEvacuations returns the evacuations of the routing files, the last to end first:
// also those that have not begun, and those that have ended.
func (r *Rules) AllEvacuations() []Evacuation {
	if r == nil {
		return nil
	}
	return r.evacuations.all
}

// Evacuations returns the evacuations in force at a time, the last to end first. The
// slice is shared: it must not be written. The method does not allocate.
func (r *Rules) Evacuations(now time.Time) Evacuations {
	if r == nil || len(r.evacuations.all) == 0 {
		return nil
	}
	t := &r.evacuations
	later := sort.Search(len(t.begins), func(n int) bool { return t.begins[n].After(now) })
	list := t.lists[max(later-1, 0)]
	return list[:sort.Search(len(list), func(n int) bool { return !list[n].Until.After(now) })]
}

// Evacuations are evacuations in force together.
type Evacuations []Evacuation

// Same reports whether two results of Evacuations of the same rules are equal.
func (es Evacuations) Same(other Evacuations) bool {
	return len(es) == len(other) && (len(es) == 0 || &es[0] == &other[0])
}

// TakingOut returns the first evacuation that takes an instance out, if there is one.
func (es Evacuations) TakingOut(loc location.Location, set location.SET) (Evacuation, bool) {
	for _, e := range es {
		if e.TakesOut(loc, set) {
			return e, true
		}
	}
	return Evacuation{}, false
}

// placeKeys are the keys that name a place, by the number of its segments.
var placeKeys = []string{"set", "region", "zone", "campus"}

func (l *loader) readEvacuation(n strict.Node) {
	before := n.Faults()
	e := Evacuation{File: n.File(), Line: n.Line()}
	places := 0
	place := func(key string) strict.Key {
		return strict.Optional(key, "What is taken out: one of `region`, `zone` as region/zone, `campus` as region/zone/campus, and `set`.", func(n strict.Node) {
			places++
			e.readPlace(key, n)
		})
	}
	values := n.Bind(
		place("region"), place("zone"), place("campus"), place("set"),
		strict.Optional("from", "When it begins. Without it, it has begun.", func(n strict.Node) { e.From = l.readFrom(n) }),
		strict.Optional("until", "When it ends, at most 7 days ahead, or after `from`.", strict.Ignore), // read below: a missing place is said first
		strict.Optional("reason", "Why, for those who look at the status.", strict.Text(&e.Reason)),
	)
	if places != 1 && n.Faults() == before {
		n.Errorf("the evacuation names %d places, expected one of %s", places, quoteList(placeKeys))
	}
	if values.Has("until") {
		e.Until = l.readUntil(values["until"], e.From)
	} else {
		n.Errorf("the evacuation has no until, expected its end, as until: 2026-12-01T10:00:00+08:00")
	}
	if n.Faults() == before {
		l.evacuations = append(l.evacuations, e)
	}
}

// readPlace reads the place or SET under one of placeKeys.
func (e *Evacuation) readPlace(key string, n strict.Node) {
	text, ok := n.Text()
	if !ok {
		return
	}
	var err error
	if key == "set" {
		n.Form("SET name")
		e.SET, err = location.ParseSET(text)
	} else {
		e.Location, err = ParsePlace(key, text)
	}
	if err != nil {
		n.Errorf("%v", err)
	}
}

// readFrom reads the beginning of an evacuation.
func (l *loader) readFrom(n strict.Node) time.Time {
	from := readMoment(n, "from")
	if l.begins[from] = true; len(l.begins) == maxBegins+1 {
		n.Errorf("from %q is one more than %d different times, expected fewer in all files together", n.Raw(), maxBegins)
	}
	return from
}

// readUntil reads the end of an evacuation that begins at a time.
func (l *loader) readUntil(n strict.Node, from time.Time) time.Time {
	until, begin, after := readMoment(n, "until"), l.now, "ahead"
	if from.After(begin) {
		begin, after = from, "after from"
	}
	switch {
	case until.IsZero():
	case !from.IsZero() && !until.After(from):
		n.Errorf("until %q is not after from, %s, expected a later time", n.Raw(), from.Format(time.RFC3339))
	case until.Sub(begin) > MaxEvacuation:
		n.Errorf("until %q is more than 7 days %s, expected %s at the latest", n.Raw(), after, begin.Add(MaxEvacuation).In(until.Location()).Format(time.RFC3339))
	}
	return until
}

// readMoment reads a time with its zone. It returns the zero time after a fault.
func readMoment(n strict.Node, key string) time.Time {
	n.Form("time with its zone")
	t, err := time.Parse(time.RFC3339, n.Raw())
	if err != nil {
		t, err = time.Parse("2006-01-02 15:04:05Z07:00", n.Raw()) // as PyYAML writes times
	}
	if err != nil {
		n.Errorf("%s %q is not a time with its zone, expected as 2026-12-01T10:00:00+08:00", key, n.Raw())
		return time.Time{}
	}
	return t
}

// ParsePlace reads region, region/zone or region/zone/campus, whichever the
// key region, zone or campus asks for.
func ParsePlace(key, text string) (location.Location, error) {
	form := map[string]string{"region": "region", "zone": "region/zone", "campus": "region/zone/campus"}[key]
	segments := strings.Split(text, "/")
	for _, s := range segments {
		if s == "" || len(segments) != strings.Count(form, "/")+1 {
			return location.Location{}, fmt.Errorf("%s %q is not %s", key, text, form)
		}
	}
	segments = append(segments, "", "")
	return location.Location{Region: segments[0], Zone: segments[1], Campus: segments[2]}, nil
}

// warnEvacuations warns of evacuated places that the topology does not have.
func (l *linter) warnEvacuations() {
	for _, e := range l.rules.evacuations.all {
		if err := l.table.CheckLocation(e.Location); err != nil {
			l.warn(e.File, e.Line, 1, "evacuation of %s %q: %v", e.Kind(), e.Place(), err)
		}
	}
}

// WarnEvacuated adds a warning for each evacuation of a SET or place that no mapping entry
// has, and for each that takes out none of the instances. Instances is nil if they are not
// known: then a mapping without SETs, or without places, says nothing about these, as
// instances register their own. Places outside of the topology are Lint's.
func (r *Rules) WarnEvacuated(table *location.Table, instances []location.Identity, problems *strict.Problems) {
	for _, e := range r.AllEvacuations() {
		if table.CheckLocation(e.Location) != nil {
			continue
		}
		mapped, taken := e.names(table.Identities()), slices.ContainsFunc(instances, func(i location.Identity) bool { return e.TakesOut(i.Location, i.SET) })
		isMapped, word := slices.Contains(mapped, e.Place()), e.noun()
		what := ""
		switch {
		case taken:
		case instances == nil && !isMapped && len(mapped) > 0:
			what = "no mapping entry has that " + word + "; only instances that register it themselves are taken out"
		case instances != nil && isMapped:
			what = "no instance has that " + word
		case instances != nil:
			what = "no mapping entry and no instance has that " + word
		}
		if what == "" {
			continue
		}
		if near, ok := e.Nearest(slices.Concat(table.Identities(), instances)); ok && !isMapped {
			what += fmt.Sprintf("; did you mean %q?", near)
		}
		problems.Add(strict.Warning(e.File, e.Line, 1, "evacuation of %s %q: %s", e.Kind(), e.Place(), what))
	}
}

// noun returns the word for what is evacuated: SET, region, zone or campus.
func (e Evacuation) noun() string {
	if e.SET != "" {
		return "SET"
	}
	return e.Kind()
}

// Nearest returns the SET or place among identities whose name is nearly that of the
// evacuation. It is not ok if there is none.
func (e Evacuation) Nearest(identities []location.Identity) (name string, ok bool) {
	return strict.Nearest(e.Place(), e.names(identities))
}

// names returns the SETs of identities, or the places of the same kind as that of the
// evacuation, sorted.
func (e Evacuation) names(identities []location.Identity) []string {
	names, depth := []string{}, e.Location.Depth()
	for _, id := range identities {
		switch {
		case e.SET != "" && id.SET != "":
			names = append(names, string(id.SET))
		case e.SET == "" && id.Location.Depth() >= depth:
			names = append(names, id.Location.Cut(depth).String())
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
