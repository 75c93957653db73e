package main

import (
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
