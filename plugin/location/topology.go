package location

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/polaris-contrib/setrouter/internal/strict"
)

// topology is every place that a location may name: the campuses by region and
// zone.
type topology map[string]map[string][]string

// read adds the places that one file lists. A region or zone may be in several
// files.
func (t topology) read(n strict.Node) {
	for _, region := range n.Entries() {
		if !checkName(0, region.Key) {
			continue
		}
		zones := t[region.Key.Raw()]
		if zones == nil {
			zones = map[string][]string{}
			t[region.Key.Raw()] = zones
		}
		for _, zone := range region.Value.Entries() {
			name := zone.Key.Raw()
			if !checkName(1, zone.Key) {
				continue
			}
			if other, ok := t.regionOf(name); ok && other != region.Key.Raw() {
				zone.Key.Errorf("zone %q is under region %q here and under %q elsewhere, expected one region", name, region.Key.Raw(), other)
				continue
			}
			if zones[name] == nil {
				zones[name] = []string{}
			}
			if zone.Value.Null() {
				continue
			}
			for _, campus := range zone.Value.Items() {
				if name, ok := campus.Text(); ok && checkName(2, campus) {
					zones[zone.Key.Raw()] = append(zones[zone.Key.Raw()], name)
				}
			}
		}
	}
}

// checkName reports whether a name of the topology is in order. It adds a fault if not.
func checkName(level int, n strict.Node) bool {
	err := CheckPlaceName(level, n.Raw())
	if err != nil {
		n.Errorf("%v", err)
	}
	return err == nil
}

// regionOf returns the region of a zone; ok is false for a zone that is not in t.
func (t topology) regionOf(zone string) (region string, ok bool) {
	for region, zones := range t {
		if _, ok := zones[zone]; ok {
			return region, true
		}
	}
	return "", false
}

// HasTopology reports whether the mapping files list the places that there are.
func (t *Table) HasTopology() bool { return t != nil && t.topology != nil }

// CheckLocation returns an error if a level of loc is not in the topology of the
// mapping files. Without a topology it returns nil for every location.
func (t *Table) CheckLocation(loc Location) error {
	if t == nil || t.topology == nil {
		return nil
	}
	return t.topology.check(loc)
}

// CheckCondition is CheckLocation for the place that a rule is for. A rule may name a
// region and a campus without the zone between them; a mapping entry may not.
func (t *Table) CheckCondition(loc Location) error {
	if err := t.CheckLocation(loc); err != nil || !t.HasTopology() || loc.Region == "" || loc.Zone != "" {
		return err
	}
	return t.topology.checkInRegion(loc)
}

func (t topology) check(loc Location) error {
	if loc.Region == "" {
		return t.checkAnywhere(loc)
	}
	zones, ok := t[loc.Region]
	if !ok {
		return fmt.Errorf("region %q is not in the topology%s", loc.Region, suggest(loc.Region, slices.Collect(maps.Keys(t))))
	}
	campuses, ok := zones[loc.Zone]
	if loc.Zone != "" && !ok {
		if region, ok := t.regionOf(loc.Zone); ok {
			return fmt.Errorf("zone %q is in region %q, not in %q", loc.Zone, region, loc.Region)
		}
		return fmt.Errorf("zone %q is not in the topology, in region %q%s", loc.Zone, loc.Region, suggest(loc.Zone, slices.Collect(maps.Keys(zones))))
	}
	if loc.Campus != "" && loc.Zone != "" && !slices.Contains(campuses, loc.Campus) {
		return t.noCampus(loc, fmt.Sprintf("in zone %q", loc.Zone), campuses)
	}
	return nil
}

// noCampus returns the error for a campus that is not among the campuses of a place.
func (t topology) noCampus(loc Location, place string, campuses []string) error {
	var elsewhere []string
	for region, zones := range t {
		for zone, list := range zones {
			if slices.Contains(list, loc.Campus) {
				elsewhere = append(elsewhere, fmt.Sprintf("%q", region+"/"+zone))
			}
		}
	}
	if len(elsewhere) > 0 {
		slices.Sort(elsewhere)
		return fmt.Errorf("campus %q is in zone %s, not %s", loc.Campus, strings.Join(elsewhere, ", "), place)
	}
	return fmt.Errorf("campus %q is not in the topology, %s%s", loc.Campus, place, suggest(loc.Campus, campuses))
}

// checkInRegion checks the campus of a location that has a region and no zone.
func (t topology) checkInRegion(loc Location) error {
	var campuses []string
	for _, list := range t[loc.Region] {
		campuses = append(campuses, list...)
	}
	if loc.Campus == "" || slices.Contains(campuses, loc.Campus) {
		return nil
	}
	return t.noCampus(loc, fmt.Sprintf("in region %q", loc.Region), campuses)
}

// checkAnywhere checks a location without a region against all regions.
func (t topology) checkAnywhere(loc Location) error {
	var zones, campuses []string
	for _, zonesOfRegion := range t {
		for zone, list := range zonesOfRegion {
			zones = append(zones, zone)
			if loc.Zone == "" || loc.Zone == zone {
				campuses = append(campuses, list...)
			}
		}
	}
	switch {
	case loc.Zone != "" && !slices.Contains(zones, loc.Zone):
		return fmt.Errorf("zone %q is not in the topology%s", loc.Zone, suggest(loc.Zone, zones))
	case loc.Campus != "" && loc.Zone != "" && !slices.Contains(campuses, loc.Campus):
		return t.noCampus(loc, fmt.Sprintf("in zone %q", loc.Zone), campuses)
	case loc.Campus != "" && !slices.Contains(campuses, loc.Campus):
		return fmt.Errorf("campus %q is not in the topology%s", loc.Campus, suggest(loc.Campus, campuses))
	}
	return nil
}

// suggest returns the end of a message: the nearest word, or else the first words.
func suggest(name string, words []string) string {
	slices.Sort(words)
	if near, ok := strict.Nearest(name, words); ok {
		return strict.DidYouMean(name, near)
	}
	if len(words) == 0 {
		return ""
	}
	list := ""
	for i, word := range words {
		if i == 8 {
			return list + ", ..."
		}
		if i > 0 {
			list += ", "
		}
		list += word
	}
	return ", expected one of " + list
}
