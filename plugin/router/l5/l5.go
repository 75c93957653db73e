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

	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// Router routes the lists of one server.
type Router interface {
	// HasRules reports whether routing files are configured.
	HasRules() bool
	// Exists reports whether the server has a service, or an alias, of that name.
	Exists(route.Service) bool
	// Routed returns the list of a caller. It is not ok where the stock list
	// stands.
	Routed(caller netip.Addr, service route.Service) (list *apiservice.DiscoverResponse, ok bool)
}

// Sync answers an L5 agent with the instances that its host should use. The
// agent says its own address, and the listener tells no other: of all that is
// routed, L5 alone believes the client. The stock answer has healthy instances
// only, so that a list without healthy instances comes out empty, and it has
// weights of its own, so that a rollout by weight does not reach L5.
//
// The stock server panics on the request, and ends, where naming.l5Open is not
// set in its configuration; here the agent gets an error.
func Sync(ctx context.Context, cmd *l5.Cl5SyncByAgentCmd, stock service.DiscoverServer, router Router) (ack *l5.Cl5SyncByAgentAckCmd, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v; is naming.l5Open true in the server's configuration?\n%s", p, debug.Stack())
		}
	}()
	ack, err = stock.SyncByAgentCmd(ctx, cmd)
	if err != nil || !router.HasRules() || ack.GetServList() == nil {
		return ack, err
	}
	f := filter{router: router, caller: address(cmd.GetAgentIp()), lists: map[module]list{}}
	servers := ack.ServList.Serv
	kept := servers[:0:0]
	for _, server := range servers {
		list := f.list(module{server.GetModId(), server.GetCmdId()})
		if !list.routed || list.hosts[host{server.GetIp(), server.GetPort()}] {
			kept = append(kept, server)
		}
	}
	ack.ServList.Serv = kept
	return ack, nil
}

// filter finds the routed list of each service in one answer.
type filter struct {
	router Router
	caller netip.Addr
	lists  map[module]list
}

// module is the name of a service in L5.
type module struct{ mod, cmd int32 }

// list is a routed list. Where a service is not routed, the stock list stands.
type list struct {
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
		resp, routed := f.router.Routed(f.caller, name)
		l.routed = routed
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
