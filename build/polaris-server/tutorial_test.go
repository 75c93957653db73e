package main

import (
	"fmt"
	"io/fs"
	"maps"
	"math"
	"net/http"
	"net/netip"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
)

const tutorialDir = "testdata/tutorial"

// podNetworks are the first three bytes of the pods' addresses, by Deployment.
var podNetworks = map[string]string{"epp-domain": "10.8.10.", "epp-domain-core": "10.8.20.", "epp-domain-query": "10.8.30."}

// deployment is what the tutorial's manifests may have; all else is refused.
type deployment struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string
	Metadata   metadata
	Spec       struct {
		Replicas int
		Selector struct {
			MatchLabels map[string]string `yaml:"matchLabels"`
		}
		Template struct {
			Metadata metadata
			Spec     struct {
				TerminationGracePeriodSeconds int `yaml:"terminationGracePeriodSeconds"`
				Containers                    []container
			}
		}
	}
}

type metadata struct {
	Name, Namespace string
	Labels          map[string]string
}

type container struct {
	Name, Image string
	Env         []struct{ Name, Value string }
	Ports       []struct {
		Name          string
		ContainerPort int `yaml:"containerPort"`
	}
	ReadinessProbe struct {
		TCPSocket struct{ Port string } `yaml:"tcpSocket"`
	} `yaml:"readinessProbe"`
	Resources struct{ Requests, Limits struct{ CPU, Memory string } }
}

func readDeployment(t *testing.T, name string) (d deployment) {
	t.Helper()
	decoder := yaml.NewDecoder(strings.NewReader(repoFile(t, name)))
	decoder.KnownFields(true)
	if err := decoder.Decode(&d); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return d
}

// pods are a Deployment's pods, as they register.
func (d deployment) pods() (pods []polaristest.Instance) {
	c := d.Spec.Template.Spec.Containers[0]
	env := map[string]string{}
	for _, e := range c.Env {
		env[e.Name] = e.Value
	}
	for i := range d.Spec.Replicas {
		pods = append(pods, polaristest.Instance{
			Namespace: env["POLARIS_NAMESPACE"], Service: env["POLARIS_SERVICE"], Host: fmt.Sprint(podNetworks[d.Metadata.Name], i+1),
			Port: c.Ports[0].ContainerPort, Weight: 100, Healthy: true,
		})
	}
	return pods
}

// tutorialCallers are domain-api, domain-search and domain-report.
var tutorialCallers = []string{"10.8.1.1", "10.8.1.2", "10.8.2.1", "10.8.2.2", "10.8.3.1"}

