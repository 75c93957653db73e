package xds

import (
	"context"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	"github.com/golang/mock/gomock"
	polariscache "github.com/polarismesh/polaris/cache"
	cachetypes "github.com/polarismesh/polaris/cache/api"
	cachemock "github.com/polarismesh/polaris/cache/mock"
	"github.com/polarismesh/polaris/common/model"
	"github.com/polarismesh/polaris/service"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"google.golang.org/grpc"
	"google.golang.org/grpc/peer"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/polaris-contrib/setrouter/internal/listen"
	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/view"
)

// fake is a registry and a routing. Services that begin with "routed" are routed: each
// caller gets one instance, whose host is the caller's address, in the caller's priority.
type fake struct {
	mu       sync.Mutex
	services map[string]services
	revision map[string]string // of routed services
	err      error             // of routing
	broken   error             // of the registry
	disowned []string
	decided  int // decisions of looks
}

func newFake(names ...string) *fake {
	f := &fake{services: map[string]services{"default": {}}, revision: map[string]string{}}
	for _, name := range names {
		f.set(name, "1", "10.0.0.1")
	}
	return f
}

// set registers a service of the namespace default, with hosts as its instances.
func (f *fake) set(name, revision string, hosts ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	info := infoOf(route.Service{Namespace: "default", Name: name})
	info.SvcInsRevision = revision
	for _, host := range hosts {
		info.Instances = append(info.Instances, instanceAt(host))
	}
	next := services{info.ServiceKey: info}
	for key, old := range f.services["default"] {
		if key != info.ServiceKey {
			next[key] = old
		}
	}
	f.services["default"], f.revision[name] = next, revision
}

func (f *fake) remove(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	next := services{}
	for key, old := range f.services["default"] {
		if key.Name != name {
			next[key] = old
		}
	}
	f.services["default"] = next
	delete(f.revision, name)
}

func (f *fake) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

func instanceAt(host string) *apiservice.Instance {
	return &apiservice.Instance{
		Id: wrapperspb.String(host), Host: wrapperspb.String(host), Port: wrapperspb.UInt32(80), Weight: wrapperspb.UInt32(100), Healthy: wrapperspb.Bool(true),
	}
}

func (f *fake) read(*catalog) (map[string]services, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := map[string]services{}
	for namespace, infos := range f.services {
		out[namespace] = infos
	}
	return out, f.broken
}

var _ routing = (*fake)(nil)

func (f *fake) asker(ctx context.Context) asker {
	from, _ := peer.FromContext(ctx)
	addrPort, _ := netip.ParseAddrPort(from.Addr.String())
	addr := location.Normalize(addrPort.Addr())
	return asker{peer: addr, addr: addr}
}

func (f *fake) countOther(_ asker, said string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.disowned = append(f.disowned, said)
}

func (f *fake) mayRoute(service route.Service) bool { return strings.HasPrefix(service.Name, "routed") }

func (f *fake) exists(service route.Service) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.services[service.Namespace][model.ServiceKey{Namespace: service.Namespace, Name: service.Name}] != nil
}

func (f *fake) stockInstances(service route.Service) []*apiservice.Instance { return nil }

func (f *fake) roads(caller netip.Addr, service route.Service) (*view.Roads, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	revision, ok := f.revision[service.Name]
	switch {
	case !f.mayRoute(service) || !ok:
		return nil, nil
	case f.err != nil || !caller.IsValid():
		return nil, router.ErrNoList
	}
	return &view.Roads{
		Rule:       &route.Rule{},
		Revision:   revision + caller.String(),
		Priorities: []view.Priority{{Instances: []*apiservice.Instance{instanceAt(caller.String())}}, {Instances: []*apiservice.Instance{instanceAt("10.9.9." + revision)}}},
	}, nil
}

func (f *fake) look() lookout { return fakeLook{f} }

func (f *fake) fault(string, error) error { return router.ErrNoList }

type fakeLook struct{ *fake }

func (l fakeLook) Roads(caller netip.Addr, service route.Service) (*view.Roads, error) {
	l.mu.Lock()
	l.decided++
	l.mu.Unlock()
	return l.roads(caller, service)
}

// naming is a naming server that has the cache of rate limits alone, which is empty.
type naming struct {
	service.DiscoverServer
	caches *polariscache.CacheManager
}

func newNaming(t testing.TB) naming {
	t.Helper()
	caches, err := polariscache.TestCacheInitialize(t.Context(), &polariscache.Config{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	limits := cachemock.NewMockRateLimitCache(gomock.NewController(t))
	limits.EXPECT().GetRateLimitRules(gomock.Any()).Return(nil, "").AnyTimes()
	caches.RegisterCacher(cachetypes.CacheRateLimit, limits)
	return naming{caches: caches}
}

func (n naming) Cache() *polariscache.CacheManager { return n.caches }

// startFake starts a server with a fake behind it, which ends with the test. It returns
// the address.
func startFake(t testing.TB, f *fake, options ...grpc.ServerOption) (*server, string) {
	t.Helper()
	w, err := newWorld(f, newNaming(t), f.read)
	if err != nil {
		t.Fatal(err)
	}
	port := polaristest.FreePort()
	s := serve(listen.Options{IP: "127.0.0.1", Port: port, Protocol: "test"}, w, nil, options...)
	ended := make(chan error, 1)
	go func() { ended <- s.run() }()
	t.Cleanup(func() {
		s.stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	polaristest.Wait(t, func() error {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			_ = conn.Close()
		}
		return err
	})
	return s, addr
}

// dialFake opens a stream.
func dialFake(t testing.TB, addr string, delta bool, source string, node *core.Node) *polaristest.XDSClient {
	t.Helper()
	c, err := polaristest.DialXDS(t.Context(), addr, polaristest.XDSOptions{Delta: delta, Source: netip.MustParseAddr(source), Node: node})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var sidecar = &core.Node{Id: "sidecar~default/a~127.0.0.1"}
