package main

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// closed is the routing of these tests with nothing for callers of whom nothing is known.
var closed = strings.Replace(routing, "rules:", "defaults: {set: {unknown: none}}\nrules:", 1)

// With the source registry, whoever may register instances says SETs: of itself, and of
// others whom no mapping knows. That adds lists, and takes none away. A caller of whom
// nothing is left is given every business, or nothing by `unknown: none`. Without the
// source registry no instance says anything of a caller.
func TestFakeRegistrations(t *testing.T) {
	const (
		ofH, ofAms = "10.11.0.1", "10.14.0.1"
		everyone   = "10.11.0.1 10.12.0.1 10.13.0.1 10.14.0.1"
	)
	attacker, victim := stranger, netip.MustParseAddr("127.9.0.2")
	for _, tt := range []struct {
		name, routing, sources string
		own                    string // what an instance of its own gives the attacker and the victim
		second, atVictim       string // what a second instance at the address gives
		none                   string // what a caller without an instance gets
	}{
		{"unknown: all", routing, "mapping, registry, report", ofAms, ofH + " " + ofAms, ofH + " " + ofAms, everyone},
		{"unknown: none", closed, "mapping, registry, report", ofAms, ofH + " " + ofAms, ofH + " " + ofAms, ""},
		{"unknown: all, without registry", routing, "mapping, report", everyone, everyone, everyone, everyone},
		{"unknown: none, without registry", closed, "mapping, report", "", "", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			config := replacedConfig(t, "sources: [mapping, registry, report]", "sources: ["+tt.sources+"]")
			server, console := start(t, polaristest.Options{Config: config, Files: map[string]string{"conf/routing/routing.yaml": tt.routing}})
			registerNovel(t, console, "novel")
			gets := func(caller netip.Addr, want string) {
				t.Helper()
				eventually(t, server, polaristest.Request{Source: caller, Service: "novel"}, strings.Fields(want)...)
			}
			fake := func(service string, at netip.Addr, set string) polaristest.Instance { // as any client may, without a token
				t.Helper()
				i := instance(service, at.String(), set)
				code, err := connect(t, server.GRPCAddr, attacker).Register(t.Context(), "", i)
				wantRefused(t, "a fake instance", code, err, false)
				return i
			}
			gets(shanghai, ofH)
			gets(attacker, tt.none)
			own := fake("attacker", attacker, "ams.SH.1")
			fake("victim", victim, "ams.SH.1")
			gets(attacker, tt.own)
			gets(victim, tt.own)

			second := fake("second", attacker, "qb.novel.h")
			gets(attacker, tt.second)
			fake("at-victim", victim, "qb.novel.h")
			gets(victim, tt.atVictim)
			fake("at-shanghai", shanghai, "ams.SH.1") // the mapping knows that caller
			fake("marker", netip.MustParseAddr("127.9.0.3"), "")
			eventually(t, server, polaristest.Request{Source: victim, Service: "marker"}, "127.9.0.3") // what came before is seen, too
			gets(shanghai, ofH)

			done(t, console.Deregister(t.Context(), own, second))
			gets(attacker, tt.none)
			gets(victim, tt.atVictim)
		})
	}
}

// An operator sees who is unknown now, is warned once with counts while such callers get
// every business, and closes that with one key.
func TestUnknownCallersAreSeen(t *testing.T) {
	another := netip.MustParseAddr("127.9.0.2")
	server, console := start(t, polaristest.Options{})
	for _, service := range []string{"novel", "novel-2"} {
		registerNovel(t, console, service)
		eventually(t, server, polaristest.Request{Source: stranger, Service: service}, "10.11.0.1", "10.12.0.1", "10.13.0.1", "10.14.0.1")
	}
	register(t, console, instance("novel-plain", "10.15.0.1", "")) // not SET-deployed: nobody is unknown to it
	eventually(t, server, polaristest.Request{Source: another, Service: "novel-plain"}, "10.15.0.1")
	ask(t, server, another, "novel", "")
	discover(t, server, polaristest.Request{Source: shanghai, Service: "novel"})

	const warning = `2 callers lately got every business of 2 services, as 127.9.0.`
	state := func() (seen, warnings string) {
		var status api.Status
		ctl(t, server, &status, "status")
		for _, u := range status.Unknown.First {
			seen += fmt.Sprintf("%s %s %s %s; ", u.Address, u.Service, u.Rule, u.Gets)
		}
		for _, w := range status.Warnings {
			if strings.Contains(w.Message, "every business") {
				warnings += w.Message
			}
		}
		return fmt.Sprintf("%d %d %s", status.Unknown.Callers, status.Unknown.Services, seen), warnings
	}
	seen, warnings := state()
	for _, want := range []string{"2 2 ", "127.9.0.1 default/novel novel every business; ", "127.9.0.1 default/novel-2 novel every business; ", "127.9.0.2 default/novel novel every business; "} {
		if !strings.Contains(seen, want) {
			t.Errorf("status has %q, want in it %q", seen, want)
		}
	}
	if !strings.HasPrefix(warnings, warning) || !strings.HasSuffix(warnings, `" by rule "novel": nothing is known of their SET; defaults: {set: {unknown: none}} gives such callers nothing`) {
		t.Errorf("warnings %q, want one: %s...", warnings, warning)
	}
	if n := metric(t, server, `setrouter_every_business_requests_total{rule="novel"}`); n < 3 {
		t.Errorf("setrouter_every_business_requests_total is %g, want 3 or more", n)
	}

	write(t, server, "conf/routing/routing.yaml", closed)
	eventually(t, server, polaristest.Request{Source: stranger, Service: "novel"})
	seen, warnings = state()
	if !strings.Contains(seen, "127.9.0.1 default/novel novel "+string(world.GetsNothing)) || strings.Contains(seen, "every business") || warnings != "" {
		t.Errorf("closed: %q, warnings %q", seen, warnings)
	}
	write(t, server, "conf/mapping/mapping.yaml", mapping+"  - {match: 127.9.0.0/16, set: ams.SH.1}\n")
	eventually(t, server, polaristest.Request{Source: stranger, Service: "novel"}, "10.14.0.1")
	if seen, _ := state(); seen != "0 0 " {
		t.Errorf("with everybody in the mapping: %q", seen)
	}
}
