package eureka

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"testing"

	"github.com/golang/mock/gomock"
	"github.com/polarismesh/polaris/apiserver"
	cachetypes "github.com/polarismesh/polaris/cache/api"
	cachemock "github.com/polarismesh/polaris/cache/mock"
	"github.com/polarismesh/polaris/common/model"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// The packages of Polaris start goroutines when they are loaded.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m, goleak.IgnoreCurrent()) }

// registry is a routing over some services of the namespace default.
type registry struct {
	lists         map[string][]string        // what every caller gets, as ids by the name of the service
	registered    map[string]*model.Instance // by id
	serviceCache  *cachemock.MockServiceCache
	instanceCache *cachemock.MockInstanceCache
}

func newRegistry(t *testing.T, lists map[string][]string, services ...string) *registry {
	ctrl := gomock.NewController(t)
	r := &registry{lists, map[string]*model.Instance{}, cachemock.NewMockServiceCache(ctrl), cachemock.NewMockInstanceCache(ctrl)}
	r.serviceCache.EXPECT().IteratorServices(gomock.Any()).DoAndReturn(func(each cachetypes.ServiceIterProc) error {
		for _, name := range services {
			_, _ = each(name, &model.Service{ID: name, Name: name, Namespace: "default"})
		}
		return nil
	}).AnyTimes()
	r.instanceCache.EXPECT().GetInstancesCountByServiceID(gomock.Any()).Return(model.InstanceCount{TotalInstanceCount: 1}).AnyTimes()
	r.instanceCache.EXPECT().GetInstance(gomock.Any()).DoAndReturn(func(id string) *model.Instance { return r.registered[id] }).AnyTimes()
	r.instanceCache.EXPECT().GetInstancesByServiceID(gomock.Any()).DoAndReturn(func(service string) []*model.Instance {
		return []*model.Instance{r.registered[service+"-1"]}
	}).AnyTimes()
	return r
}

// add puts an instance into the cache.
func (r *registry) add(id string, healthy, isolate bool, metadata map[string]string) {
	r.registered[id] = &model.Instance{Proto: &apiservice.Instance{
		Id: wrapperspb.String(id), Host: wrapperspb.String("10.0.0.1"), Port: wrapperspb.UInt32(80), Metadata: metadata,
		Healthy: wrapperspb.Bool(healthy), Isolate: wrapperspb.Bool(isolate),
	}}
}

func (r *registry) services() cachetypes.ServiceCache   { return r.serviceCache }
func (r *registry) instances() cachetypes.InstanceCache { return r.instanceCache }

func (r *registry) CallerOf(*http.Request) netip.Addr { return netip.Addr{} }

func (r *registry) Routed(_ netip.Addr, s route.Service) (*apiservice.DiscoverResponse, bool) {
	ids, ok := r.lists[s.Name]
	resp := &apiservice.DiscoverResponse{}
	for _, id := range ids {
		resp.Instances = append(resp.Instances, r.registered[id].Proto)
	}
	return resp, ok
}

// stockSlot is a stock listener that answers with a body.
type stockSlot struct {
	mu      sync.Mutex
	addr    string
	server  *http.Server
	handler http.HandlerFunc
}

func (s *stockSlot) GetProtocol() string { return "eureka" }
func (s *stockSlot) GetPort() uint32     { return 1 }
func (s *stockSlot) Initialize(_ context.Context, option map[string]any, _ map[string]apiserver.APIConfig) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.addr = net.JoinHostPort(option["listenIP"].(string), strconv.Itoa(option["listenPort"].(int)))
	s.server = &http.Server{Addr: s.addr, Handler: s.handler}
	return nil
}
func (s *stockSlot) Run(errCh chan error) {
	if err := s.server.ListenAndServe(); err != http.ErrServerClosed {
		errCh <- err
	}
}
func (s *stockSlot) Stop() { _ = s.server.Close() }
func (s *stockSlot) Restart(map[string]any, map[string]apiserver.APIConfig, chan error) error {
	return nil
}

// serve runs a slot over a stock listener until the test ends. It returns where
// the slot listens, and where the stock listener does.
func serve(t *testing.T, r routing, handler http.HandlerFunc) (frontAddr, stockAddr string) {
	t.Helper()
	stock := &stockSlot{handler: handler}
	slots := map[string]apiserver.Apiserver{slotName: stock}
	wrap(slots)
	s := slots[slotName].(*slot)
	s.routing = func() routing { return r }
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	option := map[string]any{"listenIP": loopback, "listenPort": port}
	if err := s.Initialize(t.Context(), option, nil); err != nil {
		t.Fatal(err)
	}
	if option["listenPort"] != port {
		t.Errorf("the options were altered: %v", option)
	}
	errCh := make(chan error, 2)
	done := make(chan struct{})
	go func() { defer close(done); s.Run(errCh) }()
	t.Cleanup(func() {
		s.Stop()
		<-done
		http.DefaultClient.CloseIdleConnections()
		if len(errCh) > 0 {
			t.Error(<-errCh)
		}
	})
	frontAddr = net.JoinHostPort(loopback, strconv.Itoa(port))
	for conn, err := net.Dial("tcp", frontAddr); ; conn, err = net.Dial("tcp", frontAddr) {
		if err == nil {
			_ = conn.Close()
			return frontAddr, stock.addr
		}
		if len(errCh) > 0 {
			t.Fatal(<-errCh)
		}
	}
}

func get(t *testing.T, addr, path string) (*http.Response, string) {
	t.Helper()
	resp, err := http.Get("http://" + addr + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

func answerWith(header http.Header, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for name, values := range header {
			w.Header()[name] = values
		}
		_, _ = io.WriteString(w, body)
	}
}
