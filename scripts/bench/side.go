package main

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/polaris-contrib/setrouter/internal/test/manyrules"
	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
	"github.com/polaris-contrib/setrouter/scripts/bench/rig"
)

// side is one of the two servers, with the service registered.
type side struct {
	name   string
	plan   plan
	server *polaristest.Server
	store  *store // shared by both sides
}

const service = "big"

func startSide(ctx context.Context, p plan, db *store, name, binary string) (*side, error) {
	server, err := polaristest.Start(ctx, polaristest.Options{Binary: binary, Store: db.Options(), Config: polaristest.Unguarded(polaristest.Config()), Files: map[string]string{
		"conf/mapping/mapping.csv":  p.mapping(-1),
		"conf/routing/routing.yaml": p.routing(),
	}})
	if err != nil {
		return nil, err
	}
	s := &side{name: name, plan: p, server: server, store: db}
	return s, s.settle(ctx)
}

// routing returns a routing file with the rule of the service behind the rules for
// other services.
func (p plan) routing() string {
	stages := "set: {}"
	if p.campuses > 1 {
		stages += ", nearby: {}"
	}
	return manyrules.File(p.rules, fmt.Sprintf("{name: big, service: default/%s, %s}", service, stages))
}

// kind is a kind of caller: a SET in a campus. Each kind has a subnet of loopback
// for its callers.
type kind int

func (k kind) set(p plan) string {
	return fmt.Sprintf("shop.area%d.g%d", k.setNumber(p)/10, k.setNumber(p))
}

func (k kind) setNumber(p plan) int { return int(k) % p.sets }

// location puts nine campuses into a region, and three into a zone.
func (k kind) location(p plan) *polaristest.Location {
	c := int(k) / p.sets
	return &polaristest.Location{Region: fmt.Sprintf("r%d", c/9), Zone: fmt.Sprintf("r%d-z%d", c/9, c/3), Campus: fmt.Sprintf("r%d-z%d-c%d", c/9, c/3, c)}
}

func (k kind) addr(n int) netip.Addr {
	return netip.AddrFrom4([4]byte{127, byte(1 + k>>8), byte(k), byte(1 + n)})
}

// mapping returns a mapping file with the subnets of all kinds, and with as many
// other entries as the plan says. The subnet of the kind moved has the SET of the
// next kind.
func (p plan) mapping(moved kind) string {
	var b strings.Builder
	b.WriteString("match,set,region,zone,campus\n")
	line := func(match string, k kind) {
		l := k.location(p)
		fmt.Fprintf(&b, "%s,%s,%s,%s,%s\n", match, k.set(p), l.Region, l.Zone, l.Campus)
	}
	for k := range kind(p.sets * p.campuses) {
		says := k
		if k == moved {
			says = k + 1
		}
		line(netip.PrefixFrom(k.addr(-1), 24).String(), says)
	}
	for n := range p.entries {
		line(netip.AddrFrom4([4]byte{11, byte(n >> 16), byte(n >> 8), byte(n)}).String(), kind(n%(p.sets*p.campuses)))
	}
	return b.String()
}

// settle waits until the server's cache has all instances and does not change any
// more.
func (s *side) settle(ctx context.Context) error {
	c, err := rig.Dial(ctx, s.server.GRPCAddr, kind(0).addr(0))
	if err != nil {
		return err
	}
	defer c.Close()
	for unchanged := 0; unchanged < 20; time.Sleep(200 * time.Millisecond) {
		a, _, err := c.Ask(service, false)
		if err != nil && a.Code == 0 {
			return err
		}
		if unchanged++; a.Code != rig.CodeUnchanged {
			unchanged = 0
		}
	}
	return nil
}

// callers connects n callers, of all kinds in turn.
func (s *side) callers(ctx context.Context, n int) (list []*rig.Caller, err error) {
	kinds := s.plan.sets * s.plan.campuses
	for i := range n {
		c, err := rig.Dial(ctx, s.server.GRPCAddr, kind(i%kinds).addr(i/kinds))
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, nil
}
