package xds

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpoint "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	healthservice "github.com/envoyproxy/go-control-plane/envoy/service/health/v3"
	"github.com/polarismesh/polaris/common/utils"
	apimodel "github.com/polarismesh/specification/source/go/api/v1/model"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// fakeRegistrar notes what it is asked for. Asks with another token than the wanted one are
// refused.
type fakeRegistrar struct {
	token string
	asked []string
	first *apiservice.Instance
}

func (r *fakeRegistrar) note(ctx context.Context, what string, i *apiservice.Instance) *apiservice.Response {
	if r.first == nil {
		r.first = i
	}
	code := apimodel.Code_ExecuteSuccess
	if token, _ := ctx.Value(utils.ContextAuthTokenKey).(string); token != r.token && what != "heartbeat" {
		code = apimodel.Code_NotAllowedAccess
	}
	r.asked = append(r.asked, fmt.Sprintf("%s %s/%s %s:%d", what, i.Namespace.GetValue(), i.Service.GetValue(), i.Host.GetValue(), i.Port.GetValue()))
	return &apiservice.Response{Code: wrapperspb.UInt32(uint32(code)), Info: wrapperspb.String("info")}
}

func (r *fakeRegistrar) RegisterInstance(ctx context.Context, i *apiservice.Instance) *apiservice.Response {
	return r.note(ctx, "register", i)
}

func (r *fakeRegistrar) DeregisterInstance(ctx context.Context, i *apiservice.Instance) *apiservice.Response {
	return r.note(ctx, "deregister", i)
}

func (r *fakeRegistrar) Report(ctx context.Context, i *apiservice.Instance) *apiservice.Response {
	return r.note(ctx, "heartbeat", i)
}

// hdsStream is a stream of messages that are all there, and of the answers.
type hdsStream struct {
	grpc.ServerStream
	ctx      context.Context
	messages []*healthservice.HealthCheckRequestOrEndpointHealthResponse
	sent     []*healthservice.HealthCheckSpecifier
}

func (s *hdsStream) Context() context.Context { return s.ctx }

func (s *hdsStream) Recv() (*healthservice.HealthCheckRequestOrEndpointHealthResponse, error) {
	if len(s.messages) == 0 {
		return nil, fmt.Errorf("the test has no more")
	}
	m := s.messages[0]
	s.messages = s.messages[1:]
	return m, nil
}

func (s *hdsStream) Send(m *healthservice.HealthCheckSpecifier) error {
	s.sent = append(s.sent, m)
	return nil
}

// proxied is a routing whose streams come by a trusted proxy.
type proxied struct {
	routing
	by asker
}

func (p proxied) asker(context.Context) asker { return p.by }

func nodeMessage(t *testing.T, id, services string) *healthservice.HealthCheckRequestOrEndpointHealthResponse {
	t.Helper()
	labels, err := structpb.NewStruct(map[string]any{"sidecar.polarismesh.cn/registerServices": services, "colour": "blue"})
	if err != nil {
		t.Fatal(err)
	}
	node := &core.Node{Id: id, Metadata: labels, Locality: &core.Locality{Region: "east", Zone: "sh", SubZone: "sh-1"}}
	return &healthservice.HealthCheckRequestOrEndpointHealthResponse{RequestType: &healthservice.HealthCheckRequestOrEndpointHealthResponse_HealthCheckRequest{
		HealthCheckRequest: &healthservice.HealthCheckRequest{Node: node},
	}}
}

func reportMessage(health core.HealthStatus, cluster, host string, port uint32) *healthservice.HealthCheckRequestOrEndpointHealthResponse {
	return &healthservice.HealthCheckRequestOrEndpointHealthResponse{RequestType: &healthservice.HealthCheckRequestOrEndpointHealthResponse_EndpointHealthResponse{
		EndpointHealthResponse: &healthservice.EndpointHealthResponse{ClusterEndpointsHealth: []*healthservice.ClusterEndpointsHealth{{
			ClusterName: cluster, LocalityEndpointsHealth: []*healthservice.LocalityEndpointsHealth{{EndpointsHealth: []*healthservice.EndpointHealth{{
				HealthStatus: health,
				Endpoint: &endpoint.Endpoint{Address: &core.Address{Address: &core.Address_SocketAddress{SocketAddress: &core.SocketAddress{
					Address: host, PortSpecifier: &core.SocketAddress_PortValue{PortValue: port},
				}}}},
			}}}},
		}}},
	}}
}

