package observability_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// rule is an alert or a recording rule of alerts.yaml.
type rule struct {
	Record, Alert, Expr, For string
	Labels, Annotations      map[string]string
}

type dashboard struct {
	Panels []struct {
		ID                       int
		Type, Title, Description string
		Datasource               source
		GridPos                  struct{ X, Y, W, H int }
		FieldConfig              struct{ Defaults struct{ Unit string } }
		Targets                  []struct{ Expr, LegendFormat string }
	}
	Templating struct {
		List []struct {
			Name, Type string
			Datasource source
			Query      json.RawMessage
		}
	}
}

type source struct{ Type, UID string }

// chosen is the data source that the variable of the dashboard names.
var chosen = source{"prometheus", "${datasource}"}

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func readRules(t *testing.T) []rule {
	t.Helper()
	var file struct{ Groups []struct{ Rules []rule } }
	if err := yaml.Unmarshal([]byte(read(t, "alerts.yaml")), &file); err != nil {
		t.Fatalf("alerts.yaml: %v", err)
	}
	if len(file.Groups) != 1 || len(file.Groups[0].Rules) == 0 {
		t.Fatal("alerts.yaml: expected one group with rules: a recording rule must come before its alerts")
	}
	return file.Groups[0].Rules
}

func readDashboard(t *testing.T) (d dashboard) {
	t.Helper()
	if err := json.Unmarshal([]byte(read(t, "dashboard.json")), &d); err != nil {
		t.Fatalf("dashboard.json: %v", err)
	}
	return d
}

// What alerts and panels ask for is there, and what is there is asked for.
func TestEveryMetricIsThereAndInUse(t *testing.T) {
	known := registered(t)
	own := len(known)
	used := map[string]bool{}
	check := func(where, expr string, shown ...string) {
		for _, fault := range known.faults(expr, shown, used) {
			t.Errorf("%s: %s", where, fault)
		}
	}
	for _, r := range readRules(t) {
		check("alerts.yaml: "+r.Record+r.Alert, r.Expr, submatches(alertLabel, fmt.Sprint(r.Annotations))...)
		if r.Record != "" {
			known[r.Record] = metric{kind: "Gauge", labels: resultOf(r.Expr)}
			used[r.Record] = false
		}
	}
	d := readDashboard(t)
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			check("dashboard.json: "+p.Title, target.Expr, submatches(legendLabel, target.LegendFormat)...)
		}
	}
	for _, v := range d.Templating.List {
		var q struct{ Query string }
		if v.Type == "query" {
			if err := json.Unmarshal(v.Query, &q); err != nil {
				t.Fatal(err)
			}
			check("dashboard.json: variable "+v.Name, q.Query, submatches(valuesLabel, q.Query)...)
		}
	}
	for name := range known {
		if !used[name] {
			t.Errorf("%s is in no alert and no panel", name)
		}
	}
	if own < 10 {
		t.Errorf("%d metrics were found: are they still declared as this test expects?", own)
	}
}

// An alert says how bad it is, what happened, and which command comes next.
func TestAlertsTellWhatToDo(t *testing.T) {
	readme, tests := read(t, "README.md"), read(t, "alerts_test.yaml")
	var commands string
	for _, name := range glob(t, "../setctl/*.go") {
		commands += read(t, name)
	}
	admin := read(t, "../../plugin/router/admin/admin.go")
	for _, r := range readRules(t) {
		if r.Alert == "" {
			continue
		}
		if r.For == "" || !slices.Contains([]string{"critical", "warning", "info"}, r.Labels["severity"]) || r.Annotations["summary"] == "" {
			t.Errorf("%s: for %q, labels %v or summary %q is missing or unknown", r.Alert, r.For, r.Labels, r.Annotations["summary"])
		}
		if !strings.Contains(readme, "`"+r.Alert+"`") {
			t.Errorf("README.md does not tell what to do on %s", r.Alert)
		}
		next := r.Annotations["description"]
		if !regexp.MustCompile(`Next.*: (setctl|curl) `).MatchString(next) {
			t.Errorf("%s: the description has no command after Next: %q", r.Alert, next)
		}
		for _, command := range submatches(regexp.MustCompile(`setctl (\w+)`), next) {
			if !regexp.MustCompile(`Use: +"` + command + `\b`).MatchString(commands) {
				t.Errorf("%s: there is no setctl %s", r.Alert, command)
			}
		}
		for _, path := range submatches(regexp.MustCompile(`/setrouter/v1/(\w+)`), next) {
			if !strings.Contains(admin, `get("`+path+`"`) {
				t.Errorf("%s: the listener has no %s", r.Alert, path)
			}
		}
		cases := regexp.MustCompile(`alertname="`+r.Alert+`",alertstate="firing"}'(, eval_time: \w+, exp_samples: \[\]|\n)`).FindAllStringSubmatch(tests, -1)
		silent := slices.ContainsFunc(cases, func(c []string) bool { return c[1] != "\n" })
		fires := slices.ContainsFunc(cases, func(c []string) bool { return c[1] == "\n" })
		if !fires || !silent {
			t.Errorf("%s: alerts_test.yaml must have it firing (%t) and silent (%t)", r.Alert, fires, silent)
		}
	}
}

func TestDashboardIsSound(t *testing.T) {
	d := readDashboard(t)
	if len(d.Templating.List) == 0 || d.Templating.List[0].Name != "datasource" || d.Templating.List[0].Type != "datasource" {
		t.Error("the first variable is not the data source")
	}
	for _, v := range d.Templating.List[1:] {
		if v.Datasource != chosen {
			t.Errorf("variable %s: data source %v, expected %v", v.Name, v.Datasource, chosen)
		}
	}
	ids, taken := map[int]bool{}, map[[2]int]string{}
	for _, p := range d.Panels {
		if p.Title == "" || ids[p.ID] {
			t.Errorf("panel %d: id taken, or no title %q", p.ID, p.Title)
		}
		ids[p.ID] = true
		for x := range p.GridPos.W {
			for y := range p.GridPos.H {
				at := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
				if at[0] >= 24 || taken[at] != "" {
					t.Fatalf("%s: is over the edge or over %q at %v", p.Title, taken[at], at)
				}
				taken[at] = p.Title
			}
		}
		if p.Type == "row" {
			continue
		}
		if p.Datasource != chosen || p.FieldConfig.Defaults.Unit == "" || len(p.Targets) == 0 {
			t.Errorf("%s: data source %v, unit %q or the %d queries are wrong", p.Title, p.Datasource, p.FieldConfig.Defaults.Unit, len(p.Targets))
		}
		if !strings.HasSuffix(p.Description, ".") || strings.Count(p.Description, ". ") > 0 {
			t.Errorf("%s: description %q is not one sentence", p.Title, p.Description)
		}
	}
	if strings.Contains(read(t, "dashboard.json"), "://") {
		t.Error("dashboard.json names a host")
	}
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("%s: no such files: %v", pattern, err)
	}
	return names
}
