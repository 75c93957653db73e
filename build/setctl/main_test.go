package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/polaris-contrib/setrouter/internal/buildinfo"
)

// files are written to the working directory of each test.
var files = map[string]string{
	"m.yaml":        "version: 1\nmappings:\n  - {match: 10.1.0.0/16, region: r, zone: z, set: qb.novel.h}\n  - {match: 10.1.1.0/24, labels: {lane: gray}}\ndefault: {region: d}\n",
	"misspelt.yaml": "version: 1\nmapings: []\n",
	"quiet.csv":     "match,set\n10.2.0.0/16,a.b.*\n",
	"m.csv":         "match,set\n10.2.0.0/16,qb.nvel.z\n",
	"r.yaml":        "version: 1\nnaming: {segments: [b, area, g], values: {area: [novel]}}\nrules: [{name: r, service: default/s, set: {}}]\n",
	"bad.yaml":      "version: 1\nmappings: [{match: 10.1.0.0/99, set: a}]\n",
	"bad2.yaml":     "version: 1\nrules: [{name: r}]\n",
	"odd.yaml":      "version: 1\n",
	"server.yaml":   "bootstrap: {}\napiservers: []\nnaming: {}\n",
	"c.yaml": "mapping: [m.yaml]\nrouting: [r.yaml]\ninstances:\n" +
		"  - {service: default/s, host: 10.8.0.1, set: qb.novel.h}\n  - {service: default/s, host: 10.8.0.2, set: qb.novel.z}\ntests:\n" +
		"  - {name: own, caller: 10.1.0.1, service: default/s, want: [10.8.0.1], rule: r, tier: own}\n",
	"slip.yaml": "routing: r.yaml\ninstances: [{service: default/s, host: 10.8.0.1}]\ntests:\n" +
		"  - {name: nobody, caller: 10.1.0.1, service: default/slip, want: []}\n",
	"lane.yaml": "version: 1\naddresses: [{service: default/lane, target: default/slip, set: {callee: qb.novel.h}}]\n",
	"slips.yaml": "routing: lane.yaml\ninstances: [{service: default/s, host: 10.8.0.1}]\naliases: [{alias: default/alias, service: default/slop}, {alias: default/a, service: default/s}]\ntests:\n" +
		"  - {name: nobody, caller: 10.1.0.1, service: default/lane, want: []}\n  - {name: none, caller: 10.1.0.1, service: default/alias, want: []}\n" +
		"  - {name: all, caller: 10.1.0.1, service: default/a, want: [10.8.0.1]}\n",
	"topology.yaml": "version: 1\ntopology: {r: {z: []}}\n",
	"places.yaml":   "version: 1\nplaces: {m: {r: [r/zz, all]}}\nrules: [{name: r, service: default/s, nearby: {places: m}}]\n",
	"p.yaml":        "mapping: topology.yaml\nrouting: places.yaml\n",
	"f.yaml": "mapping: m.yaml\nrouting: r.yaml\ninstances: [{service: default/s, host: 10.8.0.1, set: qb.novel.h}]\ntests:\n" +
		"  - {name: wrong, caller: 10.1.0.1, service: default/s, want: [10.8.0.9], tier: pool}\n",
}

func setctl(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	var out, errs bytes.Buffer
	code = run(args, &out, &errs)
	return code, out.String(), errs.String()
}

