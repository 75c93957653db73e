package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	cluster "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpoint "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	resourcev3 "github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// governed makes services with all that the stock xDS listener reads: instances of each
// kind, ports, aliases, namespaces, routing rules, rate limits, circuit breakers and fault
// detection.
func governed(t *testing.T, c *polaristest.Console) {
	t.Helper()
	rich := func(host string, change func(*polaristest.Instance)) polaristest.Instance {
		i := instance("plain", host, "")
		i.Location = &polaristest.Location{Region: "east", Zone: "nanjing", Campus: "nanjing-4"}
		i.Metadata = map[string]string{"version": "v1", "polarismesh.cn/tls-mode": "strict"}
		change(&i)
		return i
	}
	register(t, c,
		rich("10.30.0.1", func(*polaristest.Instance) {}),
		rich("10.30.0.2", func(i *polaristest.Instance) { i.Healthy = false }),
		rich("10.30.0.3", func(i *polaristest.Instance) { i.Isolate = true }),
		rich("10.30.0.4", func(i *polaristest.Instance) { i.Weight, i.Port = 7, 8080 }),
		rich("10.30.0.5", func(i *polaristest.Instance) { i.Location, i.Metadata = nil, nil }))
	register(t, c, instance("other", "10.30.1.1", ""))
	elsewhere := instance("elsewhere", "10.30.2.1", "")
	elsewhere.Namespace = "second"
	register(t, c, elsewhere)
	registerNovel(t, c, "novel")
	anyService := map[string]any{"service": "*", "namespace": "*"}
	plain := map[string]any{"service": "plain", "namespace": "default"}
	withMethod := map[string]any{"service": "plain", "namespace": "default", "method": map[string]any{"type": "EXACT", "value": "*"}}
	header := map[string]any{"type": "HEADER", "key": "x-version", "value": map[string]any{"type": "EXACT", "value": "v1"}}
	path := map[string]any{"type": "PATH", "key": "$path", "value": map[string]any{"type": "EXACT", "value": "/pay"}}
	rule := func(name string, priority int, source map[string]any, arguments ...any) map[string]any {
		source["arguments"] = arguments
		destination := map[string]any{"service": "plain", "namespace": "default", "labels": map[string]any{"version": map[string]any{"type": "EXACT", "value": "v1"}}, "weight": 100, "name": "v1"}
		return map[string]any{"name": name, "namespace": "default", "enable": true, "routing_policy": "RulePolicy", "priority": priority, "routing_config": map[string]any{
			"@type": "type.googleapis.com/v1.RuleRoutingConfig",
			"rules": []any{map[string]any{"name": name, "sources": []any{source}, "destinations": []any{destination}}},
		}}
	}
	if err := errors.Join(
		c.Alias(t.Context(), "default", "nickname", "plain"),
		c.Create(t.Context(), "/naming/v2/routings", rule("by-header", 1, map[string]any{"service": "*", "namespace": "*"}, header)),
		c.Create(t.Context(), "/naming/v2/routings", rule("by-path", 2, map[string]any{"service": "gateway", "namespace": "default"}, path)),
		c.Create(t.Context(), "/naming/v1/ratelimits", map[string]any{
			"name": "limit", "service": "plain", "namespace": "default", "resource": "QPS", "type": "LOCAL", "disable": false,
			"method": map[string]any{"type": "EXACT", "value": "/pay"}, "amounts": []any{map[string]any{"maxAmount": 10, "validDuration": "1s"}}, "arguments": []any{header},
		}),
		c.Create(t.Context(), "/naming/v1/circuitbreaker/rules", map[string]any{
			"name": "breaker", "namespace": "default", "enable": true, "level": "INSTANCE",
			"rule_matcher":      map[string]any{"source": anyService, "destination": withMethod},
			"error_conditions":  []any{map[string]any{"input_type": "RET_CODE", "condition": map[string]any{"type": "EXACT", "value": "500"}}},
			"trigger_condition": []any{map[string]any{"trigger_type": "CONSECUTIVE_ERROR", "error_count": 3, "interval": 10, "minimum_request": 5, "error_percent": 50}},
			"recoverCondition":  map[string]any{"sleep_window": 30, "consecutiveSuccess": 1},
		}),
		c.Create(t.Context(), "/naming/v1/faultdetectors", map[string]any{
			"name": "detector", "namespace": "default", "target_service": plain, "interval": 5, "timeout": 1, "port": 80, "protocol": "HTTP",
			"http_config": map[string]any{"method": "GET", "url": "/healthz"},
		}),
	); err != nil {
		t.Fatal(err)
	}
}

