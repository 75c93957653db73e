package main

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

const everywhere = `
version: 1
rules:
  - {name: everything, service: "*/*", set: {tiers: [own]}}
`

// A service that is exported to other namespaces is routed by the rule for it,
// whatever namespace it is asked for in.
func TestExportedService(t *testing.T) {
	server, console := start(t, polaristest.Options{})
	registerNovel(t, console, "novel")
	eventually(t, server, polaristest.Request{Source: shanghai, Service: "novel"}, "10.11.0.1")
	if got := ask(t, server, shanghai, "novel", ""); got.Code.GetValue() != success {
		t.Fatalf("code %d", got.Code.GetValue())
	}
	other := polaristest.Request{Source: shanghai, Namespace: "other", Service: "novel"}
	if d := discover(t, server, other); d.Code != notFound {
		t.Errorf("not exported: code %d, %v", d.Code, hosts(d))
	}
	if err := console.Export(t.Context(), "default", "novel", "*"); err != nil {
		t.Fatal(err)
	}
	d := eventually(t, server, other, "10.11.0.1")
	if d.Service.Namespace != "other" || d.Instances[0].Namespace != "other" {
		t.Errorf("answered as %+v with %+v, want the namespace asked for", d.Service, d.Instances[0])
	}
	other.Source = shenzhen
	eventually(t, server, other, "10.12.0.1")
}

// A request without a namespace is for the namespace default.
func TestDefaultNamespace(t *testing.T) {
	server, console := start(t, polaristest.Options{})
	registerNovel(t, console, "novel")
	eventually(t, server, polaristest.Request{Source: shanghai, Service: "novel"}, "10.11.0.1")
	d, err := polaristest.Discover(t.Context(), server.HTTPAddr, polaristest.Request{Source: shanghai, Service: "novel"})
	if err != nil || !slices.Equal(hosts(d), []string{"10.11.0.1"}) || d.Service.Namespace != "default" {
		t.Errorf("HTTP: %v as %+v, %v", hosts(d), d.Service, err)
	}
	stream, err := polaristest.Dial(t.Context(), server.GRPCAddr, shanghai)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	resp, err := stream.Instances("", "novel", "")
	if err != nil || !slices.Equal(grpcHosts(resp), []string{"10.11.0.1"}) {
		t.Errorf("gRPC: %v, %v", resp, err)
	}
}

// The server's own services are routed by a rule that names them, never by a
// glob, also through an alias in another namespace.
func TestSystemServices(t *testing.T) {
	server, console := start(t, polaristest.Options{Files: map[string]string{"conf/routing/routing.yaml": everywhere}})
	registerNovel(t, console, "novel")
	eventually(t, server, polaristest.Request{Source: shanghai, Service: "novel"}, "10.11.0.1")
	system := polaristest.Request{Source: shanghai, Namespace: "Polaris", Service: "polaris.checker"}
	d := discover(t, server, system)
	if len(d.Instances) == 0 || strings.HasPrefix(d.Service.Revision, "setrouter-") {
		t.Errorf("by a glob: %v with revision %s, want the stock answer", hosts(d), d.Service.Revision)
	}
	write(t, server, "conf/routing/routing.yaml", strings.Replace(everywhere, `"*/*"`, "Polaris/polaris.checker", 1))
	wait(t, func() error {
		if d := discover(t, server, system); !strings.HasPrefix(d.Service.Revision, "setrouter-") {
			return errorf("by its name: revision %s", d.Service.Revision)
		}
		return nil
	})
}

// Globs match what is really read. So a name in namespace Polaris that stands for a
// service of another namespace is no way around a rule: not the name of a service that
// is exported to all namespaces, and not an alias, over any routed protocol. (Eureka lists
// neither: it has the services that are really in the namespace.)
func TestNamespacePolarisIsNoWayAroundGlobs(t *testing.T) {
	const sid = "192000069:65537" // an L5 name that the stock server looks for in namespace Polaris: 3000001<<6 + 5
	config, l5Addr := withL5(polaristest.Config())
	config, eurekaAddr := withEureka(config, "127.0.0.1", 1)
	server, console := start(t, polaristest.Options{Config: config, Files: map[string]string{"conf/routing/routing.yaml": everywhere}})
	registerNovel(t, console, "novel")
	done(t, console.Export(t.Context(), "default", "novel", "*"))
	done(t, console.AliasIn(t.Context(), "Polaris", "by-alias", "default", "novel"))
	done(t, console.AliasIn(t.Context(), "Polaris", sid, "default", "novel"))
	all := []string{"10.11.0.1", "10.12.0.1", "10.13.0.1", "10.14.0.1"}
	for caller, want := range map[netip.Addr][]string{shanghai: all[:1], shenzhen: all[1:2], stranger: all} {
		for _, name := range []string{"novel", "by-alias"} {
			eventually(t, server, polaristest.Request{Source: caller, Namespace: "Polaris", Service: name}, want...)
			if got := grpcHosts(askIn(t, server.GRPCAddr, caller, "Polaris", name, "")); !slices.Equal(got, want) {
				t.Errorf("gRPC, %s asks for %s: %v, want %v", caller, name, got, want)
			}
		}
		wait(t, func() error {
			if got := l5Hosts(t, l5Addr, caller, sid); !slices.Equal(got, want) {
				return errorf("L5, %s asks for %s: %v, want %v", caller, sid, got, want)
			}
			return nil
		})
		client := askerAt(t, caller)
		for _, path := range []string{"/eureka/apps", "/eureka/apps/novel", "/eureka/apps/by-alias", "/eureka/vips/NOVEL", "/eureka/vips/BY-ALIAS"} {
			for _, host := range client.ask("GET", "http://"+eurekaAddr+path, "x-namespace", "Polaris", "Accept", "application/json").hosts() {
				if !slices.Contains(want, host) {
					t.Errorf("Eureka, %s asks for %s: %s, want of %v", caller, path, host, want)
				}
			}
		}
	}
}

