package world

import (
	"cmp"
	"net/netip"

	"github.com/polaris-contrib/setrouter/plugin/location"
)

// Pod is what the source kubernetes knows of an address, and from which pods
// and nodes.
type Pod struct {
	Addr         netip.Addr        `json:"host"`
	Location     location.Location `json:"location"`
	SET          location.SET      `json:"set,omitempty"`
	Labels       map[string]string `json:"labels,omitempty"`
	Shared       bool              `json:"shared"`
	From         string            `json:"from,omitempty"` // SET, labels and shared
	LocationFrom string            `json:"locationFrom,omitempty"`
}

// NewPod takes the facts of an address.
func NewPod(addr netip.Addr, f *location.Facts) Pod {
	p := Pod{Addr: addr, Location: f.Location, SET: f.SET, Labels: f.Labels, Shared: f.Shared != nil}
	from := cmp.Or(f.SETFrom, f.Shared)
	for _, label := range f.LabelsFrom {
		from = cmp.Or(from, label)
	}
	if from != nil {
		p.From = from.Match
	}
	if f.RegionFrom != nil {
		p.LocationFrom = f.RegionFrom.Match
	}
	return p
}

// Facts are those that NewPod has taken.
func (p Pod) Facts() location.Facts {
	var f location.Facts
	f.Location = p.Location
	f.From(&location.Origin{Source: location.SourceKubernetes, Match: p.LocationFrom})
	at := &location.Origin{Source: location.SourceKubernetes, Match: p.From}
	if p.SET != "" {
		f.SET, f.SETFrom = p.SET, at
	}
	if p.Shared {
		f.Shared = at
	}
	if len(p.Labels) > 0 {
		f.Labels, f.LabelsFrom = p.Labels, make(map[string]*location.Origin, len(p.Labels))
		for key := range p.Labels {
			f.LabelsFrom[key] = at
		}
	}
	return f
}

// podFacts is a source of pods.
type podFacts map[netip.Addr]*location.Facts

// Facts implements location.Source.
func (p podFacts) Facts(addr netip.Addr) (location.Found, bool) {
	f, ok := p[addr]
	if !ok {
		return location.Found{}, false
	}
	return f.Found(), true
}
