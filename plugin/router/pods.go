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

// of is what the source knows of the host of an instance; zero: nothing.
func (s podSource) of(host string) location.Found {
	addr, ok := hostAddr(host)
	if !ok {
		return location.Found{}
	}
	found, _ := s.Facts(addr)
	return found
}

// ofAll is what the source knows of the hosts of instances, nil without it.
func (s podSource) ofAll(list []*apiservice.Instance) []location.Found {
	if s.Source == nil {
		return nil
	}
	out := make([]location.Found, len(list))
	for i, p := range list {
		out[i] = s.of(p.GetHost().GetValue())
	}
	return out
}

// oneHost is a source that was asked already.
type oneHost struct{ found location.Found }

// Facts implements location.Source.
func (h oneHost) Facts(netip.Addr) (location.Found, bool) {
	return h.found, h.found != location.Found{}
}
