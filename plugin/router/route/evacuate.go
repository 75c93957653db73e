package route

import (
	"fmt"
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
	sum := xxhash.Sum64String(fmt.Sprintf("%s %s %d %s", e.Kind(), e.Place(), e.Until.Unix(), e.Reason))
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

// Evacuations returns the evacuations in force at a time, the last to end first. While
// the rules stay the same, two results are equal if they have equal numbers of
// evacuations. The method does not allocate.
func (r *Rules) Evacuations(now time.Time) Evacuations {
	if r == nil || len(r.evacuations) == 0 {
		return nil
	}
	return r.evacuations[:sort.Search(len(r.evacuations), func(i int) bool { return !r.evacuations[i].Until.After(now) })]
}

// Evacuations are evacuations in force together.
type Evacuations []Evacuation

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
		return strict.Optional(key, func(n strict.Node) {
			places++
			e.readPlace(key, n)
		})
	}
	values := n.Bind(
		place("region"), place("zone"), place("campus"), place("set"),
		strict.Optional("until", strict.Ignore), // read below: a missing place is said first
		strict.Optional("reason", strict.Text(&e.Reason)),
	)
	if places != 1 && n.Faults() == before {
		n.Errorf("the evacuation names %d places, expected one of %s", places, quoteList(placeKeys))
	}
	if values.Has("until") {
		e.Until = l.readUntil(values["until"])
	} else {
		n.Errorf("the evacuation has no until, expected its end, as until: 2026-12-01T10:00:00+08:00")
	}
	if n.Faults() == before {
		l.rules.evacuations = append(l.rules.evacuations, e)
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
		e.SET, err = location.ParseSET(text)
	} else {
		e.Location, err = ParsePlace(key, text)
	}
	if err != nil {
		n.Errorf("%v", err)
	}
}

func (l *loader) readUntil(n strict.Node) time.Time {
	until, err := time.Parse(time.RFC3339, n.Raw())
	switch {
	case err != nil:
		n.Errorf("until %q is not a time with its zone, expected as 2026-12-01T10:00:00+08:00", n.Raw())
	case until.Sub(l.now) > MaxEvacuation:
		n.Errorf("until %q is more than 7 days ahead, expected %s at the latest", n.Raw(), l.now.Add(MaxEvacuation).In(until.Location()).Format(time.RFC3339))
	}
	return until
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
	for _, e := range l.rules.evacuations {
		if err := l.table.CheckLocation(e.Location); err != nil {
			l.warn(e.File, e.Line, 1, "evacuation of %s %q: %v", e.Kind(), e.Place(), err)
		}
	}
}
