package router

import (
	"context"
	"net/http"
	"net/netip"

	"github.com/polarismesh/polaris/common/utils"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"go.uber.org/zap"
	"google.golang.org/grpc/metadata"

	"github.com/polaris-contrib/setrouter/internal/observe"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/caller"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
)

// callerOf returns the address of the caller of a request, or why it cannot be told.
// Requests whose caller cannot be told are counted.
func (s *Server) callerOf(ctx context.Context) (addr netip.Addr, why location.Untold) {
	addr, why = caller.Address(ctx, s.config.Proxies())
	s.countForwarded(func() netip.Addr { return caller.Peer(ctx) }, func(name string) []string { return caller.Header(ctx, name) })
	if why != "" {
		s.countUntold(caller.Peer(ctx), why, caller.Header(ctx, s.config.ForwardedHeader))
	}
	return addr, why
}

// AddressOf returns the address of the caller of an HTTP request. The address is invalid
// where the caller cannot be told.
func (s *Server) AddressOf(r *http.Request) netip.Addr {
	addr, _ := caller.AddressHTTP(r, s.config.Proxies())
	return addr
}

// CallerOf returns the address of the caller of an HTTP request for instances, as AddressOf
// does. Requests whose caller cannot be told are counted.
func (s *Server) CallerOf(r *http.Request) netip.Addr {
	addr, why := caller.AddressHTTP(r, s.config.Proxies())
	s.countForwarded(func() netip.Addr { return peerOf(r) }, r.Header.Values)
	if why != "" {
		s.countUntold(peerOf(r), why, r.Header.Values(s.config.ForwardedHeader))
	}
	return addr
}

// AddressOfCall returns the address of the caller of a gRPC call, as AddressOf does: peer is
// "address:port" of the connection, header what the call has as metadata.
func (s *Server) AddressOfCall(peer string, header metadata.MD) netip.Addr {
	addr, _ := caller.Address(caller.WithPeer(context.Background(), peer, header), s.config.Proxies())
	return addr
}

// CallerOfCall returns the address of the caller of a gRPC call for instances, as
// CallerOf does.
func (s *Server) CallerOfCall(peer string, header metadata.MD) netip.Addr {
	addr, _ := s.callerOf(caller.WithPeer(context.Background(), peer, header))
	return addr
}

// peerOf returns the address of whoever sends an HTTP request, normalised.
func peerOf(r *http.Request) netip.Addr {
	peer, _ := location.ParsePeer(r.RemoteAddr)
	return peer
}

// StreamPeer is whoever opened a stream of gRPC.
type StreamPeer struct {
	Peer netip.Addr // of the connection, normalised
	// Addr is the address of the caller: the peer, or what a trusted proxy says in a
	// header. It is invalid where the caller cannot be told.
	Addr netip.Addr
	// IsProxy is whether the peer is a trusted proxy, and IsNamed whether it sends a
	// header that names the caller.
	IsProxy, IsNamed bool
}

// PeerOfStream returns who opened a stream of gRPC. Streams whose caller cannot be told are
// counted.
func (s *Server) PeerOfStream(stream context.Context) StreamPeer {
	ctx := utils.ConvertGRPCContext(stream)
	addr, _ := s.callerOf(ctx)
	peer, proxies := caller.Peer(ctx), s.config.Proxies()
	return StreamPeer{
		Peer: peer, Addr: addr, IsProxy: proxies.Trust(peer),
		IsNamed: proxies.SendsAny(func(name string) []string { return caller.Header(ctx, name) }),
	}
}

// CountDisowned counts a stream of a peer that is not trusted, whose own words name another
// address: somebody behind the peer asks, and cannot be told.
func (s *Server) CountDisowned(peer netip.Addr, said string) {
	s.countUntold(peer, location.UntoldDisowned, []string{said})
}

// countForwarded counts a request with a header of proxies from a peer that is not
// trusted. Such a peer is the caller itself, and what the header says is not read.
func (s *Server) countForwarded(peer func() netip.Addr, values func(header string) []string) {
	proxies := s.config.Proxies()
	if !proxies.SendsAny(values) {
		return
	}
	if addr := peer(); addr.IsValid() && !proxies.Trust(addr) {
		s.forwarded.Count(addr)
	}
}

// countUntold counts a request whose caller cannot be told. The log has one line for a
// peer and a reason in some minutes.
func (s *Server) countUntold(peer netip.Addr, why location.Untold, header []string) {
	observe.Untold.WithLabelValues(string(why)).Inc()
	if s.untold.Count(peer, why, header) {
		said := caller.UntoldRequests{Peer: peer, Why: why, Said: caller.Said(header)}
		observe.Log.Warn("[SetRouter] callers cannot be told, and get no list of a routed service: "+said.Sentence(s.config.ForwardedHeader),
			zap.String("peer", peerText(peer)))
	}
}

// answerUntold answers a request whose caller cannot be told: with no list where rules
// may give the caller one, and else with the stock answer.
func (s *Server) answerUntold(r *request) *apiservice.DiscoverResponse {
	if !r.query.Rules.MayRoute(r.query.Resolved) {
		count(nil, observe.ResultStock)
		return r.stockAnswer()
	}
	count(nil, observe.ResultUntold)
	return r.keepYours(whyUntold)
}

// noListForUntold is answerUntold for Routed: nil where the stock answer stands.
func (s *Server) noListForUntold(r *request) error {
	if !r.query.Rules.MayRoute(r.query.Resolved) {
		return nil
	}
	count(nil, observe.ResultUntold)
	return ErrNoList
}

// Untold returns the requests of the last minutes whose caller cannot be told, those of a
// peer, or of all peers if the address is invalid.
func (s *Server) Untold(peer netip.Addr) []explain.Untold {
	out := []explain.Untold{}
	for _, r := range s.untold.Requests() {
		if !peer.IsValid() || r.Peer == peer {
			out = append(out, explain.Untold{Peer: peerText(r.Peer), Reason: string(r.Why), Why: r.Sentence(s.config.ForwardedHeader), Requests: r.Count})
		}
	}
	return out
}

// proxyAt returns what explanations say of an address that is a trusted proxy's, else nil.
func (s *Server) proxyAt(addr netip.Addr) *explain.Proxy {
	if !s.config.Proxies().Trust(addr) {
		return nil
	}
	return &explain.Proxy{Header: s.config.ForwardedHeader, Untold: s.Untold(addr)}
}

// peerText returns the address of a peer for people; it is empty where the listener does
// not tell.
func peerText(peer netip.Addr) string {
	if !peer.IsValid() {
		return ""
	}
	return peer.String()
}
