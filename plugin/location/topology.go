package location

import (
	"fmt"
	"maps"
	"slices"

	"github.com/polaris-contrib/setrouter/internal/strict"
)

// topology is the places that there are: region, zone, campuses.
type topology map[string]map[string][]string

// read adds what one file lists. A region or zone may be in several files.
func (t topology) read(n strict.Node) {
	for _, region := range n.Entries() {
		zones := t[region.Key.Raw()]
		if zones == nil {
			zones = map[string][]string{}
			t[region.Key.Raw()] = zones
		}
		for _, zone := range region.Value.Entries() {
			name := zone.Key.Raw()
			if other, elsewhere := t.regionOf(name); elsewhere && other != region.Key.Raw() {
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
				zones[name] = append(zones[name], campus.TextOr())
			}
		}
	}
}

// regionOf returns the region that a zone is under.
func (t topology) regionOf(zone string) (string, bool) {
	for region, zones := range t {
		if _, ok := zones[zone]; ok {
			return region, true
		}
	}
	return "", false
}

// CheckLocation says what of a location is not in the topology of the mapping
// files. Without one every location is in order.
func (t *Table) CheckLocation(loc Location) error {
	if t == nil || t.topology == nil {
		return nil
	}
	return t.topology.check(loc)
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
		return fmt.Errorf("zone %q is not in the topology, in region %q%s", loc.Zone, loc.Region, suggest(loc.Zone, slices.Collect(maps.Keys(zones))))
	}
	if loc.Campus != "" && loc.Zone != "" && !slices.Contains(campuses, loc.Campus) {
		return fmt.Errorf("campus %q is not in the topology, in zone %q%s", loc.Campus, loc.Zone, suggest(loc.Campus, campuses))
	}
	return nil
}

// checkAnywhere checks a zone without a region around it, or a campus without a
// zone.
func (t topology) checkAnywhere(loc Location) error {
	var zones, campuses []string
	for _, of := range t {
		for zone, list := range of {
			zones = append(zones, zone)
			if loc.Zone == "" || loc.Zone == zone {
				campuses = append(campuses, list...)
			}
		}
	}
	switch {
	case loc.Zone != "" && !slices.Contains(zones, loc.Zone):
		return fmt.Errorf("zone %q is not in the topology%s", loc.Zone, suggest(loc.Zone, zones))
	case loc.Campus != "" && !slices.Contains(campuses, loc.Campus):
		return fmt.Errorf("campus %q is not in the topology%s", loc.Campus, suggest(loc.Campus, campuses))
	}
	return nil
}

// locationCheck checks the locations that entries come to.
type locationCheck struct {
	*mappingLoader
	zones    map[string]*zoneSeen
	reported map[uint32]bool // by the number of the place
}

// zoneSeen is the first entry in a zone.
type zoneSeen struct {
	region string
	by     *Origin
}

func newLocationCheck(l *mappingLoader) *locationCheck {
	return &locationCheck{l, map[string]*zoneSeen{}, map[uint32]bool{}}
}

// entry reports an entry once, however many prefixes it has.
func (c *locationCheck) entry(g listed, loc Location) {
	if c.reported[g.place] {
		return
	}
	at := &c.table.places[g.place]
	if err := c.fault(loc, at); err != nil {
		c.reported[g.place] = true
		c.problems.Add(strict.Problem{File: at.File, Line: at.Line, Col: int(g.col), Message: err.Error()})
	}
}

// fault is what is wrong with the location of an entry at a place.
func (c *locationCheck) fault(loc Location, at *Origin) error {
	if err := c.table.CheckLocation(loc); err != nil {
		return err
	}
	return c.oneRegion(loc, at)
}

// oneRegion finds a zone under two regions.
func (c *locationCheck) oneRegion(loc Location, at *Origin) error {
	if loc.Region == "" || loc.Zone == "" {
		return nil
	}
	first := c.zones[loc.Zone]
	if first == nil {
		c.zones[loc.Zone] = &zoneSeen{loc.Region, at}
		return nil
	}
	if first.region == loc.Region {
		return nil
	}
	return fmt.Errorf("zone %q is under region %q here and under %q in %s:%d, expected one region",
		loc.Zone, loc.Region, first.region, first.by.File, first.by.Line)
}

func suggest(name string, words []string) string {
	slices.Sort(words)
	if near, ok := strict.Nearest(name, words); ok {
		return "; did you mean \"" + near + "\"?"
	}
	if len(words) == 0 {
		return ""
	}
	list := ""
	for i, w := range words {
		if i == 8 {
			return list + ", ..."
		}
		if i > 0 {
			list += ", "
		}
		list += w
	}
	return ", expected one of " + list
}
