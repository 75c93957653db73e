package router

import (
	"context"

	"github.com/polarismesh/polaris/service"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/polaris-contrib/setrouter/internal/observe"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// ask asks the stock server, auth first, for the governance rules of one type.
type ask func(ctx context.Context, message *apiservice.Service) *apiservice.DiscoverResponse

// governance answers a request for governance rules: routing, rate limits, circuit
// breakers, fault detectors. To the stock server a lane address is no service; its
// clients get the rules of its target, as the clients of an alias do
// (docs/design.md, 5.4). A lane address that is a service of its own keeps its own
// rules. A fault costs the rules of the target only.
func (s *Server) governance(ctx context.Context, message *apiservice.Service, stock ask) *apiservice.DiscoverResponse {
	target, ok := s.targetOf(message)
	if !ok {
		return stock(ctx, message)
	}
	asked := *message
	asked.Namespace, asked.Name = wrapperspb.String(target.Namespace), wrapperspb.String(target.Name)
	resp := stock(ctx, &asked)
	if resp.GetService() == nil { // a refusal, which names nothing
		return resp
	}
	named := *resp.Service
	named.Namespace, named.Name = message.Namespace, message.Name
	resp.Service = &named
	for _, rule := range resp.GetRateLimit().GetRules() {
		rule.Namespace, rule.Service = message.Namespace, message.Name
	}
	if resp.CircuitBreaker != nil {
		resp.CircuitBreaker.ServiceNamespace, resp.CircuitBreaker.Service = message.Namespace, message.Name
	}
	return resp
}

// targetOf returns the target of a message that asks for a lane address. It is not
// ok for other names.
func (s *Server) targetOf(message *apiservice.Service) (target route.Service, ok bool) {
	var err error
	defer func() {
		if err != nil {
			observe.Log.Error("[SetRouter] " + err.Error())
			ok = false
		}
	}()
	defer observe.Recovered(&err)
	asked := route.Service{Namespace: message.GetNamespace().GetValue(), Name: message.GetName().GetValue()}
	if asked.Namespace == "" {
		asked.Namespace = service.DefaultNamespace
	}
	if !s.Rules().IsAddress(asked) {
		return route.Service{}, false
	}
	name := s.Rules().Resolve(s.names.find(asked))
	return name.Source(), !name.HasOwnService()
}
