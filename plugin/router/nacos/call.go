package nacos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"time"

	nacosmodel "github.com/polarismesh/polaris/apiserver/nacosserver/model"
	nacospb "github.com/polarismesh/polaris/apiserver/nacosserver/v2/pb"
	"github.com/polarismesh/polaris/apiserver/nacosserver/v2/remote"
	"github.com/polarismesh/polaris/common/utils"
	"go.uber.org/zap"
	"google.golang.org/grpc/metadata"

	"github.com/polaris-contrib/setrouter/internal/observe"
	"github.com/polaris-contrib/setrouter/plugin/router/caller"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
)

// longestName is how many bytes the names in a query may have. Polaris takes services
// with names of at most 128.
const longestName = 1024

// call is one call of a client.
type call struct {
	connection *connection
	client     *remote.Client
	ctx        context.Context // in the form that the stock handlers read
	caller     netip.Addr      // of this call; invalid: the caller cannot be told
}

// callError is an error with the code of Nacos that clients get.
type callError struct {
	code nacosmodel.ExceptionCode
	text string
}

func (e *callError) Error() string { return e.text }

// Request answers a call. A fault is an answer, too: to clients an error of gRPC is a
// server that is away.
func (s *connections) Request(ctx context.Context, p *nacospb.Payload) (*nacospb.Payload, error) {
	c := connectionOf(ctx)
	client := c.begin()
	if client == nil {
		return nil, errEnded
	}
	defer c.calls.Done()
	start := time.Now()
	s.stock.connections.RefreshClient(c.tag)
	resp, err := s.answer(&call{connection: c, client: client, ctx: stockContext(ctx, c, client, p)}, headerOf(ctx), p)
	if err != nil {
		resp = errorResponse(err)
	}
	resp.SetRequestId(requestID(p))
	reportGRPC(start, p.GetMetadata().GetType(), resp.GetErrorCode())
	return remote.MarshalPayload(resp)
}

// isList reports whether the answer to a request has instances.
func isList(p *nacospb.Payload) bool {
	kind := p.GetMetadata().GetType()
	return kind == nacospb.TypeServiceQueryRequest || kind == nacospb.TypeSubscribeServiceRequest
}

// answer answers a call.
func (s *connections) answer(c *call, header metadata.MD, p *nacospb.Payload) (resp nacospb.BaseResponse, err error) {
	defer observe.Recovered(&err)
	who := s.routing.AddressOfCall
	if isList(p) {
		who = s.routing.CallerOfCall
	}
	addr := who(c.connection.peer, header)
	c.caller = c.connection.callers.note(addr)
	if err := admit(addr, c.connection.peer, callMethod); err != nil {
		return nil, err
	}
	switch p.GetMetadata().GetType() {
	case nacospb.TypeServerCheckRequest:
		resp := nacospb.NewServerCheckResponse()
		resp.ConnectionId = c.client.ID
		return resp, nil
	case nacospb.TypeHealthCheckRequest:
		return nacospb.NewHealthCheckResponse(), nil
	}
	message, handler, err := s.parse(p)
	if err != nil {
		return nil, err
	}
	switch m := message.(type) {
	case *nacospb.ServiceQueryRequest:
		return s.query(c, m)
	case *nacospb.SubscribeServiceRequest:
		return s.subscribe(c, m)
	}
	if err := prepare(message); err != nil {
		return nil, err
	}
	defer s.stock.lockFor(message)()
	return handler(c.ctx, message, nacospb.RequestMeta{ConnectionID: c.client.ID, ClientIP: c.caller.String()})
}

// parse reads a request.
func (s *connections) parse(p *nacospb.Payload) (nacospb.BaseRequest, remote.RequestHandler, error) {
	handler, ok := s.stock.calls[p.GetMetadata().GetType()]
	if !ok || handler.Handler == nil {
		return nil, nil, &callError{nacosmodel.ExceptionCode_NoHandler, "this server has no requests of type " + quoted(p.GetMetadata().GetType())}
	}
	message, ok := handler.PayloadBuilder().(nacospb.BaseRequest)
	if !ok {
		return nil, nil, &callError{nacosmodel.ExceptionCode_NoHandler, quoted(p.GetMetadata().GetType()) + " is no request"}
	}
	if err := json.Unmarshal(p.GetBody().GetValue(), message); err != nil {
		return nil, nil, &callError{nacosmodel.ExceptionCode_InvalidParam, "the request cannot be read: " + explain.Plain(err.Error())}
	}
	return message, handler.Handler, nil
}

// query answers a request for a list.
func (s *connections) query(c *call, m *nacospb.ServiceQueryRequest) (nacospb.BaseResponse, error) {
	q := newQuery(m.Namespace, m.GroupName, m.ServiceName)
	q.clusters, q.healthyOnly = m.Cluster, m.HealthyOnly
	if err := q.check(); err != nil {
		return nil, err
	}
	info, _, err := answer(s.routing, c.caller, q)
	if err != nil {
		return nil, c.refusal(err)
	}
	return &nacospb.QueryServiceResponse{Response: success(), ServiceInfo: nacosmodel.Service{
		Name: info.Name, GroupName: info.GroupName, Clusters: info.Clusters, CacheMillis: info.CacheMillis, Hosts: info.Hosts,
		Checksum: info.Checksum, LastRefTime: info.LastRefTime, ReachProtectionThreshold: info.ReachProtectionThreshold, Valid: true,
	}}, nil
}