// A sidecar registers, reports and deregisters what is at its own address, and nothing else.
func TestHealthIsOfOwnAddress(t *testing.T) {
	direct := func(addr string) asker { a := netip.MustParseAddr(addr); return asker{peer: a, addr: a} }
	proxy := netip.MustParseAddr("10.0.0.1")
	named := asker{peer: proxy, addr: netip.MustParseAddr("10.9.9.9"), trust: trustHeader}
	silent := asker{peer: proxy, addr: proxy, trust: trustNode}
	const one = `[{"name": "a", "ports": {"TCP": [80]}}]`
	const register, heartbeat, deregister = "register default/a 10.9.9.9:80", "heartbeat default/a 10.9.9.9:80", "deregister default/a 10.9.9.9:80"
	refusal := func(peer, host string) string {
		return fmt.Sprintf("a sidecar at %s says something of an instance at %q, expected its own address; "+
			"if a NAT or a proxy of yours is between the two, add the address that the server sees to plugin.location.option.trustedProxies", peer, host)
	}
	for _, tt := range []struct {
		name     string
		by       asker
		messages []*healthservice.HealthCheckRequestOrEndpointHealthResponse
		want     []string
		code     codes.Code // of the refusal
		message  string
	}{
		{name: "its own", by: direct("10.9.9.9"), messages: []*healthservice.HealthCheckRequestOrEndpointHealthResponse{
			nodeMessage(t, "sidecar~default/x~10.9.9.9", one), reportMessage(core.HealthStatus_HEALTHY, "INBOUND|80|a", "10.9.9.9", 80),
			reportMessage(core.HealthStatus_UNHEALTHY, "INBOUND|80|a", "10.9.9.9", 80), reportMessage(core.HealthStatus_DRAINING, "INBOUND|80|a", "10.9.9.9", 80)},
			want: []string{register, heartbeat, deregister}},
		{name: "its own, mapped into IPv6", by: direct("10.9.9.9"), messages: []*healthservice.HealthCheckRequestOrEndpointHealthResponse{
			nodeMessage(t, "sidecar~default/x~10.9.9.9", one), reportMessage(core.HealthStatus_HEALTHY, "INBOUND|80|a", "::ffff:10.9.9.9", 80)},
			want: []string{register, "heartbeat default/a ::ffff:10.9.9.9:80"}},
		{name: "registering another's", by: direct("10.9.9.8"), messages: []*healthservice.HealthCheckRequestOrEndpointHealthResponse{nodeMessage(t, "sidecar~default/x~10.9.9.9", one)},
			code: codes.PermissionDenied, message: refusal("10.9.9.8", "10.9.9.9")},
		{name: "the health of another's", by: direct("10.9.9.9"), messages: []*healthservice.HealthCheckRequestOrEndpointHealthResponse{
			nodeMessage(t, "sidecar~default/x~10.9.9.9", one), reportMessage(core.HealthStatus_HEALTHY, "INBOUND|80|a", "10.9.9.8", 80)},
			want: []string{register}, code: codes.PermissionDenied, message: refusal("10.9.9.9", "10.9.9.8")},
		{name: "the end of another's", by: direct("10.9.9.9"), messages: []*healthservice.HealthCheckRequestOrEndpointHealthResponse{
			nodeMessage(t, "sidecar~default/x~10.9.9.9", one), reportMessage(core.HealthStatus_DRAINING, "INBOUND|80|a", "10.9.9.8", 80)},
			want: []string{register}, code: codes.PermissionDenied, message: refusal("10.9.9.9", "10.9.9.8")},
		{name: "unhealthy, another's", by: direct("10.9.9.9"), messages: []*healthservice.HealthCheckRequestOrEndpointHealthResponse{
			nodeMessage(t, "sidecar~default/x~10.9.9.9", one), reportMessage(core.HealthStatus_UNHEALTHY, "INBOUND|80|a", "10.9.9.8", 80)},
			want: []string{register}, code: codes.PermissionDenied, message: refusal("10.9.9.9", "10.9.9.8")},
		{name: "everybody's 127.0.0.1", by: direct("10.9.9.9"), messages: []*healthservice.HealthCheckRequestOrEndpointHealthResponse{nodeMessage(t, "sidecar~default/x~127.0.0.1", one)},
			code: codes.PermissionDenied, message: refusal("10.9.9.9", "127.0.0.1")},
		{name: "a host name", by: direct("10.9.9.9"), messages: []*healthservice.HealthCheckRequestOrEndpointHealthResponse{nodeMessage(t, "sidecar~default/x~host", one)},
			code: codes.PermissionDenied, message: refusal("10.9.9.9", "host")},
		{name: "no address in the node id", by: direct("10.9.9.9"), messages: []*healthservice.HealthCheckRequestOrEndpointHealthResponse{nodeMessage(t, "x", one)},
			code: codes.PermissionDenied, message: refusal("10.9.9.9", "")},
		{name: "a proxy's header", by: named, messages: []*healthservice.HealthCheckRequestOrEndpointHealthResponse{nodeMessage(t, "sidecar~default/x~10.9.9.9", one)}, want: []string{register}},
		{name: "a proxy's header names another", by: named, messages: []*healthservice.HealthCheckRequestOrEndpointHealthResponse{nodeMessage(t, "sidecar~default/x~10.9.9.8", one)},
			code: codes.PermissionDenied, message: refusal("10.0.0.1", "10.9.9.8")},
		{name: "a proxy without a header", by: silent, messages: []*healthservice.HealthCheckRequestOrEndpointHealthResponse{nodeMessage(t, "sidecar~default/x~10.9.9.9", one)}, want: []string{register}},
		{name: "who cannot be told", by: asker{peer: proxy}, messages: []*healthservice.HealthCheckRequestOrEndpointHealthResponse{nodeMessage(t, "sidecar~default/x~10.9.9.9", one)},
			code: codes.PermissionDenied, message: refusal("10.0.0.1", "10.9.9.9")},
		{name: "a port that is none", by: direct("10.9.9.9"), messages: []*healthservice.HealthCheckRequestOrEndpointHealthResponse{
			nodeMessage(t, "sidecar~default/x~10.9.9.9", `[{"name": "a", "ports": {"TCP": [80, 65536]}}]`)},
			code: codes.InvalidArgument, message: `service "a" has port 65536, expected 1 to 65535`},
		{name: "a large node", by: direct("10.9.9.9"), messages: []*healthservice.HealthCheckRequestOrEndpointHealthResponse{
			nodeMessage(t, "sidecar~default/x~10.9.9.9", strings.Repeat(" ", maxNode))},
			code: codes.InvalidArgument, message: "the node has 262265 bytes, expected at most 262144"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := &fakeRegistrar{}
			h := &healthServer{routing: proxied{newFake(), tt.by}, naming: r}
			err := h.StreamHealthCheck(&hdsStream{ctx: t.Context(), messages: tt.messages})
			if tt.message == "" {
				tt.code, tt.message = codes.Unknown, "the test has no more"
			}
			if got := status.Convert(err); got.Code() != tt.code || got.Message() != tt.message {
				t.Errorf("%s: %s\nwant %s: %s", got.Code(), got.Message(), tt.code, tt.message)
			}
			if !slices.Equal(r.asked, tt.want) {
				t.Errorf("Polaris is asked for %q, want %q", r.asked, tt.want)
			}
		})
	}
}

