package main

import (
	"fmt"
	"maps"
	"math"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
	"github.com/polaris-contrib/setrouter/internal/test/sandbox"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
)

func readDeployment(t *testing.T, name string) sandbox.Deployment {
	t.Helper()
	d, err := sandbox.ReadDeployment(strings.NewReader(repoFile(t, path.Join(sandbox.TutorialFiles, name))))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return d
}

// The tutorial's commands do what its page says, in its order, in the sandbox of the
// tutorial. After each step every caller gets what explain says of it.
func TestTutorial(t *testing.T) {
	const page = "docs/tutorial-set.md"
	s := startTutorial(t)
	server := s.Server
	runPage(t, page, map[string]func(string) string{
		"console tutorial": func(block string) string {
			out := runBlock(t, server, block)
			for _, caller := range s.Company.Callers {
				getsAsExplained(t, server, caller.Addr.String())
			}
			return out
		},
		"console kubectl": func(block string) string {
			out := runBlock(t, server, block)
			podsAreKnown(t, server, block)
			return out
		},
	})
	if *update {
		copyBlocks(t, page, "docs/tutorial-set-zh.md")
	}
	for _, name := range regexp.MustCompile(`setrouter_\w+[{]rule="[^"]*"|setrouter_\w+`).FindAllString(repoFile(t, page), -1) {
		metric, rule, _ := strings.Cut(name, "{")
		line := regexp.MustCompile(`(?m)^` + metric + `[{ ].*` + regexp.QuoteMeta(rule))
		wait(t, func() error { // rules show at the next tick
			if !line.MatchString(httpGet(t, "http://"+server.HTTPAddr+"/metrics", "")) {
				return errorf("the page names %s, which the server's /metrics does not have", name)
			}
			return nil
		})
	}
}

// startTutorial starts the sandbox of step 0, and waits until its callers have the old pods.
func startTutorial(t *testing.T) *sandbox.Sandbox {
	t.Helper()
	s := startSandbox(t, sandbox.Tutorial)
	for _, caller := range s.Company.Callers {
		eventually(t, s.Server, from(caller.Addr.String(), "epp-domain"), podHosts(s.Company.Instances)...)
	}
	return s
}

func podHosts(pods []polaristest.Instance) (hosts []string) {
	for _, p := range pods {
		hosts = append(hosts, p.Host)
	}
	slices.Sort(hosts)
	return hosts
}

// from is a request of a caller behind a proxy that the server trusts.
func from(caller, service string) polaristest.Request {
	return polaristest.Request{
		Source: sandbox.Proxy, Header: http.Header{"X-Forwarded-For": {caller}}, Namespace: "prod", Service: service,
	}
}

// getsAsExplained wants explain and discovery to agree on a caller's list.
func getsAsExplained(t *testing.T, s *polaristest.Server, caller string) {
	t.Helper()
	wait(t, func() error {
		var e explain.Explanation
		ctl(t, s, &e, "explain", "--caller", caller, "--service", "prod/epp-domain")
		want := map[string]uint32{}
		for _, i := range e.Instances {
			if i.Sent {
				want[i.Host] = i.Weight
			}
		}
		got := map[string]uint32{}
		for _, i := range discover(t, s, from(caller, "epp-domain")).Instances {
			got[i.Host] = i.Weight
		}
		if !maps.Equal(got, want) {
			return errorf("%s gets %v, explained is %v", caller, got, want)
		}
		return nil
	})
}

// podsAreKnown waits until the server's caches know what the kubectl of a block did.
func podsAreKnown(t *testing.T, s *polaristest.Server, block string) {
	t.Helper()
	for _, words := range regexp.MustCompile(`-f (\S+)`).FindAllStringSubmatch(block, -1) {
		for _, p := range readDeployment(t, words[1]).Pods() {
			wait(t, func() error {
				_, dump := setctl(t, s, "dump", "--service", p.Namespace+"/"+p.Service)
				if strings.Contains(dump, p.Host+",") == strings.Contains(block, "kubectl delete") {
					return errorf("%s: not yet so: %s\n%s", p.Host, block, dump)
				}
				return nil
			})
		}
	}
}

