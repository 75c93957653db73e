package cluster

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

const (
	listSent = 200000
	noChange = 200001
)

// everyKind has a rule of each kind; the names asked for are those of kinds.
const everyKind = `
version: 1
rules:
  - {name: by-set, service: default/by-set, set: {}}
  - {name: by-place, service: default/by-place, nearby: {}}
  - {name: by-both, service: default/by-both, set: {tiers: [own, pool, siblings]}, nearby: {matchLevel: campus}}
  - {name: by-weight, service: default/by-weight, set: {}, rollout: {percent: 30, by: weight}}
  - {name: evacuated, service: default/evacuated, nearby: {}}
addresses:
  - {service: default/lane, target: default/by-set, set: {callee: qb.novel.z}}
  - {service: default/old, target: default/by-set, set: {callee: qb.novel.z}, rollout: {percent: 12.5, by: weight}}
evacuate:
  - {set: qb.evacuated.h, until: %q, reason: a drill}
`

// kinds are the names asked for, and where the lists of a caller in Shanghai are.
var kinds = map[string][]string{
	"by-set":    {"10.11.0.1"},
	"by-place":  {"10.11.0.1"},
	"by-both":   {"10.11.0.1"},
	"by-weight": {"10.11.0.1", "10.12.0.1", "10.13.0.1"},
	"evacuated": {"10.12.0.1", "10.13.0.1"},
	"lane":      {"10.12.0.1"},
	"old":       {"10.11.0.1", "10.12.0.1", "10.12.0.1", "10.13.0.1"}, // of both services
}

// sets are three instances of a service, in two places and three SETs.
func sets(service, area string) []polaristest.Instance {
	of := func(host, group, region, zone string) polaristest.Instance {
		return polaristest.Instance{
			Namespace: "default", Service: service, Host: host, Port: 8000, Weight: 100, Healthy: true,
			Location: &polaristest.Location{Region: region, Zone: zone, Campus: zone + "-1"},
			Metadata: map[string]string{"internal-set-name": area + "." + group, "internal-enable-set": "Y"},
		}
	}
	return []polaristest.Instance{of("10.11.0.1", "h", "east", "shanghai"), of("10.12.0.1", "z", "south", "shenzhen"), of("10.13.0.1", "*", "south", "guangzhou")}
}

func filesWith(routing string) map[string]string {
	return map[string]string{"conf/mapping/all.yaml": mapping, "conf/mapping/none.csv": "match,set\n", "conf/routing/all.yaml": routing}
}

// A client that moves to another node keeps its list, under every kind of rule:
// over HTTP and gRPC it is told that there is no change, and an SDK has no event.
func TestSwitchingNodes(t *testing.T) {
	t.Parallel()
	c := cluster(t)
	o := polaristest.Options{Files: filesWith(fmt.Sprintf(everyKind, time.Now().Add(time.Hour).Format(time.RFC3339)))}
	one, two := join(t, c, o), join(t, c, o)
	for name := range kinds {
		switch name {
		case "lane": // is no service
		case "evacuated":
			done(t, one.Register(t.Context(), sets(name, "qb.evacuated")...))
		default:
			done(t, one.Register(t.Context(), sets(name, "qb.novel")...))
		}
	}
	revisions := map[string]string{}
	for name, want := range kinds {
		wait(t, func() error {
			revisions[name] = getsOf(t, one, name, want)
			if other := getsOf(t, two, name, want); other != revisions[name] {
				return fmt.Errorf("%s: revisions %s and %s", name, revisions[name], other)
			}
			return nil
		})
	}
	sdk, err := polaristest.StartConsumers(programs.Consumer)
	done(t, err)
	t.Cleanup(func() { done(t, sdk.Close()) })
	done(t, sdk.Add("moves", shanghai, one.Server))
	watch(t, sdk, "moves", revisions)
	for _, to := range []node{two, one} {
		sent := counted(t, to, "routed")
		for name, revision := range revisions {
			movesUnchanged(t, to, name, revision)
		}
		before := counted(t, to, "unchanged")
		if len(before) < len(kinds) {
			t.Fatalf("%s counts %v, want one of each kind", to.IP, before)
		}
		sdk.Move("moves", to.Server)
		wait(t, func() error {
			for rule, polls := range counted(t, to, "unchanged") {
				if polls == before[rule] {
					return fmt.Errorf("the SDK does not ask %s for %s", to.IP, rule)
				}
			}
			return nil
		})
		watch(t, sdk, "moves", revisions)
		if again := counted(t, to, "routed"); !maps.Equal(again, sent) {
			t.Errorf("%s sent lists to clients that had them: %v, before %v", to.IP, again, sent)
		}
	}
}