// The tutorial's commands do what its page says, in its order, and after each
// step every caller gets what explain says of it. Pods are played: a Deployment
// that is applied registers as many as it has replicas.
func TestTutorial(t *testing.T) {
	const page = "docs/tutorial-set.md"
	server, console, _ := startTutorial(t, func(s string) string { return s })
	runPage(t, page, map[string]func(string) string{
		"console tutorial": func(block string) string {
			out := runBlock(t, server, block)
			for _, caller := range tutorialCallers {
				getsAsExplained(t, server, caller)
			}
			return out
		},
		"console kubectl": func(block string) string { return kubectl(t, server, console, block) },
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

// startTutorial starts the server of step 0, with the old pods. The addresses
// of files and pods can be moved.
func startTutorial(t *testing.T, move func(string) string) (*polaristest.Server, *polaristest.Console, map[string]string) {
	t.Helper()
	files := map[string]string{}
	root := filepath.Join("../..", tutorialDir)
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files[name] = move(repoFile(t, path.Join(tutorialDir, name)))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	given := maps.Clone(files)
	given["conf/mapping/mapping.yaml"], given["conf/routing/routing.yaml"] = files["0-before/mapping.yaml"], files["0-before/routing.yaml"]
	server, console := start(t, polaristest.Options{Files: given, TrustedProxies: []string{"127.0.0.1/32"}})
	old := moved(readDeployment(t, tutorialDir+"/0-before/epp-domain.yaml").pods(), move)
	register(t, console, old...)
	for _, caller := range tutorialCallers {
		eventually(t, server, from(move(caller), "epp-domain"), podHosts(old)...)
	}
	return server, console, files
}

func moved(pods []polaristest.Instance, move func(string) string) []polaristest.Instance {
	for i := range pods {
		pods[i].Host = move(pods[i].Host)
	}
	return pods
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
		Source: netip.MustParseAddr("127.0.0.1"), Header: http.Header{"X-Forwarded-For": {caller}}, Namespace: "prod", Service: service,
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

// kubectl plays what `kubectl apply` and `kubectl delete` of a Deployment lead
// to: its pods register, or end. It returns when the server's caches know.
func kubectl(t *testing.T, s *polaristest.Server, console *polaristest.Console, block string) string {
	t.Helper()
	var out strings.Builder
	for line := range strings.Lines(block + "\n") {
		command, is := strings.CutPrefix(line, "$ kubectl ")
		if !is {
			continue
		}
		out.WriteString(line)
		words := strings.Fields(command)
		for _, name := range words[1:] {
			if name == "-f" {
				continue
			}
			d := readDeployment(t, path.Join(tutorialDir, name))
			pods := d.pods()
			call, done := console.Register, "created"
			if words[0] == "delete" {
				call, done = console.Deregister, "deleted"
			}
			if err := call(t.Context(), pods...); err != nil {
				t.Fatal(err)
			}
			for _, p := range pods {
				wait(t, func() error {
					_, dump := setctl(t, s, "dump", "--service", p.Namespace+"/"+p.Service)
					if strings.Contains(dump, p.Host+",") == (words[0] == "delete") {
						return errorf("%s: not yet %s in %s", p.Host, done, dump)
					}
					return nil
				})
			}
			fmt.Fprintf(&out, "deployment.apps/%s %s\n", d.Metadata.Name, done)
		}
	}
	if got := strings.TrimSpace(out.String()); got != strings.TrimSpace(block) && !*update {
		t.Errorf("the page has\n%s\nthe manifests say\n%s", block, got)
	}
	return strings.TrimSuffix(out.String(), "\n")
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
		mapping = append(mapping, strict.File{Name: name, Data: []byte(repoFile(t, path.Join(tutorialDir, name)))})
	}
	table := location.LoadMapping(mapping, &problems)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	var all []deployment
	for _, name := range []string{"0-before/epp-domain.yaml", "2-lanes/epp-domain-core.yaml", "2-lanes/epp-domain-query.yaml"} {
		d := readDeployment(t, path.Join(tutorialDir, name))
		all = append(all, d)
		if d.APIVersion != "apps/v1" || d.Kind != "Deployment" || d.Metadata.Name+".yaml" != path.Base(name) {
			t.Errorf("%s: %+v", name, d)
		}
		group := d.Spec.Template.Metadata.Labels["set-group"]
		for _, p := range d.pods() {
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
	move := func(s string) string { return strings.ReplaceAll(s, "10.8.", "127.8.") } // the SDK is on this machine
	server, console, files := startTutorial(t, move)
	core := moved(readDeployment(t, tutorialDir+"/2-lanes/epp-domain-core.yaml").pods(), move)
	query := moved(readDeployment(t, tutorialDir+"/2-lanes/epp-domain-query.yaml").pods(), move)
	old := moved(readDeployment(t, tutorialDir+"/0-before/epp-domain.yaml").pods(), move)
	register(t, console, append(slices.Clone(core), query...)...)
	sdk, err := polaristest.StartConsumers(consumerBinary)
	if err != nil {
		t.Fatal(err)
	}
	defer sdk.Close()
	lanes := map[string][]polaristest.Instance{"127.8.1.1": core, "127.8.2.1": query}
	for caller := range lanes {
		if err := sdk.Add(caller, netip.MustParseAddr(caller), server); err != nil {
			t.Fatal(err)
		}
	}
	// Strangers show in the shadow.
	write(t, server, "conf/mapping/sets.yaml", files["3-shadow/sets.yaml"]+"  - {match: 127.8.9.1, set: qb.novel.h}\n")
	write(t, server, "conf/routing/routing.yaml", files["3-shadow/routing.yaml"])
	wait(t, func() error {
		for _, stranger := range []string{"127.8.9.1", "127.8.9.2"} {
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
		for caller, lane := range lanes {
			both := podHosts(append(slices.Clone(old), lane...))
			want := map[int][]string{0: podHosts(old), 100: podHosts(lane)}[percent]
			if want == nil {
				want = both
			}
			wait(t, func() error { return ruleAt(t, server, caller, percent) })
			times := tutorialPicked(t, server, sdk, caller, "epp-domain", want)
			share, n := float64(percent)/100, 0
			for _, p := range lane {
				n += times[p.Host]
			}
			slack := 4*math.Sqrt(share*(1-share)/tutorialPicks) + share*0.01
			if got := float64(n) / tutorialPicks; math.Abs(got-share) > slack {
				t.Errorf("at %d%% the lane of %s has %.4f of the choices, want %.4f +- %.4f", percent, caller, got, share, slack)
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
		got, err := sdk.Pick("127.8.1.1", "prod", "epp-domain", 100)
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
	tutorialPicked(t, server, sdk, "127.8.1.1", "epp-domain.query", podHosts(query))

	// Without the old pods, percent 0 is nobody; the clean file does not need them.
	if err := console.Deregister(t.Context(), old...); err != nil {
		t.Fatal(err)
	}
	write(t, server, "conf/routing/routing.yaml", strings.Replace(files["3-shadow/routing.yaml"], "percent: 100,", "percent: 0,", 1))
	eventually(t, server, from("127.8.2.1", "epp-domain"))
	write(t, server, "conf/routing/routing.yaml", files["7-clean/routing.yaml"])
	tutorialPicked(t, server, sdk, "127.8.2.1", "epp-domain", podHosts(query))
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
func tutorialPicked(t *testing.T, s *polaristest.Server, sdk *polaristest.Consumers, caller, service string, want []string) map[string]int {
	t.Helper()
	revision := eventually(t, s, from(caller, service), want...).Service.Revision
	wait(t, func() error {
		got, err := sdk.Get(caller, "prod", service)
		if err != nil {
			t.Fatal(err)
		}
		if got.Revision != revision {
			return errorf("the SDK of %s has revision %q of %s, the server %q", caller, got.Revision, service, revision)
		}
		return nil
	})
	got, err := sdk.Pick(caller, "prod", service, tutorialPicks)
	if err != nil {
		t.Fatal(err)
	}
	for host := range got.Times {
		if !slices.Contains(want, host) {
			t.Errorf("%s picks %s of %s, want one of %v", caller, host, service, want)
		}
	}
	if got.PickError != "" {
		t.Errorf("%s: %s", caller, got.PickError)
	}
	return got.Times
}
