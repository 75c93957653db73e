package observability_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/polaris-contrib/setrouter/internal/test/needs"
)

// promtool runs Prometheus's own checks.
func promtool(t *testing.T, args ...string) (string, error) {
	t.Helper()
	needs.Program(t, "promtool")
	out, err := exec.Command("promtool", args...).CombinedOutput()
	return string(out), err
}

func TestPromtool(t *testing.T) {
	type record struct {
		Record, Expr string
	}
	var panels []record
	for _, p := range readDashboard(t).Panels {
		for n, target := range p.Targets {
			panels = append(panels, record{fmt.Sprintf("panel:%d:%d", p.ID, n), strings.ReplaceAll(target.Expr, "$__rate_interval", "5m")})
		}
	}
	data, err := yaml.Marshal(map[string]any{"groups": []any{map[string]any{"name": "dashboard.json", "rules": panels}}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "dashboard.yaml")
	write(t, file, string(data))
	// Read here, too: go test does not see what another program reads, and
	// would take a cached result.
	read(t, "alerts.yaml")
	read(t, "alerts_test.yaml")
	for _, args := range [][]string{{"check", "rules", "alerts.yaml", file}, {"test", "rules", "alerts_test.yaml"}} {
		if out, err := promtool(t, args...); err != nil {
			t.Errorf("promtool %v: %v\n%s", args, err, out)
		}
	}
}

// Each change makes an alert wrong; the tests of the alerts must see it.
func TestAlertTestsCanFail(t *testing.T) {
	good := read(t, "alerts.yaml")
	for _, change := range []struct{ alert, old, bad string }{
		{"SetrouterLoadRefused", "== 1", "== 2"},
		{"SetrouterLoadRefused", "== 1", ">= 0"},
		{"SetrouterLoadRefused", "for: 2m", "for: 0m"},
		{"SetrouterEmptyLists", `state="empty"`, `state!="first"`},
		{"SetrouterEmptyLists", "> 0", ">= 0"},
		{"SetrouterEmptyLists", "> 0", "> 1"},
		{"SetrouterEmptyLists", "for: 2m\n", "for: 0m\n"},
		{"SetrouterEmptyLists", "keep_firing_for: 3m", "keep_firing_for: 0s"},
		{"SetrouterEmptyLists", "keep_firing_for: 3m", "keep_firing_for: 30m"},
		{"SetrouterUnusableLists", `state="unusable"`, `state!="first"`},
		{"SetrouterUnusableLists", "> 0", ">= 0"},
		{"SetrouterUnusableLists", "> 0", "> 1"},
		{"SetrouterUnusableLists", "for: 2m\n", "for: 0m\n"},
		{"SetrouterUnusableLists", "keep_firing_for: 3m", "keep_firing_for: 0s"},
		{"SetrouterUnusableLists", "keep_firing_for: 3m", "keep_firing_for: 30m"},
		{"SetrouterListsWidened", `state="widened"`, `state!="first"`},
		{"SetrouterListsWidened", "> 0", ">= 0"},
		{"SetrouterListsWidened", "> 0", "> 1"},
		{"SetrouterListsWidened", "for: 5m\n", "for: 0m\n"},
		{"SetrouterListsWidened", "keep_firing_for: 3m", "keep_firing_for: 0s"},
		{"SetrouterListsWidened", "keep_firing_for: 3m", "keep_firing_for: 30m"},
		{"SetrouterRoutingFails", "> 0", "> 5"},
		{"SetrouterRoutingFails", "increase(setrouter_failures_total[10m])", "setrouter_failures_total"},
		{"SetrouterRuleMatchesNobody", "== 1", "== 0"},
		{"SetrouterRuleMatchesNobody", "rate(setrouter_requests_total[15m])", `rate(setrouter_requests_total{result!="stock"}[15m])`},
		{"SetrouterRuleMatchesNobody", "for: 6h", "for: 5h"},
		{"SetrouterCallersUnidentified", "> 0.2", "> 0.3"},
		{"SetrouterCallersUnidentified", "> 0.2", "> 0.1"},
		{"SetrouterEvacuationLong", "> 0", "> 1"},
		{"SetrouterEvacuationLong", "for: 4h", "for: 3h"},
	} {
		before, after, _ := strings.Cut(good, "- alert: "+change.alert+"\n")
		if own, _, _ := strings.Cut(after, "annotations:"); !strings.Contains(own, change.old) {
			t.Errorf("%s has no %q: this test needs another change", change.alert, change.old)
			continue
		}
		dir := t.TempDir()
		write(t, filepath.Join(dir, "alerts.yaml"), before+"- alert: "+change.alert+"\n"+strings.Replace(after, change.old, change.bad, 1))
		write(t, filepath.Join(dir, "alerts_test.yaml"), testsOf(t, change.alert))
		out, err := promtool(t, "test", "rules", filepath.Join(dir, "alerts_test.yaml"))
		if err == nil || !strings.Contains(out, "got:") { // not for a fault of the file
			t.Errorf("%s: with %q in place of %q the tests should fail on what fires: %v\n%s", change.alert, change.bad, change.old, err, out)
		}
	}
}

// testsOf are the tests of one alert: the others would only take time.
func testsOf(t *testing.T, alert string) string {
	t.Helper()
	var file map[string]any
	if err := yaml.Unmarshal([]byte(read(t, "alerts_test.yaml")), &file); err != nil {
		t.Fatal(err)
	}
	file["tests"] = slices.DeleteFunc(file["tests"].([]any), func(test any) bool {
		return !strings.Contains(fmt.Sprint(test), `"`+alert+`"`)
	})
	data, err := yaml.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
