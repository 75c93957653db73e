package router

import (
	"context"
	"net/netip"
	"slices"

	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"

	"github.com/polaris-contrib/setrouter/internal/wire"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/caller"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// Identify returns what all sources know of a caller's address, which is
// normalised.
func (s *Server) Identify(addr netip.Addr) location.Facts {
	return location.Resolver{Sources: s.sources, Default: s.table().Default()}.Caller(addr)
}

// Caller returns what is known of a caller's address, for explanations. The address is
// normalised.
func (s *Server) Caller(addr netip.Addr) explain.Caller {
	c := explain.NewCaller(addr, s.Identify(addr), s.registrations(addr))
	c.Proxy = s.proxyAt(addr)
	return c
}

// registrations returns the registrations at a normalised address, nil without the
// source registry.
func (s *Server) registrations(addr netip.Addr) []explain.Registration {
	if s.records == nil || !slices.Contains(s.config.Sources, location.SourceRegistry) {
		return nil
	}
	var out []explain.Registration
	for id, record := range s.records.InstancesAt(addr) {
		i := s.Caches().Instance().GetInstance(id)
		if i == nil { // it went just now
			continue
		}
		_, ignored := location.Registered(wire.FromProto(i.Location()), i.Metadata())
		r := explain.Registration{Host: i.Host(), Port: i.Port(), Record: record, Ignored: ignored}
		if service := s.Caches().Service().GetServiceByID(i.ServiceID); service != nil {
			r.Service = route.Service{Namespace: service.Namespace, Name: service.Name}.String()
		}
		out = append(out, r)
	}
	explain.SortRegistrations(out)
	return out
}

// countSeveralSETs returns how many addresses have callers with several SETs.
func (s *Server) countSeveralSETs() (n int) {
	for _, addr := range s.records.WithSeveralSETs() {
		if facts := s.Identify(addr); len(facts.SETs) > 0 {
			n++
		}
	}
	return n
}

// locateClient gives a client that calls ReportClient the place that the mapping has for
// the caller's address (docs/design.md, 3). It does so only if the mapping does not know
// the host that the client says, for which the stock server asks the mapping itself. The
// address of a trusted proxy is no client's, and a caller that cannot be told has none.
func (s *Server) locateClient(ctx context.Context, client *apiservice.Client) {
	if _, ok := s.table().LookupHost(client.GetHost().GetValue()); ok || client == nil {
		return
	}
	addr, why := caller.Address(ctx, s.config.Proxies())
	if why != "" || s.config.Proxies().Trust(addr) {
		return
	}
	if found, ok := s.table().Lookup(addr); ok && found.Location != (location.Location{}) {
		client.Location = wire.ToProto(found.Location)
	}
}
