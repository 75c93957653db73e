package main

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// Entries go into a file and out of it, and the rest of its text stays.
func TestEvacuationEdits(t *testing.T) {
	const entry = `{region: "south", until: 2026-11-25T00:00:00Z, reason: "x"}`
	tests := []struct{ name, before, after string }{
		{"no key", "version: 1 # c\nrules: []\n", "version: 1 # c\nrules: []\nevacuate:\n  - " + entry + "\n"},
		{"no newline at the end", "version: 1", "version: 1\nevacuate:\n  - " + entry + "\n"},
		{"empty list", "version: 1\nevacuate: [] # none\nrules: []\n", "version: 1\nevacuate:\n  - " + entry + "\nrules: []\n"},
		{"before others, with comments", "version: 1\nevacuate: # c\n    # d\n    - {region: r, until: 2026-11-25T00:00:00Z} # e\nrules: []\n",
			"version: 1\nevacuate: # c\n    # d\n    - " + entry + "\n    - {region: r, until: 2026-11-25T00:00:00Z} # e\nrules: []\n"},
		{"others in block form", "version: 1\nevacuate:\n- region: r\n  until: 2026-11-25T00:00:00Z\n",
			"version: 1\nevacuate:\n- " + entry + "\n- region: r\n  until: 2026-11-25T00:00:00Z\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := addEntry(strict.File{Name: "r.yaml", Data: []byte(tt.before)}, entry)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.after, got); diff != "" {
				t.Errorf("added (-want +got):\n%s", diff)
			}
			line := 1 + strings.Count(got[:strings.Index(got, entry)], "\n")
			back, err := removeEntry(strict.File{Name: "r.yaml", Data: []byte(got)}, line)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(back, "south") || !strings.HasPrefix(back, "version: 1") {
				t.Errorf("removed: %q", back)
			}
		})
	}
	for text, want := range map[string]string{
		"version: 1\r# old\r": "r.yaml: a line ends in another way than by a newline, as on old systems; this command edits files with lines by newlines", // a panic, found by FuzzEdit
		"{version: 1}":        "r.yaml: the file is written in braces; this command edits files with a key a line",
		"version: 1\nevacuate: [{region: r, until: 2026-11-25T00:00:00Z}]": "r.yaml:2: the list is in brackets; this command edits lists with an entry a line, each after a dash",
	} {
		if _, err := addEntry(strict.File{Name: "r.yaml", Data: []byte(text)}, entry); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

// here runs setctl in the current directory.
func here(args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = run(args, &out, &errs)
	return code, out.String(), errs.String()
}

// What evacuationFiles writes.
const evacuateYAML, routingYAML = "version: 1 # mine\nevacuate: []\n", "version: 1\nrules: [{name: all, service: \"default/*\", nearby: {}}, {name: own, service: default/own, set: {}}]\n"

// evacuationFiles makes a new folder with files for evacuations, and a dump, the current one.
func evacuationFiles(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{
		"evacuate.yaml": evacuateYAML, "routing.yaml": routingYAML, "m.csv": "match,region,zone,set\n10.1.0.0/16,south,sz,qb.novel.z\n10.2.0.0/16,south,gz,qb.novel.g\n10.3.0.0/16,east,sh,\n",
		"dump.yaml": "now: 2026-11-24T00:00:00Z\nmapping: [m.csv]\nrouting: [routing.yaml, evacuate.yaml]\ninstances:\n" +
			"  - {service: default/s, host: 10.1.0.1}\n  - {service: default/s, host: 10.2.0.1}\n  - {service: default/one, host: 10.3.0.1}\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o640); err != nil {
			t.Fatal(err)
		}
	}
}