// stockNodes are nodes of each kind that the stock listener knows.
func stockNodes(t *testing.T) map[string]*core.Node {
	t.Helper()
	node := func(id string, metadata map[string]any) *core.Node {
		s, err := structpb.NewStruct(metadata)
		if err != nil {
			t.Fatal(err)
		}
		return &core.Node{Id: id, Metadata: s}
	}
	return map[string]*core.Node{
		"sidecar":    node("sidecar~default/a~127.0.0.1", map[string]any{"sidecar.polarismesh.cn/serviceName": "plain", "sidecar.polarismesh.cn/serviceNamespace": "default"}),
		"elsewhere":  node("sidecar~second/b~127.0.0.1", nil),
		"strict":     node("sidecar~default/c~127.0.0.1", map[string]any{"polarismesh.cn/tls-mode": "strict"}),
		"permissive": node("sidecar~default/d~127.0.0.1", map[string]any{"polarismesh.cn/tls-mode": "permissive"}),
		"on demand":  node("sidecar~default/e~127.0.0.1", map[string]any{"sidecar.polarismesh.cn/openOnDemand": "true"}),
		"gateway":    node("gateway~default/f~127.0.0.1", map[string]any{"gateway.polarismesh.cn/serviceName": "gateway", "gateway.polarismesh.cn/serviceNamespace": "default"}),
		"unknown":    node("something", nil),
	}
}

var xdsTypes = []string{resourcev3.ClusterType, resourcev3.EndpointType, resourcev3.ListenerType, resourcev3.RouteType, resourcev3.VirtualHostType}

// stockTexts returns all resources of a node as texts, by type and name, when each type
// has been answered that shall be.
func stockTexts(t *testing.T, addr string, node *core.Node, delta bool, expects func(typeURL string) bool) map[string]string {
	t.Helper()
	c, err := polaristest.DialXDS(t.Context(), addr, polaristest.XDSOptions{Delta: delta, Node: node, RepeatNode: true})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, typeURL := range xdsTypes {
		if err := c.Ask(typeURL); err != nil {
			t.Fatal(err)
		}
	}
	for _, typeURL := range xdsTypes {
		if !expects(typeURL) {
			continue
		}
		wait(t, func() error {
			if c.Answers(typeURL) == 0 {
				return fmt.Errorf("no answer of type %s; the stream: %v", typeURL, c.Err())
			}
			return nil
		})
		for name, packed := range c.Has(typeURL) {
			out[typeURL[strings.LastIndex(typeURL, ".")+1:]+" "+name] = stockText(t, packed)
		}
	}
	return out
}

