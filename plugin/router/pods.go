package router

import (
	"net/netip"
	"slices"

	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"

	"github.com/polaris-contrib/setrouter/internal/serverconfig"
	"github.com/polaris-contrib/setrouter/internal/sources"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

// podSource is the source kubernetes; without a Source there is none.
type podSource struct {
	sources.Source
	first bool // it stands before the mapping
}

// openPods opens the source kubernetes, if the configuration names it.
func openPods(config *serverconfig.Config) (podSource, error) {
	at := slices.Index(config.Sources, location.SourceKubernetes)
	if at < 0 {
		return podSource{}, nil
	}
	source, err := sources.Open(location.SourceKubernetes, config)
	mapping := slices.Index(config.Sources, location.SourceMapping)
	return podSource{source, at < mapping}, err
}

// of is what the source knows of the host of an instance; nil: nothing.
func (s podSource) of(host string) *location.Facts {
	addr, ok := hostAddr(host)
	if !ok {
		return nil
	}
	facts, _ := s.Facts(addr)
	return facts
}

// ofAll is what the source knows of the hosts of instances; nil without it.
func (s podSource) ofAll(list []*apiservice.Instance) []*location.Facts {
	if s.Source == nil {
		return nil
	}
	out := make([]*location.Facts, len(list))
	for i, p := range list {
		out[i] = s.of(p.GetHost().GetValue())
	}
	return out
}

// generation is that of the source, 0 without it.
func (s podSource) generation() uint64 {
	if s.Source == nil {
		return 0
	}
	return s.Generation()
}

// hosts know an instance by the mapping and by what was known of its pod.
func (s podSource) hosts(table *location.Table, pod *location.Facts) location.Hosts {
	h := location.Hosts{Table: table, PodsFirst: s.first}
	if pod != nil {
		h.Pods = oneHost{pod}
	}
	return h
}

// pod is what was known of the host of an instance; nil: nothing.
func (s *instances) pod(i int) *location.Facts {
	if s.pods == nil {
		return nil
	}
	return s.pods[i]
}

// follows tells whether the pods at the instances' hosts are what they were. It
// looks at each only where any pod has changed since.
func (s *snapshot) follows(pods podSource) bool {
	if pods.Source == nil {
		return true
	}
	generation := pods.Generation() // before the look: a later change makes another
	if s.generation.Load() == generation {
		return true
	}
	for i, p := range s.protos {
		if pods.of(p.GetHost().GetValue()) != s.pods[i] {
			return false
		}
	}
	s.generation.Store(generation)
	return true
}

// oneHost is a source that was asked already.
type oneHost struct{ facts *location.Facts }

// Facts implements location.Source.
func (h oneHost) Facts(netip.Addr) (*location.Facts, bool) { return h.facts, h.facts != nil }
