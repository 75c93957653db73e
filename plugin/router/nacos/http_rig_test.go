package nacos

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"

	apimodel "github.com/polarismesh/specification/source/go/api/v1/model"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// testRouting has a list for each caller of default/s, and stock lists of all else.
type testRouting struct {
	lists map[netip.Addr]*apiservice.DiscoverResponse
	stock map[route.Service]*apiservice.DiscoverResponse
	fault error // of every list
	panic bool
	proxy netip.Addr // trusted: x-forwarded-for of its requests counts
}

var _ routing = (*testRouting)(nil)

func (s *testRouting) AddressOf(r *http.Request) netip.Addr {
	peer, _ := location.ParsePeer(r.RemoteAddr)
	if forwarded := r.Header.Get("X-Forwarded-For"); peer == s.proxy && forwarded != "" {
		addr, _ := netip.ParseAddr(forwarded)
		return addr
	}
	return peer
}

func (s *testRouting) CallerOf(r *http.Request) netip.Addr                 { return s.AddressOf(r) }
func (s *testRouting) AddressOfCall(string, metadata.MD) (addr netip.Addr) { return addr }
func (s *testRouting) CallerOfCall(string, metadata.MD) (addr netip.Addr)  { return addr }
func (s *testRouting) Look() look                                          { return s }
func (s *testRouting) Fault(string, error) error                           { return s.fault }
func (s *testRouting) StockRevision(service route.Service) string {
	return s.stock[service].GetService().GetRevision().GetValue()
}
func (s *testRouting) StockList(service route.Service) *apiservice.DiscoverResponse {
	return s.stock[service]
}

func (s *testRouting) Routed(caller netip.Addr, service route.Service) (*apiservice.DiscoverResponse, error) {
	if s.panic {
		panic("a bug")
	}
	if service != (route.Service{Namespace: "default", Name: "s"}) {
		return nil, s.fault
	}
	if s.fault == nil && !caller.IsValid() {
		return nil, router.ErrNoList
	}
	return s.lists[caller], s.fault
}

// listOf returns a list of Polaris.
func listOf(revision string, instances ...*apiservice.Instance) *apiservice.DiscoverResponse {
	return &apiservice.DiscoverResponse{Service: &apiservice.Service{Revision: wrapperspb.String(revision)}, Instances: instances}
}

// testRegistry notes what is registered, and answers with the codes that it is given.
type testRegistry struct {
	code      apimodel.Code
	calls     []string
	instances []*apiservice.Instance
	contexts  []context.Context
}

func (s *testRegistry) note(ctx context.Context, call string, i *apiservice.Instance) *apiservice.Response {
	s.calls, s.instances, s.contexts = append(s.calls, call), append(s.instances, i), append(s.contexts, ctx)
	if s.code == 0 {
		s.code = apimodel.Code_ExecuteSuccess
	}
	return &apiservice.Response{Code: wrapperspb.UInt32(uint32(s.code)), Info: wrapperspb.String(s.code.String())}
}

func (s *testRegistry) RegisterInstance(ctx context.Context, i *apiservice.Instance) *apiservice.Response {
	return s.note(ctx, "register", i)
}

func (s *testRegistry) UpdateInstance(ctx context.Context, i *apiservice.Instance) *apiservice.Response {
	return s.note(ctx, "update", i)
}

func (s *testRegistry) DeregisterInstance(ctx context.Context, i *apiservice.Instance) *apiservice.Response {
	return s.note(ctx, "deregister", i)
}

func (s *testRegistry) Report(ctx context.Context, i *apiservice.Instance) *apiservice.Response {
	return s.note(ctx, "report", i)
}

// newTestHandler returns a handler whose stock routes answer with
// what they read of a request.
func newTestHandler(s *testRouting, r *testRegistry) *httpHandler {
	return &httpHandler{
		routing: s, registry: func() (registry, error) { return r, nil },
		services: func(namespace string) []string { return []string{"b", "G__c", "a", "G__" + namespace} },
		login: func(token string) error {
			if token != "good" {
				return errors.New("no such token")
			}
			return nil
		},
		stock: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, strings.Join([]string{r.Method, r.URL.Path, r.URL.RawQuery, r.Header.Get("Content-Type")}, " "))
		}),
	}
}

// send sends a request as a client at an address does, and returns the answer.
func send(h http.Handler, from, method, target, contentType, body string, header ...string) (status int, answer string) {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.RemoteAddr = from
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	for n := 0; n+1 < len(header); n += 2 {
		r.Header.Set(header[n], header[n+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}
