package main

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/internal/test/oracle"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// A soak without servers: states of the soak, drawn at random, are decided as setctl
// decides a dump, and as the oracle does.
func TestDumpsAgreeWithOracle(t *testing.T) {
	for seed := range uint64(20) {
		d := newDraw(seed)
		data, err := json.Marshal(d.dump())
		if err != nil {
			t.Fatal(err)
		}
		said, err := oracle.Read(data)
		if err != nil {
			t.Fatal(err)
		}
		var dump world.Dump
		if err := json.Unmarshal(data, &dump); err != nil {
			t.Fatal(err)
		}
		var problems strict.Problems
		w := dump.World(&problems)
		if w == nil {
			t.Fatal(problems.Err())
		}
		for n := range 48 {
			for _, name := range names {
				addr := addrOf(n)
				c := said.Ask(addr, oracle.Service{Namespace: namespace, Name: name.asked})
				want := textOfMembers(c.Stock(), true)
				if c.Why == "" {
					want, _ = expect(&c)
				}
				got := textOfExplained(w, addr, name.asked)
				if got != want {
					t.Errorf("seed %d: %s asks for %s: %s\nthe oracle says: %s\nof %+v routed as %q, rule %q (%s)", seed, addr, name.asked, indent(got), indent(want), c.Caller, c.SETs, c.Rule.Name, c.Why)
					for _, f := range said.Routing {
						t.Log(f.Content)
					}
					return
				}
			}
		}
	}
}

// textOfExplained is textOfMembers for what an explanation says is sent.
func textOfExplained(w *world.World, addr netip.Addr, asked string) string {
	lines := []string{}
	for _, i := range w.Explain(world.Request{Addr: addr, Service: route.Service{Namespace: namespace, Name: asked}}).Instances {
		if i.Sent {
			place := oracle.Place{i.Location.Region, i.Location.Zone, i.Location.Campus}
			lines = append(lines, fmt.Sprintf("%s %s:%d healthy %t isolate %t weight %d %v %s", i.ID, i.Host, i.Port, i.Healthy, i.Isolate, i.Weight, place, i.SET))
		}
	}
	return textOf(lines, true)
}

// dump draws a state of a server.
func (d draw) dump() world.Dump {
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	out := world.Dump{
		Now: now.Add(time.Duration(d.IntN(12)) * time.Second), Sources: []string{"mapping", "registry", "report"},
		Mapping: []world.Text{{Name: callersFile, Content: d.mapping()}, {Name: hostsFile, Content: d.hosts()}},
		Routing: []world.Text{{Name: rulesFile, Content: d.rules(now)}, {Name: "lanes.yaml", Content: d.lanes()}},
		Aliases: []world.Alias{{Alias: route.Service{Namespace: namespace, Name: "novel-alias"}, Service: route.Service{Namespace: namespace, Name: "novel"}}},
	}
	for _, name := range serviceNames() {
		s := world.Service{Namespace: namespace, Name: name}
		if d.chance(50) {
			s.Metadata = map[string]string{"gold": "yes"}
		}
		out.Services = append(out.Services, s)
		for number := range 12 {
			out.Instances = append(out.Instances, d.registered(name, number))
		}
	}
	for n := range 48 {
		if d.chance(30) {
			p := pick(d, places)
			client := world.Client{Addr: addrOf(n)}
			client.Location.Region, client.Location.Zone, client.Location.Campus = p[0], p[1], p[2]
			out.Clients = append(out.Clients, client)
		}
	}
	return out
}

// registered draws an instance, in the form of a dump. Several are at one address, and
// hosts are written in several ways.
func (d draw) registered(service string, number int) world.Instance {
	i := d.instance(service, number)
	out := world.Instance{
		ID: fmt.Sprint(service, "-", number), Service: route.Service{Namespace: namespace, Name: service}, Host: i.Host, Port: uint32(i.Port),
		Metadata: i.Metadata, Healthy: i.Healthy, Isolate: i.Isolate, Weight: i.Weight,
	}
	if i.Location != nil {
		out.Location.Region, out.Location.Zone, out.Location.Campus = i.Location.Region, i.Location.Zone, i.Location.Campus
	}
	if strings.HasPrefix(out.Host, "127.") && d.chance(50) {
		out.Host = hostOf("lone", 2*(number/6))
	}
	if d.chance(20) {
		out.Host = pick(d, []string{"[" + out.Host + "]", "::ffff:" + out.Host, "[::ffff:" + out.Host + "]"})
	}
	if _, ok := out.Metadata["internal-set-name"]; ok && d.chance(30) {
		out.Metadata["internal-enable-set"] = pick(d, []string{"y", "N", "", "yes"})
	}
	if d.chance(10) {
		out.Metadata["set-group"] = pick(d, []string{"qb.novel.z", "qb.novel", "a.b.c.d", "qb.novel.**"})
	}
	return out
}
