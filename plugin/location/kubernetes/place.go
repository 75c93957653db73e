package kubernetes

import (
	"fmt"
	"maps"
	"slices"

	"github.com/polaris-contrib/setrouter/internal/serverconfig"
	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

// placeOf returns the place of a node with these labels. The narrowest name that
// placeNames has gives the place; the narrower names of the node follow, as far as there
// are levels. If placeNames has none of the names, the names themselves are the place;
// unnamed says so, unless the region is one of the places of placeNames.
func placeOf(labels map[string]string, p serverconfig.Places) (loc location.Location, unnamed string) {
	names := []string{labels[p.RegionLabel], labels[p.ZoneLabel], labels[p.CampusLabel]}
	for level, name := range slices.Backward(names) {
		if named, ok := p.PlaceNames[name]; ok {
			depth := named.Depth()
			levels := []string{named.Region, named.Zone, named.Campus}[:depth]
			return join(append(levels, names[level+1:]...)), ""
		}
	}
	return join(names), unnamedIn(names, p)
}

// join returns the place of the first three names, up to the first that is empty.
func join(names []string) location.Location {
	names = append(names, "", "", "")
	loc := location.Location{Region: names[0], Zone: names[1], Campus: names[2]}
	return loc.Cut(loc.Depth())
}

// unnamedIn returns what placeNames lacks of a node with these names, of which it has
// none; empty if nothing.
func unnamedIn(names []string, p serverconfig.Places) string {
	kind, name := "region", names[0]
	if names[1] != "" {
		kind, name = "zone", names[1]
	}
	isOwn := func(named serverconfig.PlaceName) bool { return named.Region == names[0] }
	if len(p.PlaceNames) == 0 || name == "" || slices.ContainsFunc(slices.Collect(maps.Values(p.PlaceNames)), isOwn) {
		return ""
	}
	text := fmt.Sprintf("%s %q, which placeNames does not have", kind, name)
	if near, ok := strict.Nearest(name, slices.Sorted(maps.Keys(p.PlaceNames))); ok {
		text += strict.DidYouMean(name, near)
	}
	return text
}