// Polaris's auth has the sidecar's token, and refuses who has none.
func TestHealthNeedsToken(t *testing.T) {
	for token, want := range map[string]string{
		"t": "the test has no more",
		"":  `registering 127.0.0.1:80 of service "a" in namespace "default" has failed with code 401001: "info"`,
	} {
		r := &fakeRegistrar{token: "t"}
		h := &healthServer{routing: proxied{newFake(), asker{addr: netip.MustParseAddr("127.0.0.1")}}, naming: r}
		ctx := metadata.NewIncomingContext(t.Context(), metadata.Pairs("x-polaris-token", token))
		err := h.StreamHealthCheck(&hdsStream{ctx: ctx, messages: []*healthservice.HealthCheckRequestOrEndpointHealthResponse{
			nodeMessage(t, "sidecar~default/x~127.0.0.1", `[{"name": "a", "ports": {"TCP": [80]}}]`),
		}})
		if got := status.Convert(err); got.Message() != want || (token == "") != (got.Code() == codes.PermissionDenied) {
			t.Errorf("token %q: %s: %s\nwant %s", token, got.Code(), got.Message(), want)
		}
	}
}

// What a sidecar registers, and is told to check, has all that its node says.
func TestHealthOfNode(t *testing.T) {
	r := &fakeRegistrar{}
	h := &healthServer{routing: proxied{newFake(), asker{addr: netip.MustParseAddr("10.9.9.9")}}, naming: r}
	stream := &hdsStream{ctx: t.Context(), messages: []*healthservice.HealthCheckRequestOrEndpointHealthResponse{nodeMessage(t, "sidecar~default/x~10.9.9.9",
		`[null, {"name": "a", "ports": {"HTTP": [80], "DUBBO": [20880]}, "health_check_path": "/ok", "health_check_ttl": 5, "tracing_sampling": 7}, {"name": "b", "ports": {"": [81]}}, {"name": "c"}]`)}}
	_ = h.StreamHealthCheck(stream)
	if want := []string{"register default/a 10.9.9.9:20880", "register default/a 10.9.9.9:80", "register default/b 10.9.9.9:81"}; !slices.Equal(r.asked, want) {
		t.Errorf("registered are %q, want %q", r.asked, want)
	}
	compareJSON(t, protoadapt.MessageV2Of(r.first), `{"namespace": "default", "service": "a", "host": "10.9.9.9", "port": 20880, "protocol": "DUBBO", "location": {"region": "east", "zone": "sh", "campus": "sh-1"},
		"enableHealthCheck": true, "healthCheck": {"type": "HEARTBEAT", "heartbeat": {"ttl": 5}}, "metadata": {"colour": "blue", "internal-register-from": "xdsv3",
		"internal-healthcheck_path": "/ok", "internal-trace_sampling": "7", "sidecar.polarismesh.cn/registerServices": "SERVICES"}}`, r.first.Metadata["sidecar.polarismesh.cn/registerServices"])
	if len(stream.sent) != 1 {
		t.Fatal(stream.sent)
	}
	at := func(port int) string {
		return fmt.Sprintf(`"localityEndpoints": [{"endpoints": [{"address": {"socketAddress": {"address": "10.9.9.9", "portValue": %d}}}]}]`, port)
	}
	const times = `"timeout": "1s", "interval": "5s", "unhealthyThreshold": 2, "healthyThreshold": 1`
	compareJSON(t, stream.sent[0], `{"interval": "5s", "clusterHealthChecks": [
		{"clusterName": "INBOUND|20880|a", "healthChecks": [{`+times+`, "httpHealthCheck": {"path": "/ok"}}], `+at(20880)+`},
		{"clusterName": "INBOUND|80|a", "healthChecks": [{`+times+`, "httpHealthCheck": {"path": "/ok"}}], `+at(80)+`},
		{"clusterName": "INBOUND|81|b", "healthChecks": [{`+times+`, "tcpHealthCheck": {}}], `+at(81)+`}]}`, "")
}

// compareJSON compares a message with one in JSON, in which SERVICES stands for a text in a
// text.
func compareJSON(t *testing.T, got proto.Message, want, services string) {
	t.Helper()
	wanted := got.ProtoReflect().New().Interface()
	if err := protojson.Unmarshal([]byte(strings.Replace(want, "\"SERVICES\"", strconv.Quote(services), 1)), wanted); err != nil {
		t.Fatal(err)
	}
	if !proto.Equal(got, wanted) {
		t.Errorf("%s\nwant %s", protojson.Format(got), protojson.Format(wanted))
	}
}
