//go:build clients

package main

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/test/needs"
	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// spring is a version of Spring Cloud Tencent, and Maven's arguments for it.
type spring struct {
	version string
	args    []string
}

var springs = []spring{
	{"1.13.2-2021.0.9", []string{"-Dtencent.version=1.13.2-2021.0.9", "-Dboot.version=2.6.15", "-Dcloud.version=2021.0.9"}},
	{"2.1.0.0-2023.0.6", nil}, // as the pom.xml has it
}

// springRows are the rows of Spring Cloud Tencent in docs/compatibility.md. An
// application takes half a minute to start: the rows share one, and run one after
// the other.
var springRows = []row{
	{"provider", "The application registers itself with its SET, `spring.cloud.tencent.metadata.content.internal-set-name`", alone(springProvider)},
	{"own", "`DiscoveryClient` has the caller's view, and `LoadBalancerClient` chooses from all of it", alone(springOwn)},
	{"change", "The SET's instances are isolated: the pool. They are back: its own again", alone(rowChange)},
	{"recover", "Every instance of the view is unhealthy: both go on, within the view", alone(springRecover)},
	{"weights", "`LoadBalancerClient` follows the weights. An instance of weight 0 is in neither's list", alone(springWeights)},
	{"priorities", "Priorities of instances are not regarded: choices are of all", alone(javaPriorities)},
	{"empty", "An empty view: `DiscoveryClient` has no instance, `LoadBalancerClient` chooses none; nothing throws. Instances that come back are found", alone(springEmpty)},
	{"mapping", "The mapping moves the caller to another SET: the list of that SET. It moves the caller back: its own again", alone(springMapping)},
	{"provider-mapping", "The mapping gives the application another SET than the application registered: the SET of the mapping counts", alone(springProviderMapping)},
}

// springHost is where the application says that it serves.
const springHost = "127.60.0.1"

// TestClientsSpring runs unmodified Spring Cloud Tencent against a real server.
func TestClientsSpring(t *testing.T) {
	needs.Program(t, "javac", "mvn")
	var all sync.WaitGroup
	cells := make([]map[string]*run, len(springs))
	for i, s := range springs {
		all.Go(func() { t.Run(s.version, func(t *testing.T) { cells[i] = runSpring(t, s) }) })
	}
	all.Wait()
	table := "| | " + springs[0].version + " | " + springs[1].version + " | |\n|---|---|---|---|\n"
	for _, row := range springRows {
		table += "| " + row.says + " |"
		for i := range springs {
			if r := cells[i][row.key]; r == nil || !r.ran || t.Failed() {
				t.Log("not all rows were run and hold: the table stays as it is")
				return
			}
			cell := "yes"
			if note := cells[i][row.key].note; note != "" {
				cell = note
			}
			table += " " + cell + " |"
		}
		table += " `" + row.key + "` |\n"
	}
	compareTable(t, "<!-- by go test -tags clients ./build/polaris-server -run TestClientsSpring -update -->\n", table)
}

// runSpring starts the application, and runs the rows with it.
func runSpring(t *testing.T, s spring) map[string]*run {
	program := buildJava(t, "../../scripts/clients/spring-cloud-tencent", "Application", s.args...)
	server, console := start(t, polaristest.Options{Files: map[string]string{
		"conf/mapping/mapping.yaml": mapping,
		"conf/routing/routing.yaml": `
version: 1
rules:
  - {name: novel, service: default/novel*, set: {}, degrade: {holdDown: 0s}}
  - {name: own-only, service: default/own*, set: {tiers: [own]}}
`}})
	sdk := &sdk{s.version, func() (string, error) { return program, nil }}
	runs := map[string]*run{}
	c := (&run{sdk: sdk, server: server, console: console}).caller(t, callerOptions{args: []string{
		"--spring.application.name=novel-spring", "--server.port=0", "--server.address=127.0.0.1",
		"--spring.cloud.polaris.local-ip-address=" + springHost,
		fmt.Sprint("--spring.cloud.polaris.admin.port=", polaristest.FreePort()),
		"--spring.cloud.tencent.metadata.content.internal-set-name=qb.novel.h",
		"--spring.cloud.tencent.metadata.content.internal-enable-set=Y",
	}})
	for _, row := range springRows {
		r := &run{sdk: sdk, row: row.key, server: server, console: console, shared: c}
		runs[row.key] = r
		t.Run(row.key, func(t *testing.T) { row.test(t, []*run{r}) })
	}
	return runs
}

