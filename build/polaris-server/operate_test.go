package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// setctl runs the command against a server, in the server's directory.
func setctl(t *testing.T, s *polaristest.Server, args ...string) (code int, out string) {
	t.Helper()
	cmd := exec.Command(setctlBinary, args...)
	cmd.Dir, cmd.Env = s.Dir, append(os.Environ(), "SETROUTER_SERVER="+s.AdminURL)
	var text bytes.Buffer
	cmd.Stdout, cmd.Stderr = &text, &text
	err := cmd.Run()
	if exit, is := errors.AsType[*exec.ExitError](err); is {
		return exit.ExitCode(), text.String()
	}
	if err != nil {
		t.Fatal(err)
	}
	return 0, text.String()
}

// ctl wants a command to succeed, and decodes its JSON.
func ctl(t *testing.T, s *polaristest.Server, into any, args ...string) {
	t.Helper()
	code, out := setctl(t, s, append(args, "-o", "json")...)
	if code != 0 {
		t.Fatalf("setctl %v: exit code %d: %s", args, code, out)
	}
	if err := json.Unmarshal([]byte(out), into); err != nil {
		t.Fatalf("setctl %v: %v in %s", args, err, out)
	}
}

func explained(t *testing.T, s *polaristest.Server, caller, service string) (e explain.Explanation) {
	t.Helper()
	ctl(t, s, &e, "explain", "--caller", caller, "--service", "default/"+service)
	return e
}

// metric sums the samples of the server's /metrics whose line has all words.
func metric(t *testing.T, s *polaristest.Server, name string, words ...string) (sum float64) {
	t.Helper()
	for line := range strings.Lines(httpGet(t, "http://"+s.HTTPAddr+"/metrics", "")) {
		has := strings.HasPrefix(line, name+"{") || strings.HasPrefix(line, name+" ")
		for _, w := range words {
			has = has && strings.Contains(line, w)
		}
		if has {
			v, err := strconv.ParseFloat(strings.TrimSpace(line[strings.LastIndexByte(line, ' ')+1:]), 64)
			if err != nil {
				t.Fatal(err)
			}
			sum += v
		}
	}
	return sum
}

// What the operators' commands say is what a caller gets.
func TestExplainAndWho(t *testing.T) {
	server, console := start(t, polaristest.Options{})
	registerNovel(t, console, "novel")
	caller := polaristest.Request{Source: shanghai, Service: "novel"}
	got := eventually(t, server, caller, "10.11.0.1")
	e := explained(t, server, shanghai.String(), "novel")
	if e.Answer != explain.AnswerRouted || e.Revision != got.Service.Revision || e.Sent != 1 || e.Tier != "own" || e.Rule.Name != "novel" {
		t.Errorf("explained %+v, sent revision %s", e, got.Service.Revision)
	}
	if f := e.Caller.Facts[3]; f.Value != "qb.novel.h" || !strings.Contains(f.From, "conf/mapping/mapping.yaml:4") {
		t.Errorf("the SET is known from %+v", f)
	}
	if err := console.Isolate(t.Context(), "default", "novel", "10.11.0.1", true); err != nil {
		t.Fatal(err)
	}
	eventually(t, server, caller, "10.13.0.1")
	e = explained(t, server, shanghai.String(), "novel")
	if e.Tier != "pool" || len(e.Choices) != 1 || len(e.Choices[0].Roads) != 2 || e.Choices[0].Roads[0].Why != "none of 1 in service" {
		t.Errorf("explained %+v", e)
	}

	// The registry and the client's report are told apart from the mapping.
	register(t, console, instance("caller-z", stranger.String(), "qb.novel.z"))
	report(t, server, "client-1", stranger.String(), &polaristest.Location{Region: "east"})
	wait(t, func() error {
		e := explained(t, server, stranger.String(), "novel")
		if len(e.Caller.Facts) != 2 || e.Caller.Facts[0].From != "report" || e.Caller.Facts[1].From != "registry" {
			return errorf("facts %+v", e.Caller.Facts)
		}
		return nil
	})

	var who world.Who
	ctl(t, server, &who, "who", "--service", "default/novel")
	unreached := map[string]bool{}
	for _, i := range who.Unreached {
		unreached[i.Host] = true
	}
	if len(who.Views) == 0 || len(unreached) != 0 && unreached["10.13.0.1"] {
		t.Errorf("who: %+v", who)
	}
	ctl(t, server, &who, "who", "--service", "default/novel", "--host", "10.13.0.1")
	for _, v := range who.Views {
		if len(v.Instances) != 1 || v.Instances[0].Host != "10.13.0.1" {
			t.Errorf("views with 10.13.0.1: %+v", v)
		}
	}
	changes := fetch(t, server, "", "/setrouter/v1/changes?service=default/novel")
	if !strings.Contains(changes, `"change": "widened"`) || !strings.Contains(changes, `"why": "instances changed"`) {
		t.Errorf("changes: %s", changes)
	}
	wait(t, func() error {
		if log := server.Log(); !strings.Contains(log, "[SetRouter] widened") {
			return errorf("the log does not say that a view widened")
		}
		return nil
	})
}

