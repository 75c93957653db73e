package eureka

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/emicklei/go-restful/v3"
	"github.com/golang/mock/gomock"
	"github.com/polarismesh/polaris/apiserver"
	"github.com/polarismesh/polaris/apiserver/eurekaserver"
	cachetypes "github.com/polarismesh/polaris/cache/api"
	cachemock "github.com/polarismesh/polaris/cache/mock"
	"github.com/polarismesh/polaris/common/model"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
	"github.com/polaris-contrib/setrouter/plugin/router"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// The packages of Polaris start goroutines when they are loaded.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m, goleak.IgnoreCurrent()) }

// registry is a routing over services of the namespace default.
type registry struct {
	lists         map[string][]string        // what every caller gets, as ids by the name of the service
	registered    map[string]*model.Instance // by id
	fault         error                      // of routing any service
	failOpen      bool
	panics        bool
	faults        []string // that were reported
	serviceCache  *cachemock.MockServiceCache
	instanceCache *cachemock.MockInstanceCache
}

func newRegistry(t gomock.TestReporter, lists map[string][]string) *registry {
	ctrl := gomock.NewController(t)
	r := &registry{lists: lists, registered: map[string]*model.Instance{}, serviceCache: cachemock.NewMockServiceCache(ctrl), instanceCache: cachemock.NewMockInstanceCache(ctrl)}
	r.serviceCache.EXPECT().IteratorServices(gomock.Any()).DoAndReturn(func(each cachetypes.ServiceIterProc) error {
		for _, name := range r.serviceNames() {
			_, _ = each(name, &model.Service{ID: name, Name: name, Namespace: "default"})
		}
		return nil
	}).AnyTimes()
	r.instanceCache.EXPECT().GetInstancesCountByServiceID(gomock.Any()).DoAndReturn(func(service string) model.InstanceCount {
		return model.InstanceCount{TotalInstanceCount: uint32(len(r.instancesOf(service)))}
	}).AnyTimes()
	r.instanceCache.EXPECT().GetInstance(gomock.Any()).DoAndReturn(func(id string) *model.Instance { return r.registered[id] }).AnyTimes()
	r.instanceCache.EXPECT().GetInstancesByServiceID(gomock.Any()).DoAndReturn(r.instancesOf).AnyTimes()
	return r
}

