package router

import (
	"context"
	"strings"

	api "github.com/polarismesh/polaris/common/api/v1"
	"github.com/polarismesh/polaris/service"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// request is one discovery request on its way.
type request struct {
	*Server
	inner  service.DiscoverServer // who is asked: the stock server, auth first
	ctx    context.Context
	filter *apiservice.DiscoverFilter
	req    *apiservice.Service // as sent, with the namespace filled in
	asked  route.Service
	rules  *route.Rules
	table  *location.Table
	exists bool // the name asked for is a service or alias of its own
	// address is the lane address asked for, nil where it is none.
	address *route.Rule

	refused *apiservice.DiscoverResponse // by the stock server
}

func (r *request) routeRequest() route.Request {
	addr := callerAddr(r.ctx, r.trusted)
	caller := location.Resolver{Sources: r.sources, Default: r.table.Default()}.Caller(addr)
	read := r.read()
	r.address, _ = r.rules.Address(r.asked, read)
	return route.Request{Addr: addr, Caller: caller.Identity, Asked: r.asked, Read: read}
}

// read are the services that the name asked for stands for: a Polaris alias,
// or services of other namespaces that are visible here. It notes in r.exists
// whether the name is one of its own.
func (r *request) read() []route.Service {
	services := r.services()
	found := services.GetServiceByName(r.asked.Name, r.asked.Namespace)
	r.exists = found != nil
	if !r.exists {
		var out []route.Service
		for _, v := range services.GetVisibleServicesInOtherNamespace(r.asked.Name, r.asked.Namespace) {
			out = append(out, route.Service{Namespace: v.Namespace, Name: v.Name})
		}
		return out
	}
	if !found.IsAlias() {
		return nil
	}
	source := services.GetServiceByID(found.Reference)
	if source == nil {
		return nil
	}
	return []route.Service{{Namespace: source.Namespace, Name: source.Name}}
}

// stock is the answer without routing. A lane address that is no service
// itself has that of its target: to the stock server it does not exist.
func (r *request) stock() *apiservice.DiscoverResponse {
	if r.address == nil || r.exists {
		return r.inner.ServiceInstancesCache(r.ctx, r.filter, r.req)
	}
	return r.named(r.inner.ServiceInstancesCache(r.ctx, r.filter, r.requestFor(r.address.Target)))
}

// source is the service to read.
func (r *request) source() route.Service {
	if r.address != nil {
		return r.address.Target
	}
	return r.asked
}

// requestFor is the request with another name.
func (r *request) requestFor(source route.Service) *apiservice.Service {
	req := copyOf(r.req)
	req.Namespace = wrapperspb.String(source.Namespace)
	req.Name = wrapperspb.String(source.Name)
	return req
}

// named puts the name asked for into an answer about another service: SDKs
// wait for an answer under the name that they sent. Instances of an answer by
// the stock server are the caller's own copies.
func (r *request) named(resp *apiservice.DiscoverResponse) *apiservice.DiscoverResponse {
	if r.address != nil && strings.Contains(resp.GetInfo().GetValue(), r.address.Target.Name) {
		resp.Info = wrapperspb.String(api.Code2Info(resp.GetCode().GetValue())) // the target is not the caller's to know
	}
	if resp.GetService() == nil {
		return resp
	}
	resp.Service = copyOf(resp.Service)
	resp.Service.Namespace, resp.Service.Name = r.req.Namespace, r.req.Name
	for _, i := range resp.Instances {
		i.Namespace, i.Service = r.req.Namespace, r.req.Name
	}
	return resp
}

// copyOf is a shallow copy, whose fields may be set.
func copyOf(s *apiservice.Service) *apiservice.Service {
	c := *s
	return &c
}