func springProvider(t *testing.T, r *run) {
	view := eventually(t, r.server, polaristest.Request{Source: shanghai, Service: "novel-spring"}, springHost)
	if set := view.Instances[0].Metadata["internal-set-name"]; set != "qb.novel.h" {
		t.Errorf("the application registers %+v, want SET qb.novel.h", view.Instances[0])
	}
}

// The application is an instance of its own group.
func springOwn(t *testing.T, r *run) {
	registerGroups(t, r.console, "novel-spring")
	r.shared.has(t, "novel-spring", "10.11.0.1", "10.11.0.2", springHost)
}

func springRecover(t *testing.T, r *run) {
	service := r.service("novel")
	own, other := instance(service, "10.11.0.1", "qb.novel.h"), instance(service, "10.12.0.1", "qb.novel.z")
	register(t, r.console, own, other)
	r.shared.has(t, service, own.Host)
	own.Healthy = false
	if err := r.console.Update(t.Context(), own); err != nil {
		t.Fatal(err)
	}
	wait(t, func() error {
		for _, i := range discover(t, r.server, polaristest.Request{Source: shanghai, Service: service}).Instances {
			if i.Healthy {
				return errorf("%s is healthy yet", i.Host)
			}
		}
		return nil
	})
	second := instance(service, "10.11.0.2", "qb.novel.h")
	second.Healthy = false
	register(t, r.console, second) // a change that the SDK takes after the other
	r.shared.has(t, service, ownGroup...)
}

// The older version takes the instances in turn by default, whatever their weights.
func springWeights(t *testing.T, r *run) {
	service, want := r.service("novel"), map[string]int{}
	for host, weight := range weighted {
		i := instance(service, host, "qb.novel.h")
		i.Weight = weight
		register(t, r.console, i)
		want[host] = int(weight)
	}
	if r.version == springs[0].version {
		r.note = "no: in turn (1)"
		want = map[string]int{"10.11.0.1": 333, "10.11.0.2": 333, "10.11.0.3": 333}
	}
	r.shared.has(t, service, "10.11.0.1", "10.11.0.2", "10.11.0.3")
	got := r.shared.pick(t, service, 1000)
	for host, times := range want {
		if d := got.Times[host] - times; d < -80 || d > 80 { // five deviations, at most
			t.Errorf("%s was chosen %d times of 1000, want %d: %+v", host, got.Times[host], times, got)
		}
	}
}

func springEmpty(t *testing.T, r *run) {
	service := r.service("own")
	own := instance(service, "10.11.0.1", "qb.novel.h")
	register(t, r.console, own, instance(service, "10.12.0.1", "qb.novel.z"))
	r.shared.has(t, service, own.Host)
	if err := r.console.Deregister(t.Context(), own); err != nil {
		t.Fatal(err)
	}
	r.shared.has(t, service)
	r.shared.hasNone(t, service, []string{}, "no instance and no error")
	register(t, r.console, own)
	r.shared.has(t, service, own.Host)
}

func springMapping(t *testing.T, r *run) {
	service := r.service("novel")
	registerGroups(t, r.console, service)
	r.shared.has(t, service, ownGroup...)
	write(t, r.server, "conf/mapping/mapping.yaml", strings.Replace(mapping, "set: qb.novel.h}", "set: qb.novel.z}", 1))
	r.shared.has(t, service, "10.12.0.1")
	write(t, r.server, "conf/mapping/mapping.yaml", mapping)
	r.shared.has(t, service, ownGroup...)
}

// The application is in no group of its caller's SET meanwhile, and in that of another.
func springProviderMapping(t *testing.T, r *run) {
	write(t, r.server, "conf/mapping/mapping.yaml", mapping+"  - {match: "+springHost+", set: qb.novel.z}\n")
	eventually(t, r.server, polaristest.Request{Source: shenzhen, Service: "novel-spring"}, "10.12.0.1", springHost)
	r.shared.has(t, "novel-spring", ownGroup...)
	write(t, r.server, "conf/mapping/mapping.yaml", mapping)
	r.shared.has(t, "novel-spring", "10.11.0.1", "10.11.0.2", springHost)
}
