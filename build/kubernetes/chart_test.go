//go:build kubernetes

package kubernetes

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// chart renders Polaris's own chart as an operator of one would.
func chart(t *testing.T, mode string, args ...string) []object {
	t.Helper()
	polaris := strings.TrimSpace(command(t, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/polarismesh/polaris"))
	return objects(t, tool(t, append([]string{helms["helm3"], "template", "polaris", filepath.Join(polaris, "release/cluster/helm"),
		"--set", "global.mode=" + mode, "--set", "polaris.image.repository=setrouter,polaris.image.tag=test",
		"--set", "polaris.console.image.tag=v1,polaris.limiter.image.tag=v1,prometheus.image.tag=v1"}, args...)...))
}

func withSetrouter(t *testing.T, mode string) []object {
	t.Helper()
	t.Setenv("KUSTOMIZE", "go -C "+here(t, "../../scripts/tools")+" tool kustomize build")
	return chart(t, mode, "--post-renderer", here(t, "helm/post-render"))
}

// What the post-renderer adds to a release is what docs/deployment.md says, and
// the rest stays as the chart has it; a real API server takes it, and the
// server starts on the configuration.
func TestKubernetesTakesTheChart(t *testing.T) {
	_, a := cluster(t)
	for _, mode := range []string{"standalone", "cluster"} {
		before := map[string]object{}
		for _, o := range chart(t, mode) {
			before[o.String()] = o
		}
		var added, changed []string
		after := withSetrouter(t, mode)
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
		want := [][]string{
			{"ServiceAccount polaris", "ClusterRole setrouter", "ClusterRoleBinding setrouter", "ConfigMap polaris-mapping", "ConfigMap polaris-routing"},
			{"ConfigMap polaris-server-config", "StatefulSet polaris"},
		}
		if diff := cmp.Diff(want, [][]string{added, changed}); diff != "" || len(before) > 0 {
			t.Errorf("%s: added and changed (-want +got):\n%s\ngone: %v", mode, diff, before)
		}
		for _, o := range after {
			query := dryRun
			if o.Kind == "Namespace" {
				if mode == "cluster" {
					continue // is there
				}
				query = forReal
			}
			for _, problem := range a.create(t, o, query) {
				t.Errorf("%s: %s", mode, problem)
			}
		}
		if mode == "standalone" {
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
