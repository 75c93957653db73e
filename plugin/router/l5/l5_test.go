package l5

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/polarismesh/polaris/common/api/l5"
	"github.com/polarismesh/polaris/service"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"

	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// stockServer answers agents.
type stockServer struct {
	service.DiscoverServer
	ack *l5.Cl5SyncByAgentAckCmd
	err error
}

func (s stockServer) SyncByAgentCmd(context.Context, *l5.Cl5SyncByAgentCmd) (*l5.Cl5SyncByAgentAckCmd, error) {
	if s.ack == nil && s.err == nil {
		panic("nil map")
	}
	return s.ack, s.err
}

// noRoutes is a router whose rules are for other services.
type noRoutes struct{}

func (noRoutes) HasRules() bool            { return true }
func (noRoutes) Exists(route.Service) bool { return true }
func (noRoutes) Routed(netip.Addr, route.Service) (*apiservice.DiscoverResponse, error) {
	return nil, nil
}
func (noRoutes) Fault(string, error) error { return nil }

// FuzzSync reads agents' addresses: each is an IPv4 address, and no two are the
// same.
func FuzzSync(f *testing.F) {
	f.Add(int32(0x0100010a), int32(-1), int32(7), int32(8))
	f.Add(int32(0x0100), int32(0x0200), int32(-1), int32(0))
	f.Fuzz(func(t *testing.T, ip, other, mod, cmd int32) {
		a, b := address(ip), address(other)
		if !a.Is4() || (a == b) != (ip == other) {
			t.Errorf("%d is %s, %d is %s", ip, a, other, b)
		}
		stock := stockServer{ack: &l5.Cl5SyncByAgentAckCmd{ServList: &l5.Cl5ServList{Serv: []*l5.Cl5ServObj{{ModId: &mod, CmdId: &cmd, Ip: &ip, Port: &other}}}}}
		ack, err := Sync(context.Background(), &l5.Cl5SyncByAgentCmd{AgentIp: &ip}, stock, noRoutes{})
		if err != nil || len(ack.GetServList().GetServ()) != 1 {
			t.Errorf("%v, %v", ack, err)
		}
	})
}

func TestStockFaults(t *testing.T) {
	fault := errors.New("no such agent")
	if _, err := Sync(context.Background(), &l5.Cl5SyncByAgentCmd{}, stockServer{err: fault}, noRoutes{}); !errors.Is(err, fault) {
		t.Errorf("an error of the stock server: %v", err)
	}
	const want = "panic: nil map; is naming.l5Open true in the server's configuration?"
	if _, err := Sync(context.Background(), &l5.Cl5SyncByAgentCmd{}, stockServer{}, noRoutes{}); err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("a panic of the stock server: %v, want %s", err, want)
	}
}

// faultyRouter is a router whose routing fails, or panics.
type faultyRouter struct {
	noRoutes
	noList error // what a caller gets by failOpen; nil: the stock answer
	panics bool
}

func (r faultyRouter) Routed(netip.Addr, route.Service) (*apiservice.DiscoverResponse, error) {
	if r.panics {
		panic("a fault")
	}
	return nil, r.noList
}
func (r faultyRouter) Fault(string, error) error { return r.noList }

// A fault in routing gives the stock answer with failOpen: true, and otherwise an
// error and nothing else.
func TestFaults(t *testing.T) {
	noList := errors.New("no list")
	for _, tt := range []struct {
		name   string
		router faultyRouter
		want   string // how many servers, and the error
	}{
		{"failOpen: true", faultyRouter{}, "2 <nil>"},
		{"failOpen: true, a panic", faultyRouter{panics: true}, "2 <nil>"},
		{"failOpen: false", faultyRouter{noList: noList}, "0 no list"},
		{"failOpen: false, a panic", faultyRouter{noList: noList, panics: true}, "0 no list"},
	} {
		stock := stockServer{ack: &l5.Cl5SyncByAgentAckCmd{ServList: &l5.Cl5ServList{Serv: []*l5.Cl5ServObj{{}, {}}}}}
		ack, err := Sync(t.Context(), &l5.Cl5SyncByAgentCmd{}, stock, tt.router)
		if got := fmt.Sprint(len(ack.GetServList().GetServ()), " ", err); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}
