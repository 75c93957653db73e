package xds

import (
	"context"
	"net/netip"
	"time"

	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"go.uber.org/zap"
	"golang.org/x/time/rate"

	"github.com/polaris-contrib/setrouter/internal/observe"
	"github.com/polaris-contrib/setrouter/plugin/router"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/view"
)

// routing is what the listener asks of the server. It is safe for concurrent use.
type routing interface {
	// asker returns who opened a stream.
	asker(stream context.Context) asker
	// countOther counts a stream whose node id names another address than its peer's.
	countOther(a asker, said string)
	// mayRoute reports whether some caller may get another list of a service than the
	// stock one.
	mayRoute(service route.Service) bool
	// exists reports whether there is a lane address of a name, or a service, also one
	// that another namespace exports.
	exists(service route.Service) bool
	// stockInstances returns the instances of a name without routing. The list is the
	// asker's own.
	stockInstances(service route.Service) []*apiservice.Instance
	// roads returns what a caller gets of a service; nil where the stock list stands. An
	// error says that the caller gets no list. Faults are counted and logged.
	roads(caller netip.Addr, service route.Service) (*view.Roads, error)
	// look returns a look at many callers.
	look() lookout
	// fault counts and logs a fault. It returns nil where the stock answer is to be sent.
	fault(what string, err error) error
}

// lookout is a look at the roads of many callers. It is used by one goroutine.
type lookout interface {
	Roads(caller netip.Addr, service route.Service) (*view.Roads, error)
}

// serverRouting is the routing of a running server.
type serverRouting struct{ *router.Server }

func (s serverRouting) asker(stream context.Context) asker {
	peer := s.PeerOfStream(stream)
	a := asker{peer: peer.Peer, addr: peer.Addr}
	switch {
	case peer.IsProxy && peer.IsNamed:
		a.trust = trustHeader
	case peer.IsProxy:
		a.trust = trustNode
	}
	return a
}

func (s serverRouting) countOther(a asker, said string) { s.CountDisowned(a.peer, said) }

func (s serverRouting) mayRoute(service route.Service) bool { return s.MayRoute(service) }

func (s serverRouting) exists(service route.Service) bool { return s.HasName(service) }

func (s serverRouting) stockInstances(service route.Service) []*apiservice.Instance {
	return s.StockList(service).GetInstances()
}

func (s serverRouting) roads(caller netip.Addr, service route.Service) (*view.Roads, error) {
	return s.Roads(caller, service)
}

func (s serverRouting) look() lookout { return s.Look(slotName) }

func (s serverRouting) fault(what string, err error) error { return s.Fault(what, err) }

// rejectedLog bounds the lines in the log about clients that refuse what they are sent.
var rejectedLog = rate.NewLimiter(rate.Every(10*time.Second), 5)

// logRegistry logs that the registry cannot be read. What was read before stays.
func logRegistry(err error) {
	observe.Fault("the services for xDS cannot be read", zap.Error(err))
}

// countRejected counts and logs that a client does not take what it was sent.
func countRejected(s *stream, typeURL, why string) {
	observe.XDSRejected.WithLabelValues(shortType(typeURL)).Inc()
	if rejectedLog.Allow() {
		observe.Log.Warn("[SetRouter] a client of xDS does not take what it was sent, and keeps what it had",
			zap.Stringer("caller", s.caller.addr), zap.String("node", explain.Plain(clip(s.node.GetId()))),
			zap.String("type", shortType(typeURL)), zap.String("why", explain.Plain(clip(why))))
	}
}