// copyBlocks gives a translation the commands and outputs of the page that was
// run. TestChinesePageIsTheSame holds them equal.
func copyBlocks(t *testing.T, from, to string) {
	t.Helper()
	source, target := strings.Split(repoFile(t, from), "\n```"), strings.Split(repoFile(t, to), "\n```")
	if len(source) != len(target) {
		t.Fatalf("%s has %d parts, %s has %d", from, len(source), to, len(target))
	}
	for i := 1; i < len(source); i += 2 {
		if strings.HasPrefix(source[i], "console ") {
			target[i] = source[i]
		}
	}
	if err := os.WriteFile(filepath.Join("../..", to), []byte(strings.Join(target, "\n```")), 0o644); err != nil {
		t.Fatal(err)
	}
}

// The manifests and the files say the same: the label set-group of a lane is
// the SET that the mapping gives to its pods. No Deployment's selector takes
// another's pods.
func TestTutorialManifests(t *testing.T) {
	var problems strict.Problems
	var mapping []strict.File
	for _, name := range []string{"0-before/mapping.yaml", "3-shadow/sets.yaml"} {
		mapping = append(mapping, strict.File{Name: name, Data: []byte(repoFile(t, path.Join(sandbox.TutorialFiles, name)))})
	}
	table := location.LoadMapping(mapping, &problems)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	var all []sandbox.Deployment
	for _, name := range []string{"0-before/epp-domain.yaml", "2-lanes/epp-domain-core.yaml", "2-lanes/epp-domain-query.yaml"} {
		d := readDeployment(t, name)
		all = append(all, d)
		if d.APIVersion != "apps/v1" || d.Kind != "Deployment" || d.Metadata.Name+".yaml" != path.Base(name) {
			t.Errorf("%s: %+v", name, d)
		}
		group := d.Spec.Template.Metadata.Labels["set-group"]
		for _, p := range d.Pods() {
			if facts, known := table.LookupHost(p.Host); !known || string(facts.SET) != group || facts.Location.Zone != "beijing" {
				t.Errorf("%s: a pod at %s is labelled %q, and mapped to %+v", name, p.Host, group, facts)
			}
		}
		if r := d.Spec.Template.Spec.Containers[0].Resources; r.Requests.CPU == "" || r.Limits.Memory == "" {
			t.Errorf("%s: resources %+v", name, r)
		}
	}
	for _, a := range all {
		for _, b := range all {
			selects := true
			for key, value := range a.Spec.Selector.MatchLabels {
				selects = selects && b.Spec.Template.Metadata.Labels[key] == value
			}
			if selects != (a.Metadata.Name == b.Metadata.Name) {
				t.Errorf("the selector of %s takes pods of %s: %t", a.Metadata.Name, b.Metadata.Name, selects)
			}
		}
	}
}

