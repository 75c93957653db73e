package router

import (
	"context"
	"fmt"
	"net/netip"
	"runtime/debug"

	"github.com/polarismesh/polaris/common/api/l5"
	"github.com/polarismesh/polaris/common/model"
	"github.com/polarismesh/polaris/service"

	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// SyncByAgentCmd answers an L5 agent with the instances that its host should
// use. The agent says its own address, and the listener tells no other: of all
// that is routed, L5 alone believes it. The stock answer has healthy instances
// only, so that a list with none of those comes out empty, and weights of its
// own, so that a rollout by weight does not reach L5.
//
// The stock server panics on the request, and ends, where naming.l5Open is not
// set in its configuration; here the agent gets an error.
func (s *Server) SyncByAgentCmd(ctx context.Context, cmd *l5.Cl5SyncByAgentCmd) (ack *l5.Cl5SyncByAgentAckCmd, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v; is naming.l5Open true in the server's configuration?\n%s", p, debug.Stack())
		}
	}()
	ack, err = s.DiscoverServer.SyncByAgentCmd(ctx, cmd)
	if err != nil || s.rules == nil {
		return ack, err
	}
	filter := l5Filter{Server: s, caller: l5Addr(cmd.GetAgentIp()), lists: map[[2]int32]l5List{}}
	kept := ack.GetServList().GetServ()[:0:0]
	for _, of := range ack.GetServList().GetServ() {
		list := filter.list(of.GetModId(), of.GetCmdId())
		if !list.routed || list.hosts[l5Host{of.GetIp(), of.GetPort()}] {
			kept = append(kept, of)
		}
	}
	if ack.GetServList() != nil {
		ack.ServList.Serv = kept
	}
	return ack, nil
}

// l5Filter finds the routed list of each service in one answer.
type l5Filter struct {
	*Server
	caller netip.Addr
	lists  map[[2]int32]l5List
}

// l5List is a routed list; not routed, the stock list stands.
type l5List struct {
	routed bool
	hosts  map[l5Host]bool
}

type l5Host struct{ ip, port int32 }

func (f *l5Filter) list(mod, cmd int32) l5List {
	key := [2]int32{mod, cmd}
	if l, there := f.lists[key]; there {
		return l
	}
	l := l5List{hosts: map[l5Host]bool{}}
	if name, there := f.service(uint32(mod), uint32(cmd)); there {
		resp, routed := f.Routed(f.caller, name)
		l.routed = routed
		for _, i := range resp.GetInstances() {
			host := l5Host{int32(service.ParseIPStr2IntV2(i.GetHost().GetValue())), int32(i.GetPort().GetValue())}
			l.hosts[host] = true
		}
	}
	f.lists[key] = l
	return l
}

// service is the L5 alias by which the agent asks.
func (f *l5Filter) service(mod, cmd uint32) (route.Service, bool) {
	sid := model.MarshalModCmd(mod, cmd)
	for _, namespace := range service.ComputeNamespace(mod, cmd) {
		if f.services().GetServiceByName(sid, namespace) != nil {
			return route.Service{Namespace: namespace, Name: sid}, true
		}
	}
	return route.Service{}, false
}

// l5Addr reads the address of an agent: IPv4, the first byte lowest.
func l5Addr(ip int32) netip.Addr {
	return netip.AddrFrom4([4]byte{byte(ip), byte(ip >> 8), byte(ip >> 16), byte(ip >> 24)})
}