// fetch asks the admin listener.
func fetch(t *testing.T, s *polaristest.Server, token, path string) string {
	t.Helper()
	return httpGet(t, s.AdminURL+path, token)
}

func httpGet(t *testing.T, url, token string) string {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A plan tells what a file would do, on a server and in a dump of it.
func TestPlanAndDump(t *testing.T) {
	server, console := start(t, polaristest.Options{})
	registerNovel(t, console, "novel")
	register(t, console, instance("near", "10.21.0.1", ""), instance("near", "10.23.0.1", ""))
	eventually(t, server, polaristest.Request{Source: shanghai, Service: "novel"}, "10.11.0.1")
	eventually(t, server, polaristest.Request{Source: shenzhen, Service: "near"}, "10.21.0.1")
	eventually(t, server, polaristest.Request{Source: shanghai, Service: "near"}, "10.23.0.1") // the cache can have one before the other
	write(t, server, "candidate.yaml", strings.NewReplacer("set: {}", "set: {tiers: [pool]}", "nearby: {}", "nearby: {matchLevel: all}").Replace(routing))
	var plan world.Plan
	ctl(t, server, &plan, "plan", "--routing", "candidate.yaml")
	change := map[string]world.Row{}
	for _, r := range plan.Rows {
		change[r.Service+" "+r.Address] = r
	}
	if r := change["default/novel 127.1.0.1"]; r.Change != world.ChangeList || r.Before.Tier != "own" || r.After.Tier != "pool" || r.Seen != 1 {
		t.Errorf("novel for Shanghai: %+v of %+v", r, plan)
	}
	if r := change["default/near 127.2.0.1"]; r.Change != world.ChangeCrossRegion {
		t.Errorf("near for Shenzhen: %+v of %+v", r, plan)
	}
	if plan.Rows[0].Change != world.ChangeCrossRegion {
		t.Errorf("the first row is %+v, want the worst", plan.Rows[0])
	}
	for args, want := range map[string]int{"--fail-on=cross-region": 1, "--fail-on=empty,unusable": 0, "--fail-on=nonsense": 2} {
		if code, out := setctl(t, server, "plan", "--routing", "candidate.yaml", args); code != want {
			t.Errorf("%s: exit code %d, want %d: %s", args, code, want, out)
		}
	}
	if code, out := setctl(t, server, "dump", "--dir", "dumped"); code != 0 {
		t.Fatal(out)
	}
	var again world.Plan
	ctl(t, server, &again, "plan", "--dump", "dumped/dump.yaml", "--routing", "candidate.yaml")
	if len(again.Rows) != len(plan.Rows) || again.Counts[world.ChangeCrossRegion] != plan.Counts[world.ChangeCrossRegion] {
		t.Errorf("of the dump: %+v, of the server: %+v", again, plan)
	}
	dump, err := os.ReadFile(filepath.Join(server.Dir, "dumped/dump.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, server, "dumped/case.yaml", string(dump)+"tests:\n  - {name: own, caller: 127.1.0.1, service: default/novel, want: [10.11.0.1], tier: own}\n")
	if code, out := setctl(t, server, "test", "dumped/case.yaml"); code != 0 || !strings.Contains(out, "1 passed, 0 failed") {
		t.Errorf("a test over the dump: exit code %d: %s", code, out)
	}
	if code, out := setctl(t, server, "plan", "--routing", "conf/polaris-server.yaml"); code != 1 || !strings.Contains(out, "unknown key") {
		t.Errorf("a broken candidate: exit code %d: %s", code, out)
	}
}

// status shows files and their faults, drift and unknown callers; reload
// --force takes what the guard refuses.
func TestStatusAndReload(t *testing.T) {
	server, console := start(t, polaristest.Options{})
	registerNovel(t, console, "novel")
	register(t, console, polaristest.Instance{Namespace: "default", Service: "drift", Host: "10.21.0.9", Port: 80, Weight: 100, Healthy: true,
		Location: &polaristest.Location{Region: "east", Zone: "nanjing"}})
	eventually(t, server, polaristest.Request{Source: stranger, Service: "novel"}, "10.11.0.1", "10.12.0.1", "10.13.0.1", "10.14.0.1")
	eventually(t, server, polaristest.Request{Source: stranger, Service: "drift"}, "10.21.0.9")
	code, out := setctl(t, server, "status")
	for _, want := range []string{"mapping  5 entries", "service-grpc  routed: true", "1 in no mapping (100.0% of the requests)", "127.9.0.1", "drift: 1 instance", "location east/nanjing, mapping south/shenzhen"} {
		if !strings.Contains(out, want) {
			t.Errorf("status has no %q: %s", want, out)
		}
	}
	if code != 0 {
		t.Errorf("exit code %d", code)
	}
	write(t, server, "conf/mapping/mapping.yaml", "version: 1\nmappings: [{match: 127.1.0.0/16, set: qb.novel.z}]\n")
	wait(t, func() error {
		code, out := setctl(t, server, "status")
		if code != 1 || !strings.Contains(out, "4 of 4 entries that say a place would leave their addresses without one (100%), as conf/mapping/mapping.yaml:4 (127.1.0.0/16); more than 30% (shrinkGuardPercent)") {
			return errorf("exit code %d: %s", code, out)
		}
		return nil
	})
	if code, out := setctl(t, server, "reload"); code != 1 || !strings.Contains(out, "mapping: REFUSED") {
		t.Errorf("reload: exit code %d: %s", code, out)
	}
	if code, out := setctl(t, server, "reload", "--force"); code != 0 || !strings.Contains(out, "mapping: in force, 1 entry") {
		t.Errorf("reload --force: exit code %d: %s", code, out)
	}
	eventually(t, server, polaristest.Request{Source: shanghai, Service: "novel"}, "10.12.0.1")
}

var evacuationID = regexp.MustCompile(`evacuating ([0-9a-f]{8}) `)

// An evacuation moves callers, and its end brings them back; a dry run tells
// before.
func TestEvacuate(t *testing.T) {
	const file = "conf/routing/evacuate.yaml"
	server, console := start(t, polaristest.Options{Files: map[string]string{file: "version: 1\nevacuate: []\n"}})
	register(t, console, instance("near", "10.21.0.1", ""), instance("near", "10.23.0.1", ""), instance("stock", "10.21.0.1", ""))
	caller := polaristest.Request{Source: shenzhen, Service: "near"}
	eventually(t, server, caller, "10.21.0.1")
	args := []string{"evacuate", "--zone", "south/shenzhen", "--for", "30m", "--reason", "drill", "--file", file}
	code, out := setctl(t, server, append(args, "--dry-run", "--fail-on", "cross-region")...)
	if code != 1 || !strings.Contains(out, "cross-region  2") || !strings.Contains(out, "IT DOES NOT REACH these callers of 1 service with 1 instance there, who keep them in their lists:\n  default/stock  1 there  ") {
		t.Errorf("dry run: exit code %d: %s", code, out)
	}
	// A change of --fail-on, a place by a slip, and a file with rules: nothing is written.
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"--zone", "south/shenzhen", "--file", file, "--fail-on", "cross-region"}, "nothing was written, " + file},
		{[]string{"--zone", "south/shenzen", "--file", file}, "no instance is in zone \"south/shenzen\"; did you mean \"south/shenzhen\"?"},
		{[]string{"--zone", "south/shenzhen", "--file", "conf/routing/routing.yaml"}, "conf/routing/routing.yaml has more than evacuations"},
	} {
		if code, out := setctl(t, server, append([]string{"evacuate", "--for", "30m", "--reason", "drill"}, tt.args...)...); code != 1 || !strings.Contains(out, tt.want) {
			t.Errorf("%q: exit code %d: %s", tt.args, code, out)
		}
	}
	eventually(t, server, caller, "10.21.0.1")
	code, out = setctl(t, server, args...)
	id := evacuationID.FindStringSubmatch(out)
	if code != 0 || id == nil {
		t.Fatalf("exit code %d: %s", code, out)
	}
	eventually(t, server, caller, "10.23.0.1")
	if code, out := setctl(t, server, "status"); code != 0 || !strings.Contains(out, "  2 instances  drill\n    IT DOES NOT REACH these callers of 1 service with 1 instance there") {
		t.Errorf("the status does not say how many instances are there: exit code %d: %s", code, out)
	}
	if e := explained(t, server, shenzhen.String(), "near"); !e.Instances[0].Evacuated || e.Instances[0].LeftOut != "it is evacuated" {
		t.Errorf("explained %+v", e)
	}
	wait(t, func() error {
		if metric(t, server, "setrouter_evacuations") != 1 {
			return errorf("the metric does not show the evacuation")
		}
		return nil
	})
	// The last one that is up stays.
	register(t, console, instance("alone", "10.21.0.2", ""))
	write(t, server, "conf/routing/all.yaml", "version: 1\nrules: [{name: alone, service: default/alone, nearby: {}}]\n")
	eventually(t, server, polaristest.Request{Source: shenzhen, Service: "alone"}, "10.21.0.2")
	if code, out := setctl(t, server, "evacuate", "--end", id[1], "--file", file); code != 0 {
		t.Fatalf("exit code %d: %s", code, out)
	}
	eventually(t, server, caller, "10.21.0.1")

	// The last one: its callers would keep it.
	if code, out := setctl(t, server, append(args, "--dry-run")...); code != 1 || !strings.Contains(out, "REFUSED without --anyway: 5 kinds of callers would be left on evacuated instances") {
		t.Errorf("exit code %d: %s", code, out)
	}
	// A place that is not there, anyway.
	if code, out := setctl(t, server, "evacuate", "--zone", "south/shenzen", "--for", "30m", "--reason", "drill", "--file", file, "--anyway"); code != 0 {
		t.Fatalf("exit code %d: %s", code, out)
	}
	wait(t, func() error {
		if _, out := setctl(t, server, "status"); !strings.Contains(out, "  NO INSTANCE IS THERE  drill") {
			return errorf("the status does not say that nothing is there: %s", out)
		}
		return nil
	})
}