func TestEvacuateCommand(t *testing.T) {
	evacuationFiles(t)
	if err := os.Symlink("evacuate.yaml", "link.yaml"); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SETROUTER_SERVER", "http://127.0.0.1:1")
	evacuate := func(args ...string) (int, string) {
		t.Helper()
		code, out, errs := here(append([]string{"evacuate", "--for", "30m", "--reason", "drill"}, args...)...)
		return code, out + errs
	}
	unchanged := func(why string) {
		t.Helper()
		if text, err := os.ReadFile("evacuate.yaml"); err != nil || string(text) != evacuateYAML {
			t.Errorf("%s: the file is now %q, %v", why, text, err)
		}
	}
	for _, tt := range []struct{ name, args, want string }{
		{"a misspelt place", "--zone south/szz --file link.yaml --dump dump.yaml", "0 instances there\nREFUSED without --anyway: no instance is in zone \"south/szz\"; did you mean \"south/sz\"?\nnothing was written, link.yaml stays as it is: {zone: \"south/szz\", until: "},
		{"a SET without instances", "--set ams.x.y --file link.yaml --dump dump.yaml", "REFUSED without --anyway: no instance is in set \"ams.x.y\"\nnothing"},
		{"the last ones", "--region east --file link.yaml --dump dump.yaml", "1 instance there\nIT DOES NOT COUNT for 3 kinds of callers, who keep evacuated instances, as no road has another usable one:\n" +
			"  LEFT  default/one  - in east/sh            as 10.3.0.0  rule all  1 of 1 usable  0 asked lately\n" +
			"  LEFT  default/one  qb.novel.g in south/gz  as 10.2.0.0  rule all  1 of 1 usable  0 asked lately\n" +
			"  LEFT  default/one  qb.novel.z in south/sz  as 10.1.0.0  rule all  1 of 1 usable  0 asked lately\n" +
			"REFUSED without --anyway: 3 kinds of callers would be left on evacuated instances\nnothing was written, link.yaml"},
		{"a change of --fail-on", "--zone south/sz --file link.yaml --dump dump.yaml --fail-on cross-zone", "nothing was written, link.yaml"},
		{"a dry run", "--zone south/szz --file link.yaml --dump dump.yaml --dry-run", "did you mean \"south/sz\"?\ndry run, link.yaml stays as it is"},
		{"no server", "--zone south/sz --file link.yaml", "setctl: the server at http://127.0.0.1:1 does not answer: "},
		{"a file with rules", "--zone south/sz --file routing.yaml --dump dump.yaml", "setctl: routing.yaml has more than evacuations: who publishes its rules anew would end the evacuation; expected a file with nothing else: " +
			"make evacuate.yaml beside it, with the lines \"version: 1\" and \"evacuate: []\", see that the server's configuration names it, and give it as --file\n"},
	} {
		if code, out := evacuate(strings.Fields(tt.args)...); code != 1 || !strings.Contains(out, tt.want) {
			t.Errorf("%s: exit code %d: %s, want %s", tt.name, code, out, tt.want)
		}
		unchanged(tt.name)
	}
	idOf := regexp.MustCompile(`evacuating ([0-9a-f]{8})`)
	for _, tt := range []struct{ name, args, want string }{
		{"what has other roads", "--zone south/sz --dump dump.yaml", "1 instance there\nevacuating "},
		{"anyway", "--region east --dump dump.yaml --anyway", "ANYWAY: 3 kinds of callers would be left on evacuated instances\nevacuating "},
		{"anyway, without a server", "--zone south/szz --anyway", "NOT CHECKED: the server at http://127.0.0.1:1 does not answer: "},
	} {
		code, out := evacuate(append(strings.Fields(tt.args), "--file", "link.yaml")...)
		id := idOf.FindStringSubmatch(out)
		if code != 0 || id == nil || !strings.Contains(out, tt.want) {
			t.Fatalf("%s: exit code %d: %s, want %s", tt.name, code, out, tt.want)
		}
		if code, out, errs := here("evacuate", "--end", id[1], "--file", "link.yaml"); code != 0 {
			t.Errorf("exit code %d: %s%s", code, out, errs)
		}
		unchanged(tt.name)
	}
	if info, err := os.Lstat("link.yaml"); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the symlink is now %v, %v", info.Mode(), err)
	}
	if info, err := os.Stat("evacuate.yaml"); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("the mode is now %v, %v", info.Mode(), err)
	}
	// One that is beside rules since earlier versions can be ended.
	old := routingYAML + "evacuate:\n  - {zone: south/sz, until: " + time.Now().Add(time.Hour).Format(time.RFC3339) + ", reason: old}\n"
	if err := os.WriteFile("old.yaml", []byte(old), 0o600); err != nil {
		t.Fatal(err)
	}
	list := route.LoadPart(strict.File{Name: "old.yaml", Data: []byte(old)}, time.Now(), new(strict.Problems)).AllEvacuations()
	if code, out, errs := here("evacuate", "--end", list[0].ID(), "--file", "old.yaml"); code != 0 {
		t.Errorf("exit code %d: %s%s", code, out, errs)
	}
	for args, want := range map[string]string{
		"--region south --zone south/sz --for 1m --reason x": "setctl: 2 places are given, expected one of --region, --zone, --campus and --set, or --end",
		"--for 1m --reason x":                                "setctl: 0 places are given, expected one of --region, --zone, --campus and --set, or --end",
		"--zone sz --for 1m --reason x":                      `setctl: --zone: zone "sz" is not region/zone`,
		"--set a.b --for 1m --reason x":                      `setctl: --set: SET name "a.b" has 2 segments`,
		"--region south --for 1m":                            "setctl: no --reason, expected a few words for those who see it at night",
		"--region south --end 12345678":                      "setctl: --end and --region are both given, expected one of them",
		"--region south --for 1m --reason x --fail-on x":     `setctl: --fail-on "x" is no word of a plan`,
	} {
		code, _, errs := here(append([]string{"evacuate", "--file", "evacuate.yaml"}, strings.Fields(args)...)...)
		if code != 2 || !strings.HasPrefix(errs, want) {
			t.Errorf("%s: exit code %d: %s", args, code, errs)
		}
	}
}

