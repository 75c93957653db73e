package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// drill runs setctl drill over the state of testdata/field/gates.
func drill(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	t.Chdir("../../testdata/field/gates")
	var stdout, stderr bytes.Buffer
	code = run(append([]string{"drill", "--dump", "state.yaml"}, args...), &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

func TestDrillOfAZone(t *testing.T) {
	code, out, errs := drill(t, "--zone", "south/shenzhen", "--service", "default/payment", "--fail-on", "empty,unusable,load=1.5,load=3")
	const want = `fails: unusable, for 1 of 1
fails: load=1.5, for 1 of 1
what if the instances of each zone were unhealthy, one zone at a time
13 kinds of callers, 1 service, 1 zone; 2 callers asked lately, counted for each service

LOST            INSTANCES       HAVE NOTHING USABLE             LEAVE REGION  LEAVE ZONE                      HIGHEST LOAD
south/shenzhen  3 of 1 service  1 kind of 1 service, 0 callers  -             3 kinds of 1 service, 1 caller  2.0 times

without south/shenzhen
  unusable    default/payment  1 kind, 0 callers  as shop.vip.sz in south/shenzhen/shenzhen-1 (10.11.3.0)    1/1 routed payment own zone, then 0/1 routed payment own zone
  cross-zone  default/payment  3 kinds, 1 caller  as shop.core.sz in south/shenzhen/shenzhen-1 (127.11.1.7)  2/2 routed payment own zone, then 1/1 routed payment pool region
  load 2.0 times, now 0.0  default/payment  rule payment, tier pool at level region  1 caller  1 usable of shop.core.* in south/guangzhou
`
	if diff := cmp.Diff(want, out); diff != "" || code != 1 || errs != "" {
		t.Errorf("exit code %d, %s (-want +got)\n%s", code, errs, diff)
	}
}

func TestDrillEach(t *testing.T) {
	for _, tt := range []struct {
		args  string
		code  int
		first string // the place of the worst loss
	}{
		{"--each zone", 0, "east/shanghai"},
		{"--each zone --fail-on empty", 0, "east/shanghai"},
		{"--each zone --gone --fail-on empty", 1, "east/shanghai"},
		{"--each zone --fail-on unusable", 1, "east/shanghai"},
		{"--each region --fail-on cross-zone", 0, "east"},
		{"--each campus --fail-on load=5.5", 0, "east/shanghai/shanghai-1"},
		{"--each set --fail-on cross-zone", 1, "shop.vip.sz"},
		{"--each zone --routing bad10.yaml --fail-on load=2.5", 0, "east/shanghai"},
	} {
		t.Run(tt.args, func(t *testing.T) {
			code, out, errs := drill(t, append(strings.Fields(tt.args), "-o", "json")...)
			var d world.Drill
			if err := json.Unmarshal([]byte(out), &d); err != nil || len(d.Losses) == 0 {
				t.Fatalf("%v, %s%s", err, out, errs)
			}
			if code != tt.code || d.Losses[0].Place != tt.first {
				t.Errorf("exit code %d, want %d; first %s, want %s", code, tt.code, d.Losses[0].Place, tt.first)
			}
		})
	}
}

func TestDrillRefuses(t *testing.T) {
	for _, tt := range []struct {
		args, want string
		code       int
	}{
		{"", `--each "" is nothing to lose, expected one of region, zone, campus, set`, 2},
		{"--each city", `--each "city" is nothing to lose, expected one of region, zone, campus, set`, 2},
		{"--each zone --set a.b.c", `several of --each and places are given, expected one of --each, --region, --zone, --campus and --set`, 2},
		{"--zone shenzhen", `--zone: zone "shenzhen" is not region/zone`, 2},
		{"--zone south/shenzen", `zone "south/shenzen": no instance is there; did you mean "south/shenzhen"?`, 1},
		{"--region mars", `region "mars": no instance is there`, 1},
		{"--each zone --limit -1", `--limit -1 is below 0, expected a number of lines, or 0 for all`, 2},
		{"--each zone --service default/oder", `there is no service "default/oder", and no lane address of that name`, 1},
		{"--each zone --fail-on load=many", `--fail-on "load=many" is no load, expected a number from 1, as load=3`, 2},
		{"--each zone --fail-on load=NaN", `--fail-on "load=NaN" is no load, expected a number from 1, as load=3`, 2},
		{"--each zone --fail-on emty", `--fail-on "emty" is no word of a drill, expected one of empty, unusable, cross-region, cross-zone, load=3`, 2},
	} {
		t.Run(tt.args, func(t *testing.T) {
			if code, out, errs := drill(t, strings.Fields(tt.args)...); errs != "setctl: "+tt.want+"\n" || code != tt.code || out != "" {
				t.Errorf("exit code %d, want %d: %s%s\nwant %s", code, tt.code, out, errs, tt.want)
			}
		})
	}
}

// Where nothing is to be lost, a gate has checked nothing.
func TestDrillLosesNothing(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("dump.yaml", []byte("services: [default/a]\ninstances: [{service: default/a, host: 10.1.0.1}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]string{
		"":                   "0 what if the instances of each zone were unhealthy, one zone at a time\n0 kinds of callers, 1 service, 0 zones; 0 callers asked lately, counted for each service\n\n",
		"--fail-on unusable": "1 setctl: --fail-on: no usable instance is in a zone, nothing was lost, and nothing is known of what would be\n",
	} {
		var out bytes.Buffer
		code := run(append([]string{"drill", "--dump", "dump.yaml", "--each", "zone"}, strings.Fields(args)...), &out, &out)
		if got := fmt.Sprintf("%d %s", code, out.String()); got != want {
			t.Errorf("%q: %s\nwant %s", args, got, want)
		}
	}
}

// A plan says whom new and changed rules would leave with nothing if a zone were lost.
func TestPlanDrillsChangedRules(t *testing.T) {
	t.Chdir("../../testdata/field/gates")
	routing, err := os.ReadFile("routing.yaml")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "r.yaml")
	// It changes nothing today: callers of user have an instance in their zone.
	candidate := strings.Replace(string(routing), "matchLevel: campus, maxMatchLevel: all", "matchLevel: campus, maxMatchLevel: zone", 1)
	if err := os.WriteFile(file, []byte(candidate), 0o644); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	code := run([]string{"plan", "--dump", "state.yaml", "--routing", file, "--fail-on", "empty,unusable,cross-zone,changed"}, &stdout, &stderr)
	const want = `
if a zone were lost, these callers of new and changed rules would have nothing usable
  east/shanghai: 6 kinds of 1 service, 1 caller; rule user, as shop.vip.sh in east/shanghai/shanghai-1 (127.13.3.7) of default/user: 4/4 routed user campus, then 0/4 routed user campus
  south/shenzhen: 4 kinds of 1 service, 1 caller; rule user, as shop.core.sz in south/shenzhen/shenzhen-1 (127.11.1.7) of default/user: 2/2 routed user campus, then 0/2 routed user campus
  south/guangzhou: 3 kinds of 1 service, 0 callers; rule user, as - in south/guangzhou/guangzhou-1 (10.12.0.0) of default/user: 2/2 routed user campus, then 0/2 routed user campus
`
	if !strings.Contains(stdout.String(), want) || code != 0 {
		t.Errorf("exit code %d, %s\n%s\nwant in it\n%s", code, stderr.String(), stdout.String(), want)
	}
}

// Against a server, check has one warning for each rule that leaves callers with nothing
// without a zone, where other instances of the service are usable.
func TestCheckWarnsOfLosses(t *testing.T) {
	t.Chdir("../../testdata/field/gates")
	state, err := stateNow(remote{}, "state.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var problems strict.Problems
	result, _ := check(readFiles([]string{"mapping.yaml", "routing.yaml"}, &problems), state, &problems)
	var got []string
	for _, p := range result.Problems {
		if strings.Contains(p.Message, "is lost") {
			got = append(got, p.String())
		}
	}
	want := []string{
		`routing.yaml:7:5: warning: rule "order": if a zone is lost, 1 of the kinds of callers have nothing usable, though the service has usable instances elsewhere: without east/shanghai, as shop.vip.sh in east/shanghai/shanghai-1 (127.13.3.7) of "default/order": 1/1 routed order own, then 0/1 routed order own; see setctl drill --each zone`,
		`routing.yaml:8:5: warning: rule "payment": if any of 3 zones is lost, 8 of the kinds of callers have nothing usable, though the service has usable instances elsewhere: without east/shanghai, as shop.vip.sh in east/shanghai/shanghai-1 (127.13.3.7) of "default/payment": 1/1 routed payment own zone, then 0/1 routed payment own zone; see setctl drill --each zone`,
		`routing.yaml:13:5: warning: rule "inventory": if a zone is lost, 1 of the kinds of callers have nothing usable, though the service has usable instances elsewhere: without east/shanghai, as shop.vip.sh in east/shanghai/shanghai-1 (127.13.3.7) of "default/inventory": 1/1 routed inventory own zone, then 0/1 routed inventory own zone; see setctl drill --each zone`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
