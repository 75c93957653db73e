//go:build kubernetes

package kubernetes

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// polarisModule is the directory of Polaris's repository.
func polarisModule(t *testing.T) string {
	t.Helper()
	return strings.TrimSpace(command(t, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/polarismesh/polaris"))
}

// chart renders Polaris's own chart as an operator of one would.
func chart(t *testing.T, version, mode string, args ...string) []object {
	t.Helper()
	return objects(t, helm(t, version, "", append([]string{"template", "polaris", filepath.Join(polarisModule(t), "release/cluster/helm"),
		"--set", "global.mode=" + mode, "--set", "polaris.image.repository=setrouter,polaris.image.tag=test",
		"--set", "polaris.console.image.tag=v1,polaris.limiter.image.tag=v1,prometheus.image.tag=v1"}, args...)...))
}

// withSetrouter renders the chart with the post-renderer: a path for Helm 3, a plugin
// for Helm 4.
func withSetrouter(t *testing.T, version, mode string) []object {
	t.Helper()
	t.Setenv("KUSTOMIZE", "go -C "+here(t, "../../scripts/tools")+" tool kustomize build")
	if version == "helm3" {
		return chart(t, version, mode, "--post-renderer", here(t, "helm/post-render"))
	}
	if !strings.Contains(helm(t, version, "", "plugin", "list"), "setrouter") {
		helm(t, version, "", "plugin", "install", here(t, "helm"))
	}
	return chart(t, version, mode, "--post-renderer", "setrouter")
}

// What the post-renderer adds to a release is what docs/deployment.md says, and
// the rest stays as the chart has it; a real API server takes it, and the
// server starts on the configuration.
func TestKubernetesTakesTheChart(t *testing.T) {
	_, a := cluster(t)
	made := false
	for _, try := range []struct{ version, mode string }{{"helm3", "standalone"}, {"helm3", "cluster"}, {"helm4", "standalone"}, {"helm4", "cluster"}} {
		mode := try.version + ", " + try.mode
		before := map[string]object{}
		for _, o := range chart(t, try.version, try.mode) {
			before[o.String()] = o
		}
		var added, changed []string
		after := withSetrouter(t, try.version, try.mode)
		for _, o := range after {
			old, there := before[o.String()]
			delete(before, o.String())
			switch {
			case !there:
				added = append(added, o.String())
			case !cmp.Equal(parsed(t, old.text), parsed(t, o.text)):
				changed = append(changed, o.String())
			}
		}
		slices.Sort(added) // each Helm has an order of its own
		slices.Sort(changed)
		want := [][]string{
			{"ClusterRole setrouter", "ClusterRoleBinding setrouter", "ConfigMap polaris-mapping", "ConfigMap polaris-routing", "ServiceAccount polaris"},
			{"ConfigMap polaris-server-config", "StatefulSet polaris"},
		}
		if diff := cmp.Diff(want, [][]string{added, changed}); diff != "" || len(before) > 0 {
			t.Errorf("%s: added and changed (-want +got):\n%s\ngone: %v", mode, diff, before)
		}
		for _, o := range after {
			query := dryRun
			if o.Kind == "Namespace" {
				if made {
					continue
				}
				query, made = forReal, true
			}
			for _, problem := range a.create(t, o, query) {
				t.Errorf("%s: %s", mode, problem)
			}
		}
		if try.mode == "standalone" {
			startsOn(t, after)
		}
	}
}

func parsed(t *testing.T, text string) (v any) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// startsOn starts a server on the configuration of the chart.
func startsOn(t *testing.T, all []object) {
	t.Helper()
	var config string
	for _, o := range all {
		if o.Metadata.Name == "polaris-server-config" {
			config = parsed(t, o.text).(map[string]any)["data"].(map[string]any)["polaris-server.yaml"].(string)
		}
	}
	// The ports of the listeners that start and outside do not know.
	config = regexp.MustCompile(`listenPort: (8761|15010|8848)`).ReplaceAllStringFunc(config, func(string) string {
		return fmt.Sprintf("listenPort: %d", polaristest.FreePort())
	})
	s := start(t, config, "")
	register(t, s)
	discovers(t, s)
	if _, err := os.Stat(filepath.Join(s.Dir, "polaris.bolt")); err != nil {
		t.Errorf("the store is not in the work directory, which the image leaves to the user: %v", err)
	}
}

// The component adds to Polaris's own manifests what the post-renderer adds to its
// chart, but for the lines of the configuration.
func TestKubernetesTakesTheComponent(t *testing.T) {
	_, a := cluster(t)
	dir := t.TempDir()
	for from, to := range map[string]string{filepath.Join(polarisModule(t), "release/cluster/kubernetes"): "", here(t, "."): "setrouter"} {
		if err := os.CopyFS(filepath.Join(dir, to), os.DirFS(from)); err != nil {
			t.Fatal(err)
		}
	}
	// Polaris's release puts its version in.
	manifest := filepath.Join(dir, "03-polaris-server.yaml")
	released := regexp.MustCompile(`##\w+##`).ReplaceAllString(read(t, manifest), "v1")
	if err := os.WriteFile(manifest, []byte(released), 0o600); err != nil {
		t.Fatal(err)
	}
	const kustomization = `apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: polaris-system
resources: [00-polaris-namespace.yaml, 01-polaris-console-config.yaml, 02-polaris-server-config.yaml, 03-polaris-server.yaml]
components: [setrouter/component]
images: [{name: polarismesh/polaris-server, newName: setrouter, newTag: test}]
`
	page := read(t, "../../docs/deployment.md")
	if !strings.Contains(page, "```yaml\n"+kustomization) {
		t.Errorf("docs/deployment.md has another kustomization than\n%s", kustomization)
	}
	if err := os.WriteFile(filepath.Join(dir, "kustomization.yaml"), []byte(kustomization), 0o600); err != nil {
		t.Fatal(err)
	}
	all := objects(t, tool(t, "kustomize", "build", dir))
	for _, problem := range a.create(t, find(t, all, "Namespace"), forReal) {
		t.Fatal(problem)
	}
	var names []string
	for _, o := range all {
		if o.Kind == "Namespace" {
			continue
		}
		names = append(names, o.String())
		for _, problem := range a.create(t, o, dryRun) {
			t.Error(problem)
		}
	}
	want := []string{
		"ServiceAccount polaris", "ClusterRole setrouter", "ClusterRoleBinding setrouter", "ConfigMap polaris-console-config", "ConfigMap polaris-mapping",
		"ConfigMap polaris-routing", "ConfigMap polaris-server-config", "Service polaris", "StatefulSet polaris",
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	server := find(t, all, "StatefulSet").text
	for _, part := range []string{"image: setrouter:test", "mountPath: /root/conf/mapping", "mountPath: /root/conf/routing", "mountPath: /root/data", "serviceAccountName: polaris"} {
		if strings.Count(server, part) != 1 {
			t.Errorf("%q is not once in\n%s", part, server)
		}
	}
}
