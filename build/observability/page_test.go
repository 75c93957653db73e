package observability_test

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/reference/metrics.md")

const pageName = "../../docs/reference/metrics.md"

const pageHead = `<!-- Made by: go test ./build/observability -run TestMetricsPage -update -->
# Reference: every metric and every alert

For operators who build a panel or an alert, or who read one at night. What to do in an incident, from the alert to the end, is in
[operations.md](../operations.md); how to load the alerts and the dashboard is in [build/observability](../../build/observability/README.md).

This page is made of the metrics that the code declares, of ` + "`alerts.yaml` and of `dashboard.json`" + `. The metrics are on ` + "`/metrics`" + ` of the
listener ` + "`api-http`" + `. Labels are names that operators choose, of rules, tiers and levels, except for digests and addresses of files: never a
caller's address, and never a text from clients. In metrics a lane address is a rule with the name of its service.

## Metrics

| metric | type | labels | what it says | alerts | panels |
|---|---|---|---|---|---|
`

// The page of metrics is what the code, the alerts and the dashboard say.
func TestMetricsPage(t *testing.T) {
	var b strings.Builder
	b.WriteString(pageHead)
	known, rules, d := registered(t), readRules(t), readDashboard(t)
	names := slices.Sorted(func(yield func(string) bool) {
		for name := range known {
			if !yield(name) {
				return
			}
		}
	})
	for _, name := range names {
		m := known[name]
		if !strings.HasSuffix(m.help, ".") {
			t.Errorf("%s: help %q is no sentence", name, m.help)
		}
		var alerts, panels []string
		for _, r := range rules {
			if r.Alert != "" && known.uses(r.Expr, name, rules) {
				alerts = append(alerts, fmt.Sprintf("[%s](#%s)", strings.TrimPrefix(r.Alert, "Setrouter"), strings.ToLower(r.Alert)))
			}
		}
		for _, p := range d.Panels {
			if slices.ContainsFunc(p.Targets, func(target struct{ Expr, LegendFormat string }) bool { return known.uses(target.Expr, name, rules) }) {
				panels = append(panels, p.Title)
			}
		}
		labels := ""
		if len(m.labels) > 0 {
			labels = "`" + strings.Join(m.labels, "`, `") + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s |\n", name, strings.ToLower(m.kind), labels, m.help, strings.Join(alerts, ", "), strings.Join(panels, ", "))
	}
	b.WriteString("\n## Alerts\n\n`critical`: callers are hurt now. `warning`: look today. `info`: look some day. *N* stands for the value, and names in italics for labels.\n")
	for _, r := range rules {
		if r.Alert != "" {
			fmt.Fprintf(&b, "\n### %s\n\n`%s`, after %s: %s.\n\n%s\n", r.Alert, r.Labels["severity"], r.For, plain(r.Annotations["summary"]), plain(r.Annotations["description"]))
		}
	}
	want := strings.ReplaceAll(strings.ReplaceAll(b.String(), "|  |", "| |"), "|  |", "| |")
	if *update && !t.Failed() {
		if err := os.WriteFile(pageName, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if read(t, pageName) != want {
		t.Errorf("%s is out of date: go test ./build/observability -run TestMetricsPage -update writes it anew", pageName)
	}
}

// uses reports whether an expression uses a metric, by itself or by what is recorded of it.
func (known metrics) uses(expr, name string, rules []rule) bool {
	for _, found := range metricUse.FindAllString(expr, -1) {
		if _, base := known.find(found); base == name {
			return true
		}
		for _, r := range rules {
			if r.Record == found && known.uses(r.Expr, name, rules) {
				return true
			}
		}
	}
	return false
}

// plain returns the text of an alert without the words of templates.
func plain(text string) string {
	text = regexp.MustCompile(`\{\{ \$value[^}]*\}\}`).ReplaceAllString(text, "*N*")
	text = alertLabel.ReplaceAllString(text, "$1")
	text = regexp.MustCompile(`\{\{ (\w+) \}\}`).ReplaceAllString(text, "*$1*")
	return regexp.MustCompile(` *(Next[^:]*: )`).ReplaceAllString(strings.TrimSpace(text), "\n\n$1")
}