func TestSetctl(t *testing.T) {
	tests := []struct {
		args   string
		code   int
		stdout string
		stderr string
	}{
		{"check m.yaml r.yaml", 0, "m.yaml:3:1: warning: SET \"qb.novel.h\" has no pool: no mapping entry has \"qb.novel.*\", the failover that rule \"r\" has for it\n" +
			"ok: 1 mapping file with 2 entries, 1 routing file with 1 rule or address\n", ""},
		{"check m.* r.yaml", 0, "m.csv:2:1: warning: SET \"qb.nvel.z\" and those of 1 other area have no pool: no mapping entry has \"qb.nvel.*\", the failover that rule \"r\" has for them\n" +
			"m.csv:2:1: warning: SET name \"qb.nvel.z\" breaks the naming of r.yaml:2: area \"nvel\" is not listed; did you mean \"novel\"?\n" +
			"ok: 2 mapping files with 3 entries, 1 routing file with 1 rule or address\n", ""},
		{"check --strict m.csv r.yaml", 1, "m.csv:2:1: warning: SET \"qb.nvel.z\" has no pool: no mapping entry has \"qb.nvel.*\", the failover that rule \"r\" has for it\n" +
			"m.csv:2:1: warning: SET name \"qb.nvel.z\" breaks the naming of r.yaml:2: area \"nvel\" is not listed; did you mean \"novel\"?\n2 problems\n", ""},
		{"check topology.yaml places.yaml", 1, "places.yaml:2:18: map \"m\" has \"r/zz\": zone \"zz\" is not in the topology, in region \"r\"; did you mean \"z\"?\n1 problem\n", ""},
		{"plan --dump c.yaml --mapping topology.yaml --routing places.yaml", 1, "", "setctl: places.yaml:2:18: map \"m\" has \"r/zz\": zone \"zz\" is not in the topology, in region \"r\"; did you mean \"z\"?\n"},
		{"test p.yaml", 1, "places.yaml:2:18: map \"m\" has \"r/zz\": zone \"zz\" is not in the topology, in region \"r\"; did you mean \"z\"?\n0 passed, 0 failed\n", ""},
		{"check bad.yaml bad2.yaml nowhere.yaml odd.yaml c.yaml", 1, `bad.yaml:2:20: "10.1.0.0/99" is not a prefix, expected address/bits, as 10.1.0.0/16 or fd00::/8
bad.yaml:2:38: SET name "a" has 1 segment, expected three: business.area.group
bad2.yaml:2:9: the rule has no service, expected service: namespace/name
c.yaml:1:1: this is a case file; run setctl test on it
nowhere.yaml: cannot be read: no such file or directory
odd.yaml:1:1: cannot tell whether this is a mapping file (one of mappings, topology, default) or a routing file (one of rules, addresses, aliases, naming, evacuate, places, defaults)
6 problems
`, ""},
		{"check --strict quiet.csv", 0, "ok: 1 mapping file with 1 entry, 0 routing files with 0 rules and addresses\n", ""},
		{"check misspelt.yaml", 1, "misspelt.yaml:2:1: unknown key \"mapings\"; did you mean \"mappings\"?\n1 problem\n", ""},
		{"check", 2, "", "setctl: an argument is missing, expected setctl check FILES...\n"},
		{"lookup 10.1.1.9 --mapping m.yaml", 0, "10.1.1.9\n" +
			"  region      r           from mapping m.yaml:3 (10.1.0.0/16)\n" +
			"  zone        z           from mapping m.yaml:3 (10.1.0.0/16)\n" +
			"  set         qb.novel.h  from mapping m.yaml:3 (10.1.0.0/16)\n" +
			"  label.lane  gray        from mapping m.yaml:4 (10.1.1.0/24)\n", ""},
		{"lookup ::ffff:10.9.1.1 --mapping m.yaml", 0, "10.9.1.1\n  region  d  from default m.yaml:5\n", ""},
		{"lookup 10.9.1.1 --mapping m.csv", 1, "10.9.1.1 is in no mapping entry, and there is no default\n", ""},
		{"lookup 10.9.1 --mapping m.csv", 2, "", "setctl: \"10.9.1\" is not an address, expected one IP, as 10.1.7.4\n"},
		{"lookup 10.9.1.1 --server http://127.0.0.1:1", 1, "", "setctl: the server at http://127.0.0.1:1 does not answer: dial tcp 127.0.0.1:1: connect: connection refused\n"},
		{"lookup 10.9.1.1 --server http://127.0.0.1:1 --mapping m.csv", 2, "", "setctl: if any flags in the group [mapping server] are set none of the others can be; [mapping server] were all set\n"},
		{"lookup 10.9.1.1 --mapping bad.yaml", 1, "", "setctl: bad.yaml:2:20: \"10.1.0.0/99\" is not a prefix, expected address/bits, as 10.1.0.0/16 or fd00::/8\n" +
			"bad.yaml:2:38: SET name \"a\" has 1 segment, expected three: business.area.group\n"},
		{"test c.yaml", 0, "ok    c.yaml:7: own\n1 passed, 0 failed\n", ""},
		{"test c.yaml f.yaml", 1, "ok    c.yaml:7: own\nFAIL  f.yaml:5: wrong\n      got [10.8.0.1], want [10.8.0.9]\n      tier \"own\", want \"pool\"\n1 passed, 1 failed\n", ""},
		{"test m.yaml", 1, "m.yaml:1:1: unknown key \"version\", expected one of mapping, routing, now, sources, services, instances, aliases, clients, callers, pods, tests\n" +
			"m.yaml:2:1: unknown key \"mappings\"; did you mean \"mapping\"?\n" +
			"m.yaml:5:1: unknown key \"default\", expected one of mapping, routing, now, sources, services, instances, aliases, clients, callers, pods, tests\n0 passed, 0 failed\n", ""},
		{"test slip.yaml", 0, "ok    slip.yaml:4: nobody\n      note: default/slip is not in this file: no instance, alias, address, nor under services\n1 passed, 0 failed\n", ""},
		{"test slips.yaml", 0, "ok    slips.yaml:5: nobody\n      note: default/slip, which is read for default/lane, is not in this file: no instance, nor under services\n" +
			"ok    slips.yaml:6: none\n      note: default/slop, which is read for default/alias, is not in this file: no instance, nor under services\nok    slips.yaml:7: all\n3 passed, 0 failed\n", ""},
		{"test -o yaml c.yaml", 2, "", "setctl: -o \"yaml\" is not an output, expected text or json\n"},
		{"--version", 0, "setctl version " + buildinfo.Version(buildinfo.SetRouter) + "\n", ""},
		{"version", 0, "setctl version " + buildinfo.Version(buildinfo.SetRouter) + "\n", ""},
		{"evacuate --zone r/z --for 30 --reason x", 2, "", "setctl: invalid argument \"30\" for \"--for\" flag: a number without a unit, expected s, m or h behind it, as 30m\n"},
		{"evacuate --zone r/z --for soon --reason x", 2, "", "setctl: invalid argument \"soon\" for \"--for\" flag: not a time span, expected as 30s, 30m, 4h or 1h30m\n"},
		{"nonsense", 2, "", "setctl: \"nonsense\" is no command, expected one of callers, check, completion, drill, dump, evacuate, explain, help, history, import, lookup, plan, publish, reload, rollback, status, test, version, who\n"},
		{"test --nonsense c.yaml", 2, "", "setctl: unknown flag: --nonsense\n"},
		{"stats", 2, "", "setctl: \"stats\" is no command; did you mean \"status\"?\n"},
		{"lookup 10.1.1.9 --mapping m.csv m.yaml", 2, "", "setctl: \"m.yaml\" is one argument too many, expected globs in quotes, as --mapping 'conf/mapping/*'\n"},
		{"lookup 10.1.1.9 --mapping=", 2, "", "setctl: --mapping is empty, expected files or globs\n"},
		{"plan --routing r.yaml bad2.yaml", 2, "", "setctl: \"bad2.yaml\" is one argument too many, expected globs in quotes, as --mapping 'conf/mapping/*'\n"},
		{"status now", 2, "", "setctl: \"now\" is one argument too many, expected setctl status\n"},
		{"status --server localhost:8095", 2, "", "setctl: --server \"localhost:8095\" is not a URL, expected as http://127.0.0.1:8095\n"},
		{"status --server 127.0.0.1:8095", 2, "", "setctl: --server \"127.0.0.1:8095\" is not a URL, expected as http://127.0.0.1:8095\n"},
		{"explain --caller 10.1 --service default/s", 2, "", "setctl: --caller \"10.1\" is not an address, expected one IP, as 10.1.7.4\n"},
		{"explain --caller 10.1.1.9 --service s", 2, "", "setctl: --service: service \"s\" is not namespace/service, as default/server-b\n"},
		{"publish r.yaml --to polaris://n/g/r.yaml --release bad/name", 2, "", "setctl: --release \"bad/name\" is not the name of a release, expected 1 to 64 letters, digits, dots, hyphens and underscores\n"},
		{"who --service default/s --limit -1", 2, "", "setctl: --limit -1 is below 0, expected a number of lines, or 0 for all\n"},
		{"check server.yaml .", 1, ".: is a directory, expected a file; name the files in it\n" +
			"server.yaml:1:1: this is the server's configuration; mapping and routing files are those that it names under plugin\n2 problems\n", ""},
		{"", 2, "", "setctl: no command; see setctl --help\n"},
	}
	for _, tt := range tests {
		t.Run(tt.args, func(t *testing.T) {
			code, stdout, stderr := setctl(t, strings.Fields(tt.args)...)
			if code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			if diff := cmp.Diff(tt.stdout, stdout); diff != "" {
				t.Errorf("stdout (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.stderr, stderr); diff != "" {
				t.Errorf("stderr (-want +got):\n%s", diff)
			}
		})
	}
}

func TestJSON(t *testing.T) {
	var c checkResult
	decode(t, &c, 1, "check", "-o", "json", "bad2.yaml")
	if c.OK || len(c.Problems) != 1 || c.Problems[0].Line != 2 || c.Problems[0].File != "bad2.yaml" {
		t.Errorf("check: %+v", c)
	}
	var l lookupResult
	decode(t, &l, 0, "lookup", "10.1.1.9", "-o", "json", "--mapping", "m.yaml")
	if len(l.Facts) != 4 || l.Facts[2].Value != "qb.novel.h" || l.Facts[2].Line != 3 || l.Facts[2].Match != "10.1.0.0/16" {
		t.Errorf("lookup: %+v", l)
	}
	var r testResult
	decode(t, &r, 1, "test", "-o", "json", "c.yaml", "f.yaml")
	if r.Passed != 1 || r.Failed != 1 || len(r.Tests) != 2 || len(r.Tests[1].Differences) != 2 {
		t.Errorf("test: %+v", r)
	}
}

func decode(t *testing.T, into any, wantCode int, args ...string) {
	t.Helper()
	code, stdout, _ := setctl(t, args...)
	if code != wantCode {
		t.Errorf("%v: exit code %d, want %d", args, code, wantCode)
	}
	if err := json.Unmarshal([]byte(stdout), into); err != nil {
		t.Fatalf("%v: %v in %q", args, err, stdout)
	}
}