// The tutorial's callers, with the unmodified SDK: at every percent each lane
// has its share of its callers' choices; a lane that fails before 100% is left
// for the old pods; a caller that chooses for each request asks for a lane by
// name.
func TestTutorialCallersAreNotChanged(t *testing.T) {
	s := startTutorial(t)
	server, console, sdk, files, old := s.Server, s.Console, s.Consumers, s.Company.Files, s.Company.Instances
	core := readDeployment(t, "2-lanes/epp-domain-core.yaml").Pods()
	query := readDeployment(t, "2-lanes/epp-domain-query.yaml").Pods()
	register(t, console, append(slices.Clone(core), query...)...)
	search, api := s.Company.Callers[0], s.Company.Callers[3]
	lanes := []struct {
		caller sandbox.Caller
		pods   []polaristest.Instance
	}{{api, core}, {search, query}}
	// Strangers show in the shadow.
	write(t, server, "conf/mapping/sets.yaml", files["3-shadow/sets.yaml"]+"  - {match: 10.8.9.1, set: qb.novel.h}\n")
	write(t, server, "conf/routing/routing.yaml", files["3-shadow/routing.yaml"])
	wait(t, func() error {
		for _, stranger := range []string{"10.8.9.1", "10.8.9.2"} {
			discover(t, server, from(stranger, "epp-domain"))
		}
		rule := `rule="prod/epp-domain"`
		empty, noSET := metric(t, server, "setrouter_shadow_requests_total", rule, `outcome="empty"`), metric(t, server, "setrouter_requests_total", rule, `tier=""`)
		if empty == 0 || noSET == 0 {
			return errorf("in the shadow: %v requests of another business's SET, %v without a SET", empty, noSET)
		}
		return nil
	})

	for _, percent := range []int{0, 1, 10, 50, 100, 0, 50} {
		step := strings.NewReplacer("mode: shadow", "mode: enforce", "percent: 100,", fmt.Sprintf("percent: %d,", percent)).Replace(files["3-shadow/routing.yaml"])
		write(t, server, "conf/routing/routing.yaml", step)
		for _, lane := range lanes {
			both := podHosts(append(slices.Clone(old), lane.pods...))
			want := map[int][]string{0: podHosts(old), 100: podHosts(lane.pods)}[percent]
			if want == nil {
				want = both
			}
			wait(t, func() error { return ruleAt(t, server, lane.caller.Addr.String(), percent) })
			times := tutorialPicked(t, server, sdk, lane.caller, "epp-domain", want)
			share, n := float64(percent)/100, 0
			for _, p := range lane.pods {
				n += times[p.Host]
			}
			slack := 4*math.Sqrt(share*(1-share)/tutorialPicks) + share*0.01
			if got := float64(n) / tutorialPicks; math.Abs(got-share) > slack {
				t.Errorf("at %d%% the lane of %s has %.4f of the choices, want %.4f +- %.4f", percent, lane.caller.Name, got, share, slack)
			}
		}
	}

	// At 50% the core lane fails: orders go to the old pods.
	for _, p := range core {
		if err := console.Isolate(t.Context(), "prod", "epp", p.Host, true); err != nil {
			t.Fatal(err)
		}
	}
	wait(t, func() error {
		got, err := sdk.Pick(api.Name, "prod", "epp-domain", 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range core {
			if got.Times[p.Host] > 0 {
				return errorf("the core lane is down, and gets %v", got.Times)
			}
		}
		return nil
	})
	// domain-api can ask for the other lane by its name.
	tutorialPicked(t, server, sdk, api, "epp-domain.query", podHosts(query))

	// Without the old pods, percent 0 is nobody; the clean file does not need them.
	if err := console.Deregister(t.Context(), old...); err != nil {
		t.Fatal(err)
	}
	write(t, server, "conf/routing/routing.yaml", strings.Replace(files["3-shadow/routing.yaml"], "percent: 100,", "percent: 0,", 1))
	eventually(t, server, from(search.Addr.String(), "epp-domain"))
	write(t, server, "conf/routing/routing.yaml", files["7-clean/routing.yaml"])
	tutorialPicked(t, server, sdk, search, "epp-domain", podHosts(query))
}

// tutorialPicks is how often the SDK's load balancer is asked for each percent.
const tutorialPicks = 20_000

func ruleAt(t *testing.T, s *polaristest.Server, caller string, percent int) error {
	t.Helper()
	var e explain.Explanation
	ctl(t, s, &e, "explain", "--caller", caller, "--service", "prod/epp-domain")
	if e.Rule == nil || fmt.Sprint(e.Rule.Percent) != fmt.Sprint(percent) || e.Rule.Mode != "enforce" {
		return errorf("rule %+v, want %d%%", e.Rule, percent)
	}
	return nil
}

// tutorialPicked waits until the SDK has the list of the hosts, in the revision that
// the server has for its caller, and returns which of them it picks.
func tutorialPicked(t *testing.T, s *polaristest.Server, sdk *polaristest.Consumers, caller sandbox.Caller, service string, want []string) map[string]int {
	t.Helper()
	revision := eventually(t, s, from(caller.Addr.String(), service), want...).Service.Revision
	wait(t, func() error {
		got, err := sdk.Get(caller.Name, "prod", service)
		if err != nil {
			t.Fatal(err)
		}
		if got.Revision != revision {
			return errorf("the SDK of %s has revision %q of %s, the server %q", caller.Name, got.Revision, service, revision)
		}
		return nil
	})
	got, err := sdk.Pick(caller.Name, "prod", service, tutorialPicks)
	if err != nil {
		t.Fatal(err)
	}
	for host := range got.Times {
		if !slices.Contains(want, host) {
			t.Errorf("%s picks %s of %s, want one of %v", caller.Name, host, service, want)
		}
	}
	if got.PickError != "" {
		t.Errorf("%s: %s", caller.Name, got.PickError)
	}
	return got.Times
}
