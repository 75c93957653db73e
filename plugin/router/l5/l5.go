// Package l5 routes the clients of the L5 listener, `service-l5`.
package l5

import (
	"context"
	"fmt"
	"net/netip"
	"runtime/debug"

	"github.com/polarismesh/polaris/common/api/l5"
	"github.com/polarismesh/polaris/common/model"
	"github.com/polarismesh/polaris/service"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"

	"github.com/polaris-contrib/setrouter/internal/observe"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// Router routes the lists of one server.
type Router interface {
	// HasRules reports whether routing files are configured.
	HasRules() bool
	// Exists reports whether the server has a service, or an alias, of that name.
	Exists(route.Service) bool
	// Routed returns the list of a caller. The list is nil where the stock list
	// stands. An error says that the caller gets no list.
	Routed(caller netip.Addr, service route.Service) (list *apiservice.DiscoverResponse, err error)
	// Fault counts and logs a fault. Fault returns nil where the stock answer is to
	// be sent.
	Fault(what string, err error) error
}

// Sync answers an L5 agent with the instances that its host should use. The
// agent says its own address, and the listener tells no other: of all that is
// routed, L5 alone believes the client. The stock answer has healthy instances
// only, so that a list without healthy instances comes out empty, and it has
// weights of its own, so that a rollout by weight does not reach L5.
//
// Where routing fails, an agent gets the stock answer (failOpen: true), or an error,
// and keeps the answer that it has.
func Sync(ctx context.Context, cmd *l5.Cl5SyncByAgentCmd, stock service.DiscoverServer, router Router) (*l5.Cl5SyncByAgentAckCmd, error) {
	ack, err := stockAnswer(ctx, cmd, stock)
	if err != nil || !router.HasRules() || ack.GetServList() == nil {
		return ack, err
	}
	f := filter{router: router, caller: address(cmd.GetAgentIp()), lists: map[module]list{}}
	kept, noList, err := f.keep(ack.ServList.Serv)
	if err != nil {
		kept, noList = ack.ServList.Serv, router.Fault("an L5 answer", err)
	}
	if noList != nil {
		return nil, noList
	}
	ack.ServList.Serv = kept
	return ack, nil
}

// stockAnswer returns the stock server's answer. The stock server panics on the
// request, and ends, where naming.l5Open is not set in its configuration; here the agent
// gets an error.
func stockAnswer(ctx context.Context, cmd *l5.Cl5SyncByAgentCmd, stock service.DiscoverServer) (ack *l5.Cl5SyncByAgentAckCmd, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v; is naming.l5Open true in the server's configuration?\n%s", p, debug.Stack())
		}
	}()
	return stock.SyncByAgentCmd(ctx, cmd)
}

// filter finds the routed list of each service in one answer.
type filter struct {
	router Router
	caller netip.Addr
	lists  map[module]list
}

// keep returns the servers that the caller should use. The error noList says that the
// caller gets none of them; err is a panic.
func (f *filter) keep(servers []*l5.Cl5ServObj) (kept []*l5.Cl5ServObj, noList, err error) {
	defer observe.Recovered(&err)
	for _, server := range servers {
		list := f.list(module{server.GetModId(), server.GetCmdId()})
		if list.noList != nil {
			return nil, list.noList, nil
		}
		if !list.routed || list.hosts[host{server.GetIp(), server.GetPort()}] {
			kept = append(kept, server)
		}
	}
	return kept, nil, nil
}

// module is the name of a service in L5.
type module struct{ mod, cmd int32 }

// list is a routed list. Where a service is not routed, the stock list stands.
type list struct {
	noList error // not nil: the caller gets no list
	routed bool
	hosts  map[host]bool
}

// host is an address and port as L5 has them.
type host struct{ ip, port int32 }

func (f *filter) list(m module) list {
	if l, ok := f.lists[m]; ok {
		return l
	}
	l := list{hosts: map[host]bool{}}
	if name, ok := f.serviceName(m); ok {
		resp, err := f.router.Routed(f.caller, name)
		l.noList, l.routed = err, resp != nil
		for _, i := range resp.GetInstances() {
			h := host{int32(service.ParseIPStr2IntV2(i.GetHost().GetValue())), int32(i.GetPort().GetValue())}
			l.hosts[h] = true
		}
	}
	f.lists[m] = l
	return l
}

// serviceName returns the L5 alias by which the agent asks.
func (f *filter) serviceName(m module) (route.Service, bool) {
	mod, cmd := uint32(m.mod), uint32(m.cmd)
	sid := model.MarshalModCmd(mod, cmd)
	for _, namespace := range service.ComputeNamespace(mod, cmd) {
		name := route.Service{Namespace: namespace, Name: sid}
		if f.router.Exists(name) {
			return name, true
		}
	}
	return route.Service{}, false
}

// address reads the address of an agent: IPv4, the first byte lowest.
func address(ip int32) netip.Addr {
	return netip.AddrFrom4([4]byte{byte(ip), byte(ip >> 8), byte(ip >> 16), byte(ip >> 24)})
}
