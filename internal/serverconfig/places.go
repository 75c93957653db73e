package serverconfig

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

// The labels of nodes that have region and zone where nothing else is configured.
const (
	defaultRegionLabel = "topology.kubernetes.io/region"
	defaultZoneLabel   = "topology.kubernetes.io/zone"
)

// Places say how the labels of nodes become places. They stand in the section for all
// clusters, and in a cluster for that cluster.
type Places struct {
	RegionLabel string
	ZoneLabel   string
	CampusLabel string               // empty: nodes have no campus
	PlaceNames  map[string]PlaceName // places by the values of labels; nil: nodes have the operator's names
}

// PlaceName is a place of the operator that a cluster has another name for.
type PlaceName struct {
	location.Location
	Origin string `json:"-"` // file:line:col
}

// PlacesOf returns the places of a cluster: its own, for each key that it does not have
// those of the section, and then the defaults.
func (k *Kubernetes) PlacesOf(c Cluster) Places {
	out := Places{
		RegionLabel: cmp.Or(c.RegionLabel, k.RegionLabel, defaultRegionLabel),
		ZoneLabel:   cmp.Or(c.ZoneLabel, k.ZoneLabel, defaultZoneLabel),
		CampusLabel: cmp.Or(c.CampusLabel, k.CampusLabel),
		PlaceNames:  c.PlaceNames,
	}
	if out.PlaceNames == nil {
		out.PlaceNames = k.PlaceNames
	}
	return out
}

// CheckPlaces returns what is wrong with the places in placeNames of a cluster, in order
// of their origins. check is that of the topology of the mapping files.
func (k *Kubernetes) CheckPlaces(clusterName string, check func(location.Location) error) (problems []string) {
	if k == nil {
		return nil
	}
	for _, c := range k.Clusters {
		if c.Name != clusterName {
			continue
		}
		for _, place := range k.PlacesOf(c).PlaceNames {
			if err := check(place.Location); err != nil {
				problems = append(problems, fmt.Sprintf("%s: placeNames: %v", place.Origin, err))
			}
		}
	}
	slices.Sort(problems)
	return problems
}

// keys returns the keys of the configuration. zones has the zones of all placeNames that
// have been read.
func (p *Places) keys(zones map[string]PlaceName) []strict.Key {
	return []strict.Key{
		strict.Optional("regionLabel", "The label of nodes that has the region.", labelKey(&p.RegionLabel)),
		strict.Optional("zoneLabel", "The label of nodes that has the zone.", labelKey(&p.ZoneLabel)),
		strict.Optional("campusLabel", "The label of nodes that has the campus. Without it nodes have no campus.", func(n strict.Node) {
			if n.Raw() != "" || n.IsMapping() {
				labelKey(&p.CampusLabel)(n)
			}
		}),
		strict.Optional("placeNames", "The operators' names of places, by the values of the labels: region, region/zone or region/zone/campus.",
			func(n strict.Node) { p.readNames(n, zones) }),
	}
}

// The forms of labels, as Kubernetes has them.
var (
	labelKeyForm   = regexp.MustCompile(`^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$`)
	labelValueForm = regexp.MustCompile(`^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$`)
)

// labelKey returns a reader of the key of a label.
func labelKey(into *string) func(strict.Node) {
	return func(n strict.Node) {
		key, ok := n.Text()
		if ok && !labelKeyForm.MatchString(key) {
			n.Errorf("%q is no key of a label, expected one as %s", key, defaultZoneLabel)
		}
		*into = key
	}
}

func (p *Places) readNames(n strict.Node, zones map[string]PlaceName) {
	p.PlaceNames = map[string]PlaceName{}
	for _, e := range n.Entries() {
		if !labelValueForm.MatchString(e.Key.Raw()) {
			e.Key.Errorf("%q is no value of a label, expected what the nodes have as region, zone or campus, as cn-shenzhen-a", e.Key.Raw())
			continue
		}
		place, ok := readPlaceName(e.Value)
		if !ok {
			continue
		}
		if other, ok := zones[place.Zone]; ok && other.Region != place.Region {
			e.Value.Errorf("zone %q is under region %q here and under %q at %s, expected one region", place.Zone, place.Region, other.Region, other.Origin)
			continue
		}
		if place.Zone != "" {
			zones[place.Zone] = place
		}
		p.PlaceNames[e.Key.Raw()] = place
	}
}

// readPlaceName reads region, region/zone or region/zone/campus.
func readPlaceName(n strict.Node) (place PlaceName, ok bool) {
	text, ok := n.Text()
	if !ok {
		return place, false
	}
	levels := strings.Split(text, "/")
	if len(levels) > 3 || slices.Contains(levels, "") {
		n.Errorf("%q is no place, expected region, region/zone or region/zone/campus, as 华南/ap-shenzhen", text)
		return place, false
	}
	for level, name := range levels {
		if err := location.CheckPlaceName(level, name); err != nil {
			n.Errorf("%v", err)
			return place, false
		}
	}
	levels = append(levels, "", "")
	place.Location = location.Location{Region: levels[0], Zone: levels[1], Campus: levels[2]}
	place.Origin = fmt.Sprintf("%s:%d:%d", n.File(), n.Line(), n.Col())
	return place, true
}