// subscribe answers a request that begins or ends a subscription.
func (s *connections) subscribe(c *call, m *nacospb.SubscribeServiceRequest) (nacospb.BaseResponse, error) {
	q := newQuery(m.Namespace, m.GroupName, m.ServiceName)
	q.clusters = m.Clusters
	if err := q.check(); err != nil {
		return nil, err
	}
	if !m.Subscribe {
		c.connection.remove(q)
		return &nacospb.SubscribeServiceResponse{Response: success(), ServiceInfo: *nacosmodel.NewEmptyServiceInfo(q.service, q.group)}, nil
	}
	info, _, err := answer(s.routing, c.caller, q)
	if err != nil {
		return nil, c.refusal(err)
	}
	// The next look pushes the list once more, as Nacos does. A client that has lost its
	// connection subscribes again, and throws the answer away.
	if err := c.connection.set(q, neverSent); err != nil {
		return nil, &callError{nacosmodel.ExceptionCode_OverThreshold, err.Error()}
	}
	return &nacospb.SubscribeServiceResponse{Response: success(), ServiceInfo: *info}, nil
}

// check refuses names that no service can have.
func (q query) check() error {
	switch {
	case q.service == "":
		return &callError{nacosmodel.ExceptionCode_InvalidParam, "serviceName is empty, expected the name of a service"}
	case len(q.namespace)+len(q.group)+len(q.service)+len(q.clusters) > longestName:
		return &callError{nacosmodel.ExceptionCode_InvalidParam, fmt.Sprintf("the names of a request have more than %d bytes", longestName)}
	}
	return nil
}

// refusal is the answer to a caller that gets no list.
func (c *call) refusal(err error) error {
	if c.connection.callers.areSeveral() {
		return &callError{nacosmodel.ExceptionCode_ServerError, "several callers share this connection: Nacos over gRPC does not work through a proxy for HTTP, expected one that passes TCP"}
	}
	return &callError{nacosmodel.ExceptionCode_ServerError, err.Error()}
}

func success() *nacospb.Response {
	return &nacospb.Response{ResultCode: int(nacosmodel.Response_Success.Code), Success: true, Message: "success"}
}

// errorResponse is the answer to a call that failed.
func errorResponse(err error) nacospb.BaseResponse {
	code, text := int(nacosmodel.ExceptionCode_ServerError), err.Error()
	var ours *callError
	var request *requestError
	var stock *nacosmodel.NacosError
	var api *nacosmodel.NacosApiError
	switch {
	case errors.As(err, &ours):
		code = int(ours.code)
	case errors.As(err, &request): // Nacos has the numbers of HTTP
		code = request.status
	case errors.As(err, &stock):
		code, text = int(stock.ErrCode), stock.ErrMsg
	case errors.As(err, &api):
		code, text = int(api.DetailErrCode), api.ErrAbstract
	default:
		observe.Fault("a Nacos call failed", zap.Error(err))
		text = "the server failed, see its log"
	}
	return &nacospb.ErrorResponse{Response: &nacospb.Response{ResultCode: int(nacosmodel.Response_Fail.Code), ErrorCode: code, Message: text}}
}

// requestID returns the id of a request, by which clients know the answer.
func requestID(p *nacospb.Payload) string {
	var id struct {
		RequestID string `json:"requestId"`
	}
	_ = json.Unmarshal(p.GetBody().GetValue(), &id)
	return id.RequestID
}

// received takes a message of the stream of a client. Acknowledgements of pushes need
// nothing: the stream brings all that is sent, or ends.
func (s *connections) received(c *connection, p *nacospb.Payload) error {
	c.mu.Lock()
	tag := c.tag
	c.mu.Unlock()
	s.stock.connections.RefreshClient(tag)
	if p.GetMetadata().GetType() != nacospb.TypeConnectionSetupRequest {
		return nil
	}
	setup := nacospb.NewConnectionSetupRequest()
	if err := json.Unmarshal(p.GetBody().GetValue(), setup); err != nil {
		return err
	}
	return s.stock.connections.RegisterConnection(tag, p, setup)
}

// stockContext returns the context of a call in the form that the stock handlers read. Of
// what the client has put into its message there is the token, and nothing else: the stock
// listener takes over every header, also such as say who the client is.
func stockContext(ctx context.Context, c *connection, client *remote.Client, p *nacospb.Payload) context.Context {
	header := headerOf(ctx)
	out := caller.WithPeer(context.Background(), c.peer, header)
	for _, key := range []string{"request-id", "user-agent"} {
		if values := header.Get(key); len(values) > 0 {
			out = context.WithValue(out, utils.StringContext(key), values[0])
		}
	}
	for _, key := range []string{utils.HeaderAuthTokenKey, nacosmodel.NacosClientAuthHeader} {
		if token := p.GetMetadata().GetHeaders()[key]; token != "" {
			out = context.WithValue(out, utils.ContextAuthTokenKey, token)
		}
	}
	peer, _ := netip.ParseAddrPort(c.peer)
	out = context.WithValue(out, remote.ClientIPKey{}, peer.Addr().String())
	return context.WithValue(out, remote.ConnIDKey{}, client.ID)
}