// getsOf waits for a list, and returns its revision.
func getsOf(t *testing.T, n node, service string, want []string) (revision string) {
	t.Helper()
	wait(t, func() error {
		got, err := polaristest.Discover(t.Context(), n.HTTPAddr, polaristest.Request{Source: shanghai, Namespace: "default", Service: service})
		if err != nil {
			return err
		}
		revision = got.Service.Revision
		if hosts := hostsOf(got.Instances); !slices.Equal(hosts, want) {
			return fmt.Errorf("%s gives %v for %s, want %v (code %d)", n.IP, hosts, service, want, got.Code)
		}
		return nil
	})
	return revision
}

func hostsOf(instances []polaristest.Instance) []string {
	var hosts []string
	for _, i := range instances {
		hosts = append(hosts, i.Host)
	}
	slices.Sort(hosts)
	return hosts
}

// movesUnchanged asks a node with the revision that another gave.
func movesUnchanged(t *testing.T, n node, service, revision string) {
	t.Helper()
	got, err := polaristest.Discover(t.Context(), n.HTTPAddr, polaristest.Request{Source: shanghai, Namespace: "default", Service: service, Revision: revision})
	done(t, err)
	if got.Code != noChange || len(got.Instances) > 0 {
		t.Errorf("%s over HTTP: code %d and %d instances of %s, want %d", n.IP, got.Code, len(got.Instances), service, noChange)
	}
	stream, err := polaristest.Dial(t.Context(), n.GRPCAddr, shanghai)
	done(t, err)
	defer stream.Close()
	resp, err := stream.Instances("default", service, revision)
	done(t, err)
	if code := resp.GetCode().GetValue(); code != noChange || len(resp.Instances) > 0 {
		t.Errorf("%s over gRPC: code %d and %d instances of %s, want %d", n.IP, code, len(resp.Instances), service, noChange)
	}
}

// watch starts the watches of an SDK's services, or says where there was an
// event since, or another revision.
func watch(t *testing.T, sdk *polaristest.Consumers, name string, revisions map[string]string) {
	t.Helper()
	for service, revision := range revisions {
		got, err := sdk.Get(name, "default", service)
		done(t, err)
		if got.Error != "" || got.Revision != revision {
			t.Errorf("the SDK has revision %q of %s, want %q (%s)", got.Revision, service, revision, got.Error)
		}
		got, err = sdk.Do(map[string]any{"watch": name, "namespace": "default", "service": service})
		done(t, err)
		if len(got.Events) > 0 {
			t.Errorf("events of %s in the SDK: %+v", service, got.Events)
		}
	}
}

// counted is the node's setrouter_requests_total of a result, by rule.
func counted(t *testing.T, n node, result string) map[string]int {
	t.Helper()
	out := map[string]int{}
	for _, sample := range requestsSample.FindAllStringSubmatch(metrics(t, n), -1) {
		if sample[1] == result {
			value, err := strconv.ParseFloat(sample[3], 64)
			done(t, err)
			out[sample[2]] += int(value)
		}
	}
	return out
}

var requestsSample = regexp.MustCompile(`(?m)^setrouter_requests_total\{.*result="([^"]*)",rule="([^"]*)".*\} (\S+)$`)

func metrics(t *testing.T, n node) string {
	t.Helper()
	resp, err := http.Get("http://" + n.HTTPAddr + "/metrics")
	done(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	done(t, err)
	return string(text)
}
