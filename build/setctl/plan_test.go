package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

var update = flag.Bool("update", false, "write the golden file anew")

// packageDir is the directory of the package: tests change theirs.
var packageDir, _ = os.Getwd()

// planFiles are a small state, and candidates.
var planFiles = map[string]string{
	"m.yaml": `version: 1
mappings:
  - {match: 10.1.0.0/16, region: south, zone: sz, set: a.b.z}
  - {match: 10.2.0.0/16, region: east, zone: sh, set: a.b.h}
`,
	"r.yaml": `version: 1
rules:
  - {name: order, service: default/order, set: {}}
  - {name: old, service: default/old, set: {}}
evacuate: [{zone: east/sh, until: 2026-11-28T14:00:00Z, reason: drill}]
`,
	"n.yaml": `version: 1
rules:
  - {name: order, service: default/order, set: {tiers: [own]}, degrade: {minUsable: 2}}
  - {name: pay, service: default/pay, set: {callee: a.b.z}, rollout: {percent: 5}}
  - {name: user, service: default/user, set: {callee: a.c.z}, mode: shadow}
addresses:
  - {service: default/lane, target: default/nothing, set: {callee: a.b.z}}
evacuate: [{zone: south/sz, until: 2026-11-28T13:00:00Z, reason: power}]
`,
	"s.yaml": `mapping: [m.yaml]
routing: [r.yaml]
now: 2026-11-28T12:00:00Z
callers: [{address: 10.1.0.9, requests: 3}]
instances:
  - {service: default/order, host: 10.1.0.1, id: o1}
  - {service: default/order, host: 10.2.0.1, id: o2}
  - {service: default/pay, host: 10.1.0.1, id: p1}
  - {service: default/pay, host: 10.2.0.1, id: p2}
  - {service: default/old, host: 10.2.0.1, id: old}
  - {service: default/user, host: 10.2.0.1, id: u}
`,
}

// planIn runs setctl in a directory with planFiles.
func planIn(t *testing.T, args ...string) (dir string, code int, out, errs string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range planFiles {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	var stdout, stderr bytes.Buffer
	code = run(append([]string{"plan", "--dump", "s.yaml", "--routing", "n.yaml"}, args...), &stdout, &stderr)
	return dir, code, stdout.String(), stderr.String()
}

// A plan says all that the files do, the verdict first and the rows last.
func TestPlanText(t *testing.T) {
	const want = `fails: rules-end (1), evacuations-end (1), never-first (1), would-empty (2), refused (1), warnings (1)

`
	_, code, out, errs := planIn(t, "--fail-on", "rules-end,evacuations-end,never-first,would-empty,no-road,refused,warnings")
	if code != 1 || errs != "" || !strings.HasPrefix(out, want) {
		t.Errorf("exit code %d, %s", code, errs)
	}
	golden := filepath.Join(packageDir, "testdata", "plan.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(out), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(text), out); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The flags bound what the text has, and never the verdict or the file.
func TestPlanFlags(t *testing.T) {
	for _, tt := range []struct {
		name   string
		args   []string
		code   int
		has    []string
		hasNot []string
		errs   string
	}{
		{"a limit", []string{"--limit", "1"}, 0, []string{"... 1 more: see --limit 0, --service NAME or -o plan.json\n"}, []string{"DOES NOT EXIST"}, ""},
		{"no limit", []string{"--limit", "0"}, 0, []string{"default/pay", "default/order"}, []string{" more: "}, ""},
		{"one service", []string{"--service", "default/pay"}, 0, []string{"changed  a.b.z in south/sz"}, []string{"\nchanged  a.b.h in east/sh  10.2.0.0  0     default/old"}, ""},
		{"one service, and the verdict of all", []string{"--service", "default/pay", "--fail-on", "would-empty"}, 1, []string{"fails: would-empty (2)\n"}, nil, ""},
		{"no such service", []string{"--service", "default/nay"}, 1, nil, nil, "setctl: there is no service \"default/nay\", and no lane address of that name, before or after\n"},
		{"no service", []string{"--service", "pay"}, 2, nil, nil, "setctl: --service: service \"pay\" is not namespace/service, as default/server-b\n"},
		{"a limit below 0", []string{"--limit", "-1"}, 2, nil, nil, "setctl: --limit -1 is below 0, expected a number of lines, or 0 for all\n"},
		{"a word that is nearly one", []string{"--fail-on", "refuse"}, 2, nil, nil, "setctl: --fail-on \"refuse\" is no word of a plan; did you mean \"refused\"?\n"},
		{"no output", []string{"-o", "yaml"}, 2, nil, nil, "setctl: -o \"yaml\" is not an output, expected text, json or a file, as plan.json\n"},
		{"a file that cannot be written", []string{"-o", "nowhere/plan.json"}, 1, nil, nil, "setctl: open nowhere/plan.json: no such file or directory\n"},
		{"a file", []string{"-o", "plan.json", "--limit", "1"}, 0, []string{"kinds of callers"}, nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir, code, out, errs := planIn(t, tt.args...)
			if code != tt.code || errs != tt.errs {
				t.Errorf("exit code %d, want %d, %s, want %s", code, tt.code, errs, tt.errs)
			}
			for _, text := range tt.has {
				if !strings.Contains(out, text) {
					t.Errorf("not %q: %s", text, out)
				}
			}
			for _, text := range tt.hasNot {
				if strings.Contains(out, text) {
					t.Errorf("%q: %s", text, out)
				}
			}
			if tt.name != "a file" {
				return
			}
			data, err := os.ReadFile(filepath.Join(dir, "plan.json"))
			var plan world.Plan
			if err != nil || json.Unmarshal(data, &plan) != nil || len(plan.Rows) < 3 {
				t.Errorf("%v: %s", err, data)
			}
		})
	}
}