func (r *registry) serviceNames() (names []string) {
	for _, i := range r.registered {
		names = append(names, i.ServiceID)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (r *registry) instancesOf(service string) (out []*model.Instance) {
	for _, i := range r.registered {
		if i.ServiceID == service {
			out = append(out, i)
		}
	}
	slices.SortFunc(out, func(a, b *model.Instance) int { return strings.Compare(a.ID(), b.ID()) })
	return out
}

// add registers an instance. Its id may have the suffix !out for one that is isolated,
// or !sick for one that is not healthy.
func (r *registry) add(service, id string, metadata map[string]string) {
	id, state, _ := strings.Cut(id, "!")
	r.registered[id] = &model.Instance{ServiceID: service, ModifyTime: time.UnixMilli(1700000000123), Proto: &apiservice.Instance{
		Id: wrapperspb.String(id), Host: wrapperspb.String("10.0.0.1"), Port: wrapperspb.UInt32(80), Metadata: metadata,
		Healthy: wrapperspb.Bool(state != "sick"), Isolate: wrapperspb.Bool(state == "out"),
	}}
}

func (r *registry) services() cachetypes.ServiceCache   { return r.serviceCache }
func (r *registry) instances() cachetypes.InstanceCache { return r.instanceCache }

func (r *registry) AddressOf(*http.Request) netip.Addr { return netip.Addr{} }

func (r *registry) CallerOf(*http.Request) netip.Addr { return netip.AddrFrom4([4]byte{127, 0, 0, 1}) }

// MayRouteIn reports whether any list is made.
func (r *registry) MayRouteIn(string) bool { return r.lists != nil || r.fault != nil || r.panics }

func (r *registry) Fault(what string, err error) error {
	r.faults = append(r.faults, what)
	if r.failOpen {
		return nil
	}
	return router.ErrNoList
}

func (r *registry) Routed(_ netip.Addr, s route.Service) (*apiservice.DiscoverResponse, error) {
	if r.panics {
		panic("a fault")
	}
	if r.fault != nil {
		return nil, r.Fault(s.String(), r.fault)
	}
	ids, ok := r.lists[s.Name]
	if !ok {
		return nil, nil
	}
	resp := &apiservice.DiscoverResponse{}
	content := sha256.New()
	for _, id := range ids {
		resp.Instances = append(resp.Instances, r.registered[id].Proto)
		fmt.Fprint(content, r.registered[id].Proto)
	}
	resp.Service = &apiservice.Service{Revision: wrapperspb.String(fmt.Sprintf("%x", content.Sum(nil)))}
	return resp, nil
}

// frontOver returns a front that does not listen.
func frontOver(r routing) *front {
	return &front{routing: r, defaultNamespace: "default", fragments: newFragments(), memory: newMemory(time.Minute, time.Now)}
}

// stockListener has the routes of the stock listener, with another handler.
type stockListener struct {
	addr    string
	handler restful.RouteFunction
}

func (s *stockListener) GetProtocol() string { return "eureka" }
func (s *stockListener) GetPort() uint32     { return 1 }
func (s *stockListener) Initialize(_ context.Context, option map[string]any, _ map[string]apiserver.APIConfig) error {
	s.addr = net.JoinHostPort(option["listenIP"].(string), strconv.Itoa(option["listenPort"].(int)))
	return nil
}
func (s *stockListener) Run(errCh chan error) {
	listener, err := net.Listen("tcp", s.addr)
	if err != nil {
		errCh <- err
		return
	}
	_ = listener.Close()
	errCh <- errors.New("the stock listener listens at " + s.addr)
}
func (s *stockListener) Stop() {}
func (s *stockListener) Restart(map[string]any, map[string]apiserver.APIConfig, chan error) error {
	return nil
}
func (s *stockListener) GetEurekaServer() *restful.WebService {
	return s.routes((&eurekaserver.EurekaServer{}).GetEurekaServer())
}
func (s *stockListener) GetEurekaV1Server() *restful.WebService {
	return s.routes((&eurekaserver.EurekaServer{}).GetEurekaV1Server())
}
func (s *stockListener) GetEurekaV2Server() *restful.WebService {
	return s.routes((&eurekaserver.EurekaServer{}).GetEurekaV2Server())
}

func (s *stockListener) routes(stock *restful.WebService) *restful.WebService {
	ws := new(restful.WebService)
	ws.Path(stock.RootPath()).Consumes(restful.MIME_JSON, restful.MIME_OCTET, restful.MIME_XML).Produces(restful.MIME_JSON, restful.MIME_XML)
	for _, r := range stock.Routes() {
		ws.Route(ws.Method(r.Method).Path(strings.TrimPrefix(r.Path, stock.RootPath())).To(s.handler))
	}
	return ws
}

// stockBody is what the stock listener answers.
const stockBody = "stock"

// serve runs a slot over a stock listener until the test ends, and returns where the
// slot listens.
func serve(t testing.TB, r routing) (addr string) {
	t.Helper()
	stock := &stockListener{handler: func(req *restful.Request, rsp *restful.Response) {
		if _, err := io.Copy(io.Discard, req.Request.Body); err != nil {
			rsp.WriteHeader(http.StatusBadRequest)
			return
		}
		rsp.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(rsp, stockBody)
	}}
	slots := map[string]apiserver.Apiserver{slotName: stock}
	wrap(slots)
	s := slots[slotName].(*slot)
	s.routing = func() routing { return r }
	port := polaristest.FreePort()
	option := map[string]any{"listenIP": "127.0.0.1", "listenPort": port}
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
	addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	for conn, err := net.Dial("tcp", addr); ; conn, err = net.Dial("tcp", addr) {
		if err == nil {
			_ = conn.Close()
			return addr
		}
		if len(errCh) > 0 {
			t.Fatal(<-errCh)
		}
	}
}

// get asks for a path, with headers given as names and values.
func get(t testing.TB, addr, path string, header ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, "http://"+addr+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for pair := range slices.Chunk(header, 2) {
		req.Header.Set(pair[0], pair[1])
	}
	resp, err := http.DefaultClient.Do(req)
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
