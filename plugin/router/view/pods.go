package view

import (
	"net/netip"

	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"

	"github.com/polaris-contrib/setrouter/internal/sources"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

// Pods are what the source kubernetes knows of the hosts of instances. Without
// a Source nothing is known.
type Pods struct {
	sources.Source
	First bool // the source comes before the mapping
}

// at returns what the source knows of the host of an instance; the zero value
// is nothing.
func (p Pods) at(host string) location.Found {
	addr, ok := location.HostAddr(host)
	if !ok {
		return location.Found{}
	}
	found, _ := p.Facts(addr)
	return found
}

// atHosts returns what the source knows of the hosts of instances. It returns
// nil without a Source.
func (p Pods) atHosts(list []*apiservice.Instance) []location.Found {
	if p.Source == nil {
		return nil
	}
	out := make([]location.Found, len(list))
	for n, i := range list {
		out[n] = p.at(i.GetHost().GetValue())
	}
	return out
}

// knownPod is a source that was asked already.
type knownPod struct{ found location.Found }

// Facts implements location.Source.
func (p knownPod) Facts(netip.Addr) (location.Found, bool) {
	return p.found, p.found != location.Found{}
}
