// Package kubernetes has the tests of the manifests beside it.
package kubernetes

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"github.com/polaris-contrib/setrouter/internal/serverconfig"
	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// The programs under test, built once.
var serverBinary, setctlBinary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "setrouter-test-")
	if err != nil {
		panic(err)
	}
	serverBinary, setctlBinary = filepath.Join(dir, "polaris-server"), filepath.Join(dir, "setctl")
	for binary, command := range map[string]string{serverBinary: "../polaris-server", setctlBinary: "../setctl"} {
		if out, err := exec.Command("go", "build", "-o", binary, command).CombinedOutput(); err != nil {
			fmt.Printf("%s: %v\n%s", command, err, out)
			os.Exit(1)
		}
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// The Secret polaris-store of the cluster form, as the environment that it
// becomes: values that YAML would take for something else.
var clusterEnv = map[string]string{
	"POD_IP": "127.0.0.1", "DB_ADDR": "127.0.0.1:3306", "DB_USER": "polaris", "DB_PASSWORD": `p@ss: "#1\n`,
	"REDIS_ADDR": "127.0.0.1:6379", "REDIS_PASSWORD": "{r} %$d & #2",
}

func setenv(t *testing.T, env map[string]string) {
	t.Helper()
	for name, value := range env {
		t.Setenv(name, value)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestMappingAndRoutingAreGood(t *testing.T) {
	out, err := exec.Command(setctlBinary, "check", "--strict", "files/mapping/mapping.yaml", "files/routing/routing.yaml", "files/routing/evacuate.yaml").CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "ok: ") {
		t.Errorf("%v: %s", err, out)
	}
}

func TestConfigurationsLoad(t *testing.T) {
	setenv(t, clusterEnv)
	for _, name := range []string{"overlays/single/polaris-server.yaml", "overlays/cluster/polaris-server.yaml"} {
		c, err := serverconfig.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		// What is in the pod only must stay there, whatever its token is.
		if c.Admin.ListenIP != "127.0.0.1" {
			t.Errorf("%s: the admin listener is on %s", name, c.Admin.ListenIP)
		}
	}
}

// Two files of one text: they may differ in what makes several servers one.
func TestClusterIsSingleButForTheStore(t *testing.T) {
	load := func(name string) map[string]any {
		var config map[string]any
		if err := yaml.Unmarshal([]byte(read(t, name)), &config); err != nil {
			t.Fatal(err)
		}
		delete(config, "store")
		delete(config, "maintain")
		delete(config["healthcheck"].(map[string]any), "checkers")
		delete(config["bootstrap"].(map[string]any), "startInOrder")
		return config
	}
	if diff := cmp.Diff(load("overlays/single/polaris-server.yaml"), load("overlays/cluster/polaris-server.yaml")); diff != "" {
		t.Errorf("(-single +cluster):\n%s", diff)
	}
}

// outside makes of a configuration of the manifests one that runs here: the
// ports are free ones, and the source kubernetes asks the cluster of a
// kubeconfig, or is left out.
func outside(t *testing.T, config, kubeconfig string) string {
	t.Helper()
	replace := func(from, to string) {
		if strings.Count(config, from) != 1 {
			t.Fatalf("%q is not once in the configuration", from)
		}
		config = strings.Replace(config, from, to, 1)
	}
	replace("listenPort: 8090", "listenPort: {{.HTTP}}")
	replace("listenPort: 8091", "listenPort: {{.GRPC}}")
	replace("listenPort: 8095", "listenPort: {{.Admin}}")
	replace("listenPort: 8093", fmt.Sprintf("listenPort: %d", polaristest.FreePort()))
	if kubeconfig != "" {
		replace("kubernetes: {", fmt.Sprintf("kubernetes: {clusters: [{name: local, kubeconfig: %q}], ", kubeconfig))
		return config
	}
	replace("[mapping, kubernetes, registry, report]", "[mapping, registry, report]")
	return regexp.MustCompile(`(?m)^ +kubernetes: \{.*\n`).ReplaceAllString(config, "")
}

// start starts a server on a configuration, with the files of the ConfigMaps.
func start(t *testing.T, config, kubeconfig string) *polaristest.Server {
	t.Helper()
	s, err := polaristest.Start(t.Context(), polaristest.Options{
		Binary: serverBinary, Config: outside(t, config, kubeconfig),
		Files: map[string]string{
			"conf/mapping/mapping.yaml": read(t, "files/mapping/mapping.yaml"),
			"conf/routing/routing.yaml": read(t, "files/routing/routing.yaml"), "conf/routing/evacuate.yaml": read(t, "files/routing/evacuate.yaml"),
			"data/.keep": "",
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Kill() })
	// What Polaris does not know it skips, and says so in the log.
	if strings.Contains(s.Output(), "slot not exists") {
		t.Errorf("the server does not know a listener:\n%s", s.Output())
	}
	says(t, s, "agree: true")
	return s
}

// says waits until `setctl status` is content, and has a word.
func says(t *testing.T, s *polaristest.Server, word string) {
	t.Helper()
	polaristest.Wait(t, func() error {
		out, err := exec.Command(setctlBinary, "status", "--server", s.AdminURL).CombinedOutput()
		if err != nil || !strings.Contains(string(out), word) {
			return fmt.Errorf("setctl status, waiting for %q: %v: %s", word, err, out)
		}
		return nil
	})
}

// The root file system is read-only in the pod: nothing may be written but
// below data.
func writesOnlyData(t *testing.T, s *polaristest.Server) {
	t.Helper()
	entries, err := os.ReadDir(s.Dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != "conf" && e.Name() != "data" {
			t.Errorf("the server wrote %s", e.Name())
		}
	}
}

func register(t *testing.T, s *polaristest.Server) {
	t.Helper()
	console, err := polaristest.Login(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	err = console.Register(t.Context(), polaristest.Instance{
		Service: "novel", Namespace: "default", Host: "10.1.2.3", Port: 80, Weight: 100, Healthy: true,
	})
	if err != nil {
		t.Fatal(err)
	}
}

// discovers waits until a server answers with the instance of register.
func discovers(t *testing.T, s *polaristest.Server) {
	t.Helper()
	polaristest.Wait(t, func() error {
		got, err := polaristest.Discover(t.Context(), s.HTTPAddr, polaristest.Request{Namespace: "default", Service: "novel"})
		if err == nil && (len(got.Instances) != 1 || got.Instances[0].Host != "10.1.2.3") {
			err = fmt.Errorf("the instance does not come: %+v", got)
		}
		return err
	})
}

func TestSingleServes(t *testing.T) {
	setenv(t, map[string]string{"POD_IP": "127.0.0.1"})
	s := start(t, read(t, "overlays/single/polaris-server.yaml"), "")
	register(t, s)
	discovers(t, s)
	writesOnlyData(t, s)
}
