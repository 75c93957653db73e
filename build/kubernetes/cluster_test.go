package kubernetes

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/polaris-contrib/setrouter/internal/test/needs"
	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// Two servers of the cluster form, on a real MariaDB and a real Redis: what one
// is told, the other answers.
func TestClusterServes(t *testing.T) {
	needs.Program(t, polaristest.ClusterPrograms...)
	env := map[string]string{}
	for name, value := range clusterEnv {
		env[name] = value
	}
	db, stopDB := startMariaDB(t, env["DB_USER"], env["DB_PASSWORD"])
	env["DB_ADDR"] = db
	env["REDIS_ADDR"] = startRedis(t, env["REDIS_PASSWORD"])
	setenv(t, env)

	config := read(t, "overlays/cluster/polaris-server.yaml")
	first, second := start(t, config, ""), start(t, config, "")
	register(t, first)
	for _, s := range []*polaristest.Server{first, second} {
		discovers(t, s)
		writesOnlyData(t, s)
		says(t, s, "nodes: 2, agree: true")
	}
	stopDB() // answers come from memory, and so does that of the liveness probe
	polaristest.Wait(t, func() error {
		if !strings.Contains(first.Output(), "connection refused") {
			return errors.New("the server does not notice that its database is away")
		}
		return nil
	})
	discovers(t, first)
	resp, err := http.Get("http://" + first.HTTPAddr + "/")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("the liveness probe is answered %s", resp.Status)
	}
	// As docs/deployment.md warns.
	if !strings.Contains(first.Output(), "p@ss:") {
		t.Error("the server's log has no password any more: the warning in docs/deployment.md can go")
	}
}

// The servers ask each other by their SDK port, which the policy lets them reach.
func TestNodesReachEachOther(t *testing.T) {
	var patch []struct{ Value map[string]any }
	var base struct {
		Labels []struct{ Pairs map[string]string }
	}
	for name, into := range map[string]any{"overlays/cluster/egress.yaml": &patch, "base/kustomization.yaml": &base} {
		if err := yaml.Unmarshal([]byte(read(t, name)), into); err != nil {
			t.Fatal(err)
		}
	}
	to := fmt.Sprintf("map[ports:[map[port:grpc]] to:[map[podSelector:map[matchLabels:%v]]]]", base.Labels[0].Pairs)
	for _, p := range patch {
		if fmt.Sprint(p.Value) == to {
			return
		}
	}
	t.Errorf("no %s among %v", to, patch)
}

// startMariaDB starts a database with a user for Polaris.
func startMariaDB(t *testing.T, user, password string) (addr string, stop func()) {
	t.Helper()
	db, err := polaristest.StartMariaDB()
	if err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(func() { _ = db.Kill() })
	t.Cleanup(stop)
	quoted := strings.NewReplacer(`\`, `\\`, "'", "''").Replace(password)
	err = db.Run(strings.NewReader(fmt.Sprintf("CREATE USER '%s'@'%%' IDENTIFIED BY '%s';\nGRANT ALL ON polaris_server.* TO '%s'@'%%';\n", user, quoted, user)))
	if err != nil {
		t.Fatal(err)
	}
	return db.Addr, stop
}

func startRedis(t *testing.T, password string) string {
	t.Helper()
	port := fmt.Sprint(polaristest.FreePort())
	runs(t, "redis-server", "--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no", "--requirepass", password)
	addr := "127.0.0.1:" + port
	waitFor(t, addr)
	return addr
}

// runs starts a program that ends with the test, or before by stop.
func runs(t *testing.T, name string, args ...string) (stop func()) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.SysProcAttr = polaristest.DieWithParent()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop = func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	t.Cleanup(func() {
		stop()
		if t.Failed() {
			t.Logf("%s: %s", name, out.String()[max(0, out.Len()-2000):])
		}
	})
	return stop
}

func command(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", name, err, out)
	}
	return string(out)
}

func waitFor(t *testing.T, addr string) {
	t.Helper()
	polaristest.Wait(t, func() error {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			return err
		}
		return conn.Close()
	})
}