// stockText returns a resource as text, in an order that does not depend on chance.
func stockText(t *testing.T, packed *anypb.Any) string {
	t.Helper()
	m, err := packed.UnmarshalNew()
	if err != nil {
		t.Fatal(err)
	}
	text := func(m proto.Message) string {
		b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	switch m := m.(type) {
	case *endpoint.ClusterLoadAssignment:
		for _, l := range m.Endpoints {
			slices.SortFunc(l.LbEndpoints, func(a, b *endpoint.LbEndpoint) int { return cmp.Compare(text(a), text(b)) })
		}
		slices.SortFunc(m.Endpoints, func(a, b *endpoint.LocalityLbEndpoints) int { return cmp.Compare(text(a), text(b)) })
	case *routev3.RouteConfiguration:
		slices.SortFunc(m.VirtualHosts, func(a, b *routev3.VirtualHost) int { return cmp.Compare(a.Name, b.Name) })
		for _, host := range m.VirtualHosts {
			sortHost(host, text)
		}
	case *routev3.VirtualHost:
		sortHost(m, text)
	case *cluster.Cluster:
		for _, s := range m.GetLbSubsetConfig().GetSubsetSelectors() {
			slices.Sort(s.Keys)
		}
		if m.IgnoreHealthOnHostRemoval && proto.Equal(m.CommonLbConfig, &cluster.Cluster_CommonLbConfig{HealthyPanicThreshold: &typev3.Percent{Value: 1}}) && m.Name == novelCluster {
			m.IgnoreHealthOnHostRemoval, m.CommonLbConfig = false, nil // of routed services only
		}
	}
	return prototext.Format(m)
}

// sortHost puts in order what Polaris puts in an order by chance, which differs between two
// starts: domains, and the routes of several routing rules. The last route is for the rest,
// and stays the last.
func sortHost(host *routev3.VirtualHost, text func(proto.Message) string) {
	slices.Sort(host.Domains)
	if rules := len(host.Routes) - 1; rules > 0 {
		slices.SortFunc(host.Routes[:rules], func(a, b *routev3.Route) int { return cmp.Compare(text(a), text(b)) })
	}
}

// Of services without a rule, each resource of each kind of node is the stock listener's, in
// both variants. The cluster of a routed service has two settings more. Its endpoints are
// another test's.
func TestXDSAsStock(t *testing.T) {
	stock := map[string]map[string]string{}
	for _, binary := range []string{built(t, stockBinary), serverBinary} {
		config, addr := withXDS(polaristest.Config())
		server, console := startBinary(t, binary, polaristest.Options{Config: config})
		governed(t, console)
		waitGoverned(t, server)
		for name, node := range stockNodes(t) {
			expects := func(string) bool { return name != "unknown" } // there is no such namespace
			if binary != serverBinary {
				stock[name] = stockTexts(t, addr, node, true, expects)
				continue
			}
			for variant, delta := range xdsVariants {
				t.Run(name+", "+variant, func(t *testing.T) {
					compareStock(t, stockTexts(t, addr, node, delta, expects), stock[name])
				})
			}
		}
	}
}

// compareStock compares resources with those of the stock listener.
func compareStock(t *testing.T, got, want map[string]string) {
	t.Helper()
	if len(got) == 0 && len(want) > 0 {
		t.Error("no resources")
	}
	for name, text := range got {
		switch {
		case name == "ClusterLoadAssignment "+novelCluster || name == "RouteConfiguration polaris-outbound-router-gateway":
		case want[name] == "":
			t.Errorf("%s is not the stock listener's", name)
		case text != want[name]:
			t.Errorf("%s is\n%s\nof the stock listener\n%s", name, text, want[name])
		}
	}
	for name := range want {
		if got[name] == "" {
			t.Errorf("%s is not there, of the stock listener it is", name)
		}
	}
}

// waitGoverned waits until a server has in its caches what governed made: the stock xDS
// listener makes its routes of what is there when its first client comes.
func waitGoverned(t *testing.T, server *polaristest.Server) {
	t.Helper()
	for _, ask := range []struct{ kind, namespace, service, want string }{
		{"INSTANCE", "default", "nickname", "10.30.0.5"}, {"INSTANCE", "default", "other", "10.30.1.1"},
		{"INSTANCE", "second", "elsewhere", "10.30.2.1"}, {"INSTANCE", "default", "novel", "10.14.0.1"},
		{"ROUTING", "default", "plain", "by-header"}, {"RATE_LIMIT", "default", "plain", "/pay"},
		{"CIRCUIT_BREAKER", "default", "plain", "breaker"}, {"FAULT_DETECTOR", "default", "plain", "healthz"},
	} {
		body := fmt.Sprintf(`{"type": %q, "service": {"namespace": %q, "name": %q}}`, ask.kind, ask.namespace, ask.service)
		wait(t, func() error {
			resp, err := http.Post("http://"+server.HTTPAddr+"/v1/Discover", "application/json", strings.NewReader(body))
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			text, err := io.ReadAll(resp.Body)
			if err == nil && !strings.Contains(string(text), ask.want) {
				err = fmt.Errorf("%s of %s/%s has no %s: %s", ask.kind, ask.namespace, ask.service, ask.want, text)
			}
			return err
		})
	}
}