func TestAdminRefuses(t *testing.T) {
	server, _ := start(t, polaristest.Options{AdminToken: "secret"})
	for _, tt := range []struct {
		args string
		code int
		want string
	}{
		{"status", 1, "setctl: the token is missing or wrong"},
		{"status --token wrong", 1, "setctl: the token is missing or wrong"},
		{"status --token secret", 0, "files"},
		{"explain --token secret --caller 10.0.0.1 --service default/none", 1, `setctl: there is no service "default/none", nor a lane address of that name`},
		{"explain --token secret --caller 10.0.0.1 --service default/lane", 1, `setctl: there is no service "default/lanes", the target of the lane address "default/lane"`},
		{"explain --token secret --caller nobody --service default/none", 2, `setctl: --caller "nobody" is not an address`},
		{"explain --token secret --caller 10.0.0.1 --service none", 2, `setctl: --service: service "none" is not namespace/service`},
		{"who --token secret --service default/none", 1, `setctl: there is no service "default/none"`},
		{"plan --token secret", 2, "setctl: no candidate files, expected --mapping or --routing"},
		{"status --server http://127.0.0.1:1", 1, "setctl: the server at http://127.0.0.1:1 does not answer: dial tcp 127.0.0.1:1: connect: connection refused"},
		{"status --server http://" + server.HTTPAddr, 1, "which is not the set-admin listener"},
		{"evacuate --file conf/routing/routing.yaml --region south --for -5m --reason x", 2, "setctl: --for -5m0s does not end in the future, expected as --for 30m"},
		{"evacuate --file conf/routing/routing.yaml --region south --for 169h --reason x", 2, "setctl: --for 169h0m0s is more than 7 days"},
		{"evacuate --file conf/routing/routing.yaml --end 00000000", 1, `has no evacuation "00000000", see setctl status`},
	} {
		if code, out := setctl(t, server, strings.Fields(tt.args)...); code != tt.code || !strings.Contains(out, tt.want) {
			t.Errorf("%s: exit code %d, want %d: %s, want %s", tt.args, code, tt.code, out, tt.want)
		}
	}
	if page := fetch(t, server, "", "/"); !strings.Contains(page, "<title>") {
		t.Errorf("the page: %s", page)
	}
}

// An admin listener on every address answers over IPv6 and IPv4, with its token.
func TestAdminOnEveryAddress(t *testing.T) {
	for _, every := range []string{"::", "[::]", "0.0.0.0"} {
		config := replacedConfig(t, "{listenIP: 127.0.0.1, listenPort: {{.Admin}}", `{listenIP: "`+every+`", listenPort: {{.Admin}}`)
		server, _ := start(t, polaristest.Options{Config: config, AdminToken: "secret"})
		port := server.AdminURL[strings.LastIndexByte(server.AdminURL, ':')+1:]
		for _, addr := range []string{"127.0.0.1", "[::1]"} {
			if every == "0.0.0.0" && addr == "[::1]" {
				continue
			}
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+":"+port+"/setrouter/v1/status", nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer secret")
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Errorf("listenIP %s: %v", every, err)
				continue
			}
			resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				t.Errorf("listenIP %s, asked at %s: %s", every, addr, resp.Status)
			}
		}
	}
}
