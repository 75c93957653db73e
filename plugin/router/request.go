package router

import (
	"context"
	"strings"

	api "github.com/polarismesh/polaris/common/api/v1"
	"github.com/polarismesh/polaris/service"
	apimodel "github.com/polarismesh/specification/source/go/api/v1/model"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/polaris-contrib/setrouter/internal/observe"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/view"
)

// request is one discovery request: what is asked for, what that name stands
// for, and the files in force. newRequest makes it whole, and nothing changes it.
// Who asks is not part of it.
type request struct {
	ctx     context.Context
	stock   service.DiscoverServer // answers without routing
	filter  *apiservice.DiscoverFilter
	message *apiservice.Service // as sent, with the namespace filled in
	names   names
	id      string // of the service, or of the service of the alias, that is asked for; empty: there is none
	query   view.Query
}

var _ view.Stock = (*request)(nil)

// newRequest makes a request and resolves the name that it asks for. It fills in
// the namespace of the message, as the stock server does. Where the resolution
// fails, the request stands for the name itself.
func (s *Server) newRequest(ctx context.Context, stock service.DiscoverServer, filter *apiservice.DiscoverFilter, message *apiservice.Service) (r *request, err error) {
	if message.GetNamespace().GetValue() == "" {
		message.Namespace = wrapperspb.String(service.DefaultNamespace)
	}
	asked := route.Service{Namespace: message.GetNamespace().GetValue(), Name: message.GetName().GetValue()}
	r = &request{ctx: ctx, stock: stock, filter: filter, message: message, names: s.names}
	r.query.Resolved.Name.Service = asked
	defer observe.Recovered(&err)
	rules := s.Rules()
	name, id := s.names.findWithID(asked)
	r.id = id
	resolved := rules.Resolve(name)
	r.query = view.Query{
		Resolved: resolved,
		// A service that is exported to all namespaces has a name in each
		// namespace that a client can think of. Such names are read anew for each
		// request, as the stock server does.
		Kept:  resolved.Exists || rules.IsAddress(asked),
		Rules: rules, Table: s.table(), Stock: r,
	}
	return r, nil
}

// messageOf returns a message that asks for a service.
func messageOf(s route.Service) *apiservice.Service {
	return &apiservice.Service{Namespace: wrapperspb.String(s.Namespace), Name: wrapperspb.String(s.Name)}
}

// Answer implements view.Stock. The answer has the name that was asked for.
func (r *request) Answer(source route.Service, revision string) *apiservice.DiscoverResponse {
	message := r.messageNamed(source)
	message.Revision = nil
	if revision != "" {
		message.Revision = wrapperspb.String(revision)
	}
	resp := r.stock.ServiceInstancesCache(r.ctx, &apiservice.DiscoverFilter{}, message)
	if apimodel.Code(resp.GetCode().GetValue()) == apimodel.Code_DataNoChange {
		return resp // nobody sends this answer
	}
	return r.renamed(resp)
}

// Revision implements view.Stock.
func (r *request) Revision(source route.Service) string {
	if r.id != "" && source == r.query.Service && r.names.revision != nil {
		return r.names.revision(r.id)
	}
	return r.names.revisionOf(source)
}

// stockAnswer returns the answer without routing. A lane address that is no service
// itself has the answer of its target: to the stock server that address does not
// exist.
func (r *request) stockAnswer() *apiservice.DiscoverResponse {
	if r.query.Address == nil || r.query.Exists {
		return r.stock.ServiceInstancesCache(r.ctx, r.filter, r.message)
	}
	return r.renamed(r.stock.ServiceInstancesCache(r.ctx, r.filter, r.messageNamed(r.query.Address.Target)))
}

// messageNamed returns the message with another name, or a copy of it.
func (r *request) messageNamed(source route.Service) *apiservice.Service {
	message := *r.message
	if source != r.query.Service {
		message.Namespace, message.Name = wrapperspb.String(source.Namespace), wrapperspb.String(source.Name)
	}
	return &message
}

// renamed puts the name asked for into an answer about another service: SDKs
// wait for an answer under the name that they sent. The instances of an answer
// by the stock server are the caller's own copies.
func (r *request) renamed(resp *apiservice.DiscoverResponse) *apiservice.DiscoverResponse {
	if address := r.query.Address; address != nil && strings.Contains(resp.GetInfo().GetValue(), address.Target.Name) {
		resp.Info = wrapperspb.String(api.Code2Info(resp.GetCode().GetValue())) // the target is not the caller's to know
	}
	if resp.GetService() == nil {
		return resp
	}
	named := *resp.Service
	named.Namespace, named.Name = r.message.Namespace, r.message.Name
	resp.Service = &named
	for _, i := range resp.Instances {
		i.Namespace, i.Service = r.message.Namespace, r.message.Name
	}
	return resp
}

// whyRefused returns the reason for an answer where the stock server refuses the
// service to read.
func (r *request) whyRefused(why route.Why, refused *apiservice.DiscoverResponse) route.Why {
	return r.query.WithTarget(why, apimodel.Code(refused.GetCode().GetValue()) != apimodel.Code_NotFoundResource)
}