// Polaris takes namespaces and names with slashes. A rule and a lane address name such a
// service by its two parts, and so do the operators' commands. A text with two slashes is
// another service: the status warns of the text, and commands say how to write the other.
func TestNamespaceWithSlash(t *testing.T) {
	const pay, lane = "{namespace: team/x, name: pay/v1}", "{namespace: team/x, name: lane}"
	server, console := start(t, polaristest.Options{Files: map[string]string{"conf/routing/routing.yaml": `
version: 1
rules:
  - {name: pay, service: ` + pay + `, set: {tiers: [own]}}
  - {name: text, service: team/x/pay/v1, set: {tiers: [pool]}}
addresses:
  - {service: ` + lane + `, target: ` + pay + `, set: {callee: ams.SH.1}}
`}})
	for host, set := range map[string]string{"10.11.0.1": "qb.novel.h", "10.13.0.1": "qb.novel.*", "10.14.0.1": "ams.SH.1"} {
		i := instance("pay/v1", host, set)
		i.Namespace = "team/x"
		register(t, console, i)
	}
	eventually(t, server, polaristest.Request{Source: shanghai, Namespace: "team/x", Service: "pay/v1"}, "10.11.0.1")
	eventually(t, server, polaristest.Request{Source: shanghai, Namespace: "team/x", Service: "lane"}, "10.14.0.1")
	for _, name := range []string{"pay/v1", "lane"} {
		if got, want := grpcHosts(askIn(t, server.GRPCAddr, shenzhen, "team/x", name, "")), map[string][]string{"pay/v1": {}, "lane": {"10.14.0.1"}}[name]; len(got)+len(want) > 0 && !slices.Equal(got, want) {
			t.Errorf("gRPC, %s: %v, want %v", name, got, want)
		}
	}
	for _, tt := range []struct {
		args []string
		code int
		want []string
	}{
		{[]string{"explain", "--caller", shanghai.String(), "--service", pay}, 0, []string{`asks for "` + pay + `": routed, 1 of 3 instances`, "+ 10.11.0.1:80"}},
		{[]string{"explain", "--caller", shanghai.String(), "--service", lane}, 0, []string{`asks for "` + lane + `": routed, 1 of 3 instances`, `read is "` + pay + `"`, "+ 10.14.0.1:80"}},
		{[]string{"who", "--service", pay, "--host", "10.11.0.1"}, 0, []string{"qb.novel.h"}},
		{[]string{"explain", "--caller", shanghai.String(), "--service", "team/x/pay/v1"}, 1, []string{
			`there is no service "team/x/pay/v1", nor a lane address of that name; a namespace with a slash is written {namespace: team/x/pay, name: v1}`}},
		{[]string{"status"}, 1, []string{ // shenzhen has nothing
			lane, `routing.yaml:5:27: service "team/x/pay/v1" is the name "x/pay/v1" in namespace "team"; a namespace with a slash is written {namespace: team/x/pay, name: v1}, and this service {namespace: team, name: x/pay/v1}`}},
	} {
		code, out := setctl(t, server, tt.args...)
		if code != tt.code {
			t.Errorf("%v: exit code %d, want %d: %s", tt.args, code, tt.code, out)
		}
		for _, words := range tt.want {
			if !strings.Contains(out, words) {
				t.Errorf("%v: %s\nwant in it %s", tt.args, out, words)
			}
		}
	}
	if code, out := setctl(t, server, "dump"); code != 0 || !strings.Contains(out, "namespace: team/x") {
		t.Errorf("dump: exit code %d, want the service %s: %s", code, pay, out)
	}
}
