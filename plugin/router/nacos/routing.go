package nacos

import (
	"net/http"
	"net/netip"

	nacosmodel "github.com/polarismesh/polaris/apiserver/nacosserver/model"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"google.golang.org/grpc/metadata"

	"github.com/polaris-contrib/setrouter/internal/observe"
	"github.com/polaris-contrib/setrouter/plugin/router"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// routing is what the front asks of the server. Without routing files each list is the
// stock one.
type routing interface {
	// AddressOf returns the address of the caller of a request over HTTP. The address is
	// invalid where the caller cannot be told.
	AddressOf(*http.Request) netip.Addr
	// CallerOf is AddressOf for a request whose answer has instances.
	CallerOf(*http.Request) netip.Addr
	// AddressOfCall and CallerOfCall are the same for a call over gRPC.
	AddressOfCall(peer string, header metadata.MD) netip.Addr
	CallerOfCall(peer string, header metadata.MD) netip.Addr
	// Routed returns the list of a caller. The list is nil where the stock list stands.
	// An error says that the caller gets no list.
	Routed(caller netip.Addr, service route.Service) (list *apiservice.DiscoverResponse, err error)
	// StockList returns the list without routing. It has no instances where there is no
	// such service.
	StockList(service route.Service) *apiservice.DiscoverResponse
	// StockRevision returns the revision of StockList, which is not in the list.
	StockRevision(service route.Service) string
	// Look returns a look at the lists of many callers.
	Look() look
	// Fault counts and logs a fault.
	Fault(what string, err error) error
}

// look is router.Look.
type look interface {
	Routed(caller netip.Addr, service route.Service) (list *apiservice.DiscoverResponse, err error)
	StockRevision(service route.Service) string
}

// serverRouting is the routing of a running server.
type serverRouting struct{ *router.Server }

// Look implements routing.
func (s serverRouting) Look() look { return s.Server.Look(slotName) }

// answer returns what a caller gets for a query, and the state of the list, for
// comparison with stateOf. An error says that the caller gets no list.
func answer(r routing, caller netip.Addr, q query) (info *nacosmodel.ServiceInfo, now state, err error) {
	defer observe.Recovered(&err)
	list, err := r.Routed(caller, q.polaris())
	if err != nil {
		return nil, state{}, err
	}
	if list != nil {
		now = state{true, list.GetService().GetRevision().GetValue()}
		info = newInfo(q, list)
	} else {
		now.revision = r.StockRevision(q.polaris()) // before the list: a change between is seen by the next look
		info = newStockInfo(q, r.StockList(q.polaris()))
	}
	info.LastRefTime = lastRefTime.next()
	return info, now, nil
}

// state says which list a caller has. Lists of a service with the same state are equal.
type state struct {
	routed   bool
	revision string
}

// neverSent is the state of no list.
var neverSent = state{revision: "never sent"}

// stateOf returns the state of the list that a caller would get. An error says that the
// caller keeps the list that it has.
func stateOf(l look, caller netip.Addr, service route.Service) (state, error) {
	list, err := l.Routed(caller, service)
	if err != nil {
		return state{}, err
	}
	if list == nil {
		return state{revision: l.StockRevision(service)}, nil
	}
	return state{true, list.GetService().GetRevision().GetValue()}, nil
}
