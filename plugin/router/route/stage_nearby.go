package route

import (
	"slices"

	"github.com/polaris-contrib/setrouter/internal/strict"
)

// NearbyStage is the `nearby:` of a rule (docs/design.md, 5.2).
type NearbyStage struct {
	Match  Level     // `matchLevel`: the level to begin with
	Max    Level     // `maxMatchLevel`: the widest level; LevelAll with Places
	Places *PlaceMap // `places`: the levels behind Match; nil without a map
	Strict bool      // callers without a location get an empty list
}

// readNearby reads the nearby stage of a rule, with the defaults for what it does not
// say.
func (l *loader) readNearby(n strict.Node) *NearbyStage {
	n.NotNull("{} for the defaults")
	own := readNearbyValues(n)
	v := l.defaults.nearby.over(own)
	if v.match != nil && *v.match == LevelNone && v.places == "" && own.max == nil {
		v.matchAt.Errorf("matchLevel \"none\" leaves the first road to a map, expected places: the name of a map")
	}
	return l.nearbyStage(v)
}

// nearbyStage returns the stage of values. The map of places is found when all files are
// read.
func (l *loader) nearbyStage(v nearbyValues) *NearbyStage {
	stage := &NearbyStage{Match: LevelZone, Max: LevelAll}
	if v.max != nil {
		stage.Max, stage.Match = *v.max, max(stage.Match, *v.max)
	}
	if v.match != nil {
		stage.Match = *v.match
	}
	if v.strict != nil {
		stage.Strict = *v.strict
	}
	if v.places != "" {
		l.references[v.placesAt] = append(l.references[v.placesAt], stage)
	}
	return stage
}

// readNearbyValues reads what `nearby` says.
func readNearbyValues(n strict.Node) (v nearbyValues) {
	values := n.Bind(
		strict.Optional("matchLevel", "The first and narrowest level. `none`, with `places`, leaves the first road to the map.",
			func(n strict.Node) { v.match = readLevel(n, "none") }),
		strict.Optional("maxMatchLevel", "The last and widest level. It excludes `places`.", func(n strict.Node) { v.max = readMaxLevel(n) }),
		strict.Optional("places", "The name of a map of `places`, which says where the roads go behind `matchLevel`.", func(n strict.Node) {
			text, ok := n.Text()
			if ok && text == "" {
				n.Errorf("places is empty, expected the name of a map")
			}
			v.places, v.placesAt = text, n
		}),
		strict.Optional("strict", "Whether a caller without a place, or not known down to `maxMatchLevel`, gets an empty list.", func(n strict.Node) {
			if b, ok := n.Bool(); ok {
				v.strict = &b
			}
		}),
	)
	switch {
	case v.max != nil && v.places != "":
		values["places"].Errorf("places and maxMatchLevel are both given, expected one: the map %q says how far the roads go", v.places)
	case v.max != nil && v.match != nil && *v.match != LevelNone && *v.max > *v.match:
		values["maxMatchLevel"].Errorf("maxMatchLevel %q is narrower than matchLevel %q, expected the same or wider: campus, zone, region, all", *v.max, *v.match)
	case v.max != nil && v.match != nil && *v.match == LevelNone:
		values["matchLevel"].Errorf("matchLevel \"none\" leaves the first road to a map, expected places in the place of maxMatchLevel")
	}
	if v.match != nil {
		v.matchAt = values["matchLevel"]
	}
	return v
}

// readMaxLevel reads the widest level. In Polaris's SDKs an empty text is the widest of
// all.
func readMaxLevel(n strict.Node) *Level {
	if n.Raw() == "" && n.IsText() {
		n.Errorf("found \"\", which is all in Polaris's SDKs, expected all, or no key maxMatchLevel")
		return nil
	}
	return readLevel(n)
}

// readLevel reads a level, or one of further words. It returns nil after a fault.
func readLevel(n strict.Node, further ...string) *Level {
	word, ok := n.Word(append(slices.Clip(levelWords), further...)...)
	if !ok {
		return nil
	}
	l, ok := parseLevel(word)
	if !ok {
		l = LevelNone
	}
	return &l
}