// A file that the server does not have in force, or refuses, is not called an evacuation.
func TestEvacuateWaitsForTheServer(t *testing.T) {
	evacuationFiles(t)
	until := time.Now().Add(30 * time.Minute).Truncate(time.Second)
	entry := route.Evacuation{Location: location.Location{Region: "south", Zone: "sz"}, Until: until, Reason: "x"}
	there := api.Evacuation{ID: entry.ID()}
	refused := api.Files{Kind: api.KindRouting, Problems: []string{"routing.yaml:1:1: x"}}
	for _, tt := range []struct {
		name   string
		end    string
		status api.Status
		want   string
	}{
		{"in force", "", api.Status{Evacuations: []api.Evacuation{there}}, ""},
		{"another server's file", "", api.Status{}, "the server at SERVER does not follow evacuate.yaml, after 1ms: is it a file of that server?"},
		{"refused", "", api.Status{Files: []api.Files{refused}}, "the server refuses its routing files, and goes on with those of before: routing.yaml:1:1: x"},
		{"ended", entry.ID(), api.Status{}, ""},
		{"not ended", entry.ID(), api.Status{Evacuations: []api.Evacuation{there}}, "the server at SERVER does not follow evacuate.yaml, after 1ms: is it a file of that server?"},
	} {
		setAdmin(t, tt.status, api.Cluster{})
		url := os.Getenv("SETROUTER_SERVER")
		e := evacuateCommand{server: remote{url: url}, file: "evacuate.yaml", end: tt.end, entry: entry, patience: time.Millisecond}
		if got := strings.ReplaceAll(e.waitForServer(&evacuateResult{}), url, "SERVER"); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// What is not in force is not called an evacuation.
func TestEvacuationNotInForce(t *testing.T) {
	var out strings.Builder
	evacuateResult{ID: "1234abcd", File: "e.yaml", Entry: "{region: r}", Written: true, NotInForce: "why"}.text(&out)
	const want = "NOT IN FORCE: why\nthe change of 1234abcd stays in e.yaml: {region: r}\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A second evacuation of a place is refused, and the end of one names the other.
func TestEvacuateTwice(t *testing.T) {
	evacuationFiles(t)
	t.Setenv("SETROUTER_SERVER", "http://127.0.0.1:1")
	idOf := regexp.MustCompile(`evacuating ([0-9a-f]{8})`)
	run := func(args string) (int, string) {
		code, out, errs := here(append([]string{"evacuate", "--file", "evacuate.yaml"}, strings.Fields(args)...)...)
		return code, out + errs
	}
	_, first := run("--zone south/sz --for 30m --reason x --dump dump.yaml")
	id := idOf.FindStringSubmatch(first)
	if id == nil {
		t.Fatal(first)
	}
	if code, out := run("--zone south/sz --for 40m --reason y --dump dump.yaml"); code != 1 || !strings.Contains(out, `REFUSED without --anyway: zone "south/sz" is evacuated already, by `+id[1]+" until ") {
		t.Errorf("a second one: exit code %d: %s", code, out)
	}
	_, second := run("--zone south/sz --for 40m --reason y --dump dump.yaml --anyway")
	other := idOf.FindStringSubmatch(second)
	if other == nil {
		t.Fatal(second)
	}
	if code, out := run("--end " + other[1]); code != 0 || !strings.Contains(out, `NOTE  zone "south/sz" stays evacuated, by `+id[1]+" until ") {
		t.Errorf("the end of one: exit code %d: %s", code, out)
	}
}

// Of evacuations that take out nothing, check warns, with the nearest name.
func TestCheckWarnsOfEvacuations(t *testing.T) {
	t.Chdir(t.TempDir())
	until := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	for name, text := range map[string]string{
		"m.yaml": "version: 1\nmappings:\n  - {match: 10.1.0.0/16, region: south, zone: sz}\n  - {match: 10.2.0.0/16, region: south, zone: gz}\n",
		"e.yaml": "version: 1\nevacuate:\n  - {zone: \"south/*\", until: " + until + ", reason: x}\n  - {region: South, until: " + until + ", reason: x}\n  - {zone: south/sz, until: " + until + "}\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want := `e.yaml:3:1: warning: evacuation of zone "south/*": no mapping entry has that zone; only instances that register it themselves are taken out; did you mean "south/gz"?
e.yaml:4:1: warning: evacuation of region "South": no mapping entry has that region; only instances that register it themselves are taken out; did you mean "south"?
ok: 1 mapping file with 2 entries, 1 routing file with 0 rules and addresses
`
	if code, out, errs := here("check", "m.yaml", "e.yaml"); code != 0 || out != want {
		t.Errorf("exit code %d: %s%s, want %s", code, out, errs, want)
	}
	if code, out, _ := here("check", "--strict", "m.yaml", "e.yaml"); code != 1 {
		t.Errorf("--strict: exit code %d: %s", code, out)
	}
}
