//go:build kubernetes

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/test/kubetest"
	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// programs builds the plugin, setctl and the server into one directory.
func programs(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	out, err := exec.Command("go", "build", "-o", dir+"/", ".", "../setctl", "../polaris-server").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return dir
}

// The plugin reaches a real server through a real API server. The kubelet is a stand-in:
// no real cluster has seen the plugin.
func TestKubernetesPluginReachesTheServer(t *testing.T) {
	dir := programs(t)
	server, err := polaristest.Start(t.Context(), polaristest.Options{
		Binary: filepath.Join(dir, "polaris-server"), AdminToken: "sesame",
		Files: map[string]string{
			"conf/mapping/a.yaml": "version: 1\nmappings: []\n", "conf/mapping/b.csv": "match,region\n10.1.0.0/16,north\n", "conf/routing/a.yaml": "version: 1\nrules: []\n",
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Kill() })
	c, err := kubetest.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Stop() })
	kubelet := kubetest.StartKubelet(func(pod, port string) string {
		if pod != "polaris/polaris-1" || port != "8095" {
			return "127.0.0.1:1" // nothing listens there
		}
		return strings.TrimPrefix(server.AdminURL, "http://")
	})
	t.Cleanup(kubelet.Close)
	pods(t, c, kubelet)

	plugin := func(env string, args ...string) (string, int) {
		cmd := exec.Command(filepath.Join(dir, "kubectl-setrouter"), args...)
		cmd.Env = append(os.Environ(), "KUBECONFIG="+c.Kubeconfig, env)
		out, err := cmd.CombinedOutput()
		if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		return string(out), cmd.ProcessState.ExitCode()
	}
	for _, try := range []struct {
		name, token string
		args        []string
		code        int
		says        string
	}{
		{"the ready one of two", "sesame", []string{"-n", "polaris", "status"}, 0, "nodes: 1, agree: true"},
		{"another command", "sesame", []string{"-n", "polaris", "lookup", "10.1.2.3"}, 0, "north"},
		{"a wrong token", "sesam", []string{"-n", "polaris", "status"}, 1, "the token is missing or wrong"},
		{"setctl's own exit code", "sesame", []string{"-n", "polaris", "check", "/nowhere.yaml"}, 1, "/nowhere.yaml"},
		{"another namespace", "sesame", []string{"status"}, 1,
			`kubectl setrouter: no pod in namespace "default" has the labels "app.kubernetes.io/name=polaris"; expected the server's namespace after -n, or its labels after -l`},
		{"none ready", "sesame", []string{"-n", "polaris", "-l", "half=yes", "status"}, 1,
			`kubectl setrouter: none of 1 pods with the labels "half=yes" in namespace "polaris" is ready; --pod polaris-0 asks one that is not`},
		{"a pod that is none", "sesame", []string{"-n", "polaris", "--pod", "polaris-9", "status"}, 1, `pods "polaris-9" not found`},
		{"a port that is none", "sesame", []string{"-n", "polaris", "--port", "8096", "status"}, 1, "port 8096 of polaris/polaris-1"},
	} {
		out, code := plugin("SETROUTER_TOKEN="+try.token, try.args...)
		if code != try.code || !strings.Contains(out, try.says) {
			t.Errorf("%s: exit code %d, want %d, and %q in:\n%s", try.name, code, try.code, try.says, out)
		}
	}
}

// pods runs two pods on the node of the kubelet, of which the second is ready.
func pods(t *testing.T, c *kubetest.Cluster, kubelet *kubetest.Kubelet) {
	t.Helper()
	client := c.Client()
	defer client.Close()
	failed := errors.Join(client.Namespace(t.Context(), "polaris"), kubelet.Node(t.Context(), client, "n"))
	for i, ready := range []string{"False", "True"} {
		pod := kubetest.Pod{
			Namespace: "polaris", Name: fmt.Sprintf("polaris-%d", i), Node: "n", IPs: []string{fmt.Sprintf("10.0.0.%d", i+1)},
			Labels: map[string]string{"app.kubernetes.io/name": "polaris"},
		}
		if ready == "False" {
			pod.Labels["half"] = "yes"
		}
		failed = errors.Join(failed, client.Run(t.Context(), pod), client.Patch(t.Context(), pod.Path()+"/status", map[string]any{
			"status": map[string]any{"conditions": []map[string]string{{"type": "Ready", "status": ready}}},
		}))
	}
	if failed != nil {
		t.Fatal(failed)
	}
}
