//go:build clients

package main

import (
	"fmt"
	"net/http"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/polaris-contrib/setrouter/internal/test/needs"
	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

var envoyOlder = newEnvoyKind("1.36.2", "requirements-1.36.2.txt")

// grpcPython makes the environment of scripts/clients/grpc-xds-python, once.
var grpcPython = sync.OnceValues(func() (string, error) {
	return polaristest.Python(filepath.Join(filepath.Dir(serverBinary), "grpc-xds-python"), "../../scripts/clients/grpc-xds-python/requirements.txt")
})

// TestClientsXDSMore runs the rows of TestClientsXDS with the other clients.
func TestClientsXDSMore(t *testing.T) {
	m := startMesh(t)
	m.runRows(t, []meshCaller{envoyOlder.start(t, m).meshCaller, m.startGRPCJava(t), m.startGRPCPython(t)})
}

func (m *mesh) startGRPCJava(t *testing.T) meshCaller {
	t.Helper()
	needs.Program(t, "javac", "mvn")
	return m.startGRPC(t, "grpc-java", "xds:///novel.default", buildJava(t, "../../scripts/clients/grpc-xds-java", "Client"))
}

func (m *mesh) startGRPCPython(t *testing.T) meshCaller {
	t.Helper()
	needs.Program(t, needs.PythonVenv)
	bin, err := grpcPython()
	needs.Downloaded(t, needs.RegistryPyPI, err)
	script, err := filepath.Abs("../../scripts/clients/grpc-xds-python/client.py")
	if err != nil {
		t.Fatal(err)
	}
	return m.startGRPC(t, "grpcio", "xds:///default/novel", filepath.Join(bin, "python"), script)
}

// answersNot returns nil when an instance takes a connection and does not answer.
func (m *mesh) answersNot(host string) error {
	client := &http.Client{Timeout: 500 * time.Millisecond, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(fmt.Sprintf("http://%s:%d/", host, m.port))
	if err == nil {
		resp.Body.Close()
		return errorf("%s answers", host)
	}
	return nil
}

// No client leaves processes that are frozen by itself: they hold connections, and no call
// ends. An Envoy whose route has a short timeout does: timeouts count as failures. The
// registry's word moves all.
func TestClientsXDSFrozen(t *testing.T) {
	m := startMesh(t)
	callers := []meshCaller{envoyNewest.start(t, m).meshCaller, m.startGRPCGo(t), m.startGRPCJava(t), m.startGRPCPython(t)}
	impatient := envoyNewest.start(t, m, "cluster: novel\n", "cluster: novel\n                            timeout: 0.5s\n")
	for _, c := range append(callers, impatient.meshCaller) {
		c.reaches(t, xdsOwn...)
	}
	m.signal(t, syscall.SIGSTOP, xdsOwn...)
	for _, host := range xdsOwn {
		wait(t, func() error { return m.answersNot(host) })
	}
	for _, c := range callers {
		begin := time.Now()
		if got := c.call(t, 4); got.Failed != 4 {
			t.Errorf("%s: %+v, want no call served", c.name, got)
		} else {
			t.Logf("%s: 4 calls failed in %.1f s: %s", c.name, time.Since(begin).Seconds(), got.Error)
		}
	}
	begin := time.Now()
	impatient.reaches(t, xdsNear...)
	t.Logf("%s with a timeout of 0.5 s is away after %.1f s", impatient.name, time.Since(begin).Seconds())
	m.health(t, false, xdsOwn...)
	for _, c := range callers {
		c.reaches(t, xdsNear...)
	}
	m.signal(t, syscall.SIGCONT, xdsOwn...)
}
