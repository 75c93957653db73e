package world

import (
	"cmp"
	"net/netip"

	"github.com/polaris-contrib/setrouter/plugin/location"
)

// Pod is what the source kubernetes knows of an address, with its origins: pods and
// nodes.
type Pod struct {
	Addr         netip.Addr        `json:"host"`
	Location     location.Location `json:"location"`
	SET          location.SET      `json:"set,omitempty"`
	Labels       map[string]string `json:"labels,omitempty"`
	Shared       bool              `json:"shared"`
	From         string            `json:"from,omitempty"` // the origin of SET, labels and shared
	LocationFrom string            `json:"locationFrom,omitempty"`
}

// NewPod returns the pod with the facts of an address.
func NewPod(addr netip.Addr, f *location.Facts) Pod {
	p := Pod{Addr: addr, Location: f.Location, SET: f.SET, Labels: f.Labels, Shared: f.Shared != nil}
	origin := cmp.Or(f.SETFrom, f.Shared)
	for _, label := range f.LabelsFrom {
		origin = cmp.Or(origin, label)
	}
	if origin != nil {
		p.From = origin.Match
	}
	if f.RegionFrom != nil {
		p.LocationFrom = f.RegionFrom.Match
	}
	return p
}

// Facts returns the facts that NewPod was called with.
func (p Pod) Facts() location.Facts {
	var f location.Facts
	f.Location = p.Location
	f.AssignOrigin(&location.Origin{Source: location.SourceKubernetes, Match: p.LocationFrom})
	origin := &location.Origin{Source: location.SourceKubernetes, Match: p.From}
	if p.SET != "" {
		f.SET, f.SETFrom = p.SET, origin
	}
	if p.Shared {
		f.Shared = origin
	}
	if len(p.Labels) > 0 {
		f.Labels, f.LabelsFrom = p.Labels, make(map[string]*location.Origin, len(p.Labels))
		for key := range p.Labels {
			f.LabelsFrom[key] = origin
		}
	}
	return f
}
