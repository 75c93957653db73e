package router

import (
	"net/netip"
	"time"

	"github.com/polarismesh/polaris/cache"

	"github.com/polaris-contrib/setrouter/internal/serverconfig"
	"github.com/polaris-contrib/setrouter/internal/serverfiles"
	"github.com/polaris-contrib/setrouter/plugin/cmdb"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/view"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// HasRules reports whether routing files are configured. That does not change.
func (s *Server) HasRules() bool { return s.rules != nil }

// Rules returns the rules in force, nil where no routing files are configured.
func (s *Server) Rules() *route.Rules {
	if s.rules == nil {
		return nil
	}
	return s.rules()
}

// MayRouteIn reports whether some caller may get another list than the stock one of some
// service in a namespace.
func (s *Server) MayRouteIn(namespace string) bool { return s.Rules().MayRouteIn(namespace) }

// MayRoute reports whether some caller may get another list than the stock one under a
// name.
func (s *Server) MayRoute(name route.Service) bool {
	rules := s.Rules()
	return rules != nil && rules.MayRoute(rules.Resolve(s.names.find(name)))
}

// HasName reports whether clients can ask for a name: of a service, an alias, a service that
// another namespace exports, or a lane address.
func (s *Server) HasName(name route.Service) bool {
	found := s.names.find(name)
	return found.Exists || len(found.Read) > 0 || s.Rules().IsAddress(name)
}

// Table returns the mapping in force.
func (s *Server) Table() *location.Table { return s.table() }

// Config returns the sections of the server's configuration that are the pack's.
func (s *Server) Config() *serverconfig.Config { return s.config }

// Now returns the time by which evacuations end.
func (s *Server) Now() time.Time { return s.views.Now() }

// Started returns when the server was made.
func (s *Server) Started() time.Time { return s.started }

// Caches returns the caches of the Polaris server.
func (s *Server) Caches() *cache.CacheManager { return s.stockWithoutAuth.Cache() }

// Exists reports whether the server has a service, or an alias, of a name.
func (s *Server) Exists(name route.Service) bool {
	return s.names.services().GetServiceByName(name.Name, name.Namespace) != nil
}

// Pods returns the source kubernetes.
func (s *Server) Pods() view.Pods { return s.views.Pods }

// RecentCallers returns how many requests each caller made in the last minutes.
func (s *Server) RecentCallers() map[netip.Addr]uint64 { return s.recent.Requests() }

// UnknownRequests returns how many requests there were in the last minutes of callers
// of whose SET nothing was known, of services with SETs.
func (s *Server) UnknownRequests() map[world.UnknownRequest]uint64 { return s.unknown.Requests() }

// Changes returns the last changes of what callers get, as view.Store.Changes.
func (s *Server) Changes(service string) []api.Change { return s.views.Changes(service) }

// Kept returns how many lists are kept at this moment, and whether there is room for more.
func (s *Server) Kept() view.Kept { return s.views.Kept() }

// Remarks returns what operators should know of the lists that callers get.
func (s *Server) Remarks() []view.Remark { return s.views.Remarks() }

// Files are the files of a kind, mapping or routing, and what is in force of
// them.
type Files struct {
	Kind string
	serverfiles.Handle
}

// Files returns the configured kinds of files.
func (s *Server) Files() []Files {
	var out []Files
	if mapping := cmdb.Files(); mapping != nil {
		out = append(out, Files{"mapping", mapping})
	}
	if s.routing != nil {
		out = append(out, Files{"routing", s.routing})
	}
	return out
}

// isRouted says of each listener of clients whether its answers are routed
// (docs/design.md, 6.1). The others read the registry past this pack.
var isRouted = map[string]bool{
	serverconfig.GRPCName: true, serverconfig.HTTPName: true, "service-l5": true, serverconfig.EurekaName: true, serverconfig.NacosName: true,
	serverconfig.XDSName: true,
}

// Protocols returns the configured listeners by which clients discover
// instances, in the order of the configuration.
func (s *Server) Protocols() []api.Protocol {
	out := []api.Protocol{}
	for _, name := range s.config.Protocols {
		if routed, ok := isRouted[name]; ok {
			out = append(out, api.Protocol{Name: name, Routed: routed && s.HasRules()})
		}
	}
	return out
}
