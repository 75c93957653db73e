package cluster

import (
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// What decides in TestANodeBehindNeverGoesBack has a version, from 1 on, that
// the caller's list shows as the port, or the weight, of its one instance:
//   - registry: the instance's record itself, as its weight
//   - rules: a routing file on disk
//   - release: a routing file in the config center
//   - mapping: a mapping file on disk
var versioned = []string{"registry", "rules", "release", "mapping"}

const (
	versions     = 5
	releasedFile = "polaris://default/rules/release.yaml"
)

func rulesAt(version int) string {
	return fmt.Sprintf(`
version: 1
rules:
  - {name: registry, service: default/registry, set: {}}
  - {name: mapping, service: default/steps, set: {}}
addresses:
  - {service: default/rules, target: default/steps, set: {callee: qb.v%d.h}}
`, version)
}

func releaseAt(version int) string {
	return fmt.Sprintf("version: 1\naddresses:\n  - {service: default/release, target: default/steps, set: {callee: qb.v%d.h}}\n", version)
}

func mappingAt(version int) string {
	return fmt.Sprintf("version: 1\nmappings:\n  - {match: 127.1.0.0/16, set: qb.v%d.h}\n", version)
}

// steps has an instance for each version; the record of registry has one.
func steps() (out []polaristest.Instance) {
	for v := 1; v <= versions; v++ {
		i := sets("steps", fmt.Sprintf("qb.v%d", v))[0]
		i.Port = v
		out = append(out, i)
	}
	return out
}

func recordAt(version int) polaristest.Instance {
	i := sets("registry", "qb.any")[0]
	i.Metadata, i.Weight = nil, uint32(version)
	return i
}

// follower is a client that moves from node to node, with the list that it has.
// It is for one goroutine but for its faults.
type follower struct {
	service, name string
	version       int // of the list that it has
	revision      string
	on            map[string]int // the last version by node
	answers       int
	behind        int // answers by an older decision than the other node's
	faults        *faults
}

type faults struct {
	mu   sync.Mutex
	text []string
}

func (f *faults) add(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.text = append(f.text, fmt.Sprintf(format, args...))
}

// answer takes an answer of a node: a list of one version, or none where the
// node says that the client has its list.
func (f *follower) answer(ip string, code int, revision string, list []int) {
	switch {
	case code == noChange:
	case code != listSent || len(list) != 1:
		f.faults.add("%s: %s answers with code %d and %v", f.name, ip, code, list)
		return
	default:
		f.version, f.revision = list[0], revision
	}
	f.answers++
	if f.version < f.on[ip] {
		f.faults.add("%s: %s went back from %d to %d", f.name, ip, f.on[ip], f.version)
	}
	f.on[ip] = f.version
	for _, v := range f.on {
		if v > f.version {
			f.behind++
			break
		}
	}
}

func (f *follower) asked() string {
	if f.service == "mapping" {
		return "steps"
	}
	return f.service
}

func (f *follower) overHTTP(t *testing.T, n node) {
	got, err := polaristest.Discover(t.Context(), n.HTTPAddr, polaristest.Request{Source: shanghai, Namespace: "default", Service: f.asked(), Revision: f.revision})
	if err != nil {
		return // the node is down
	}
	var list []int
	for _, i := range got.Instances {
		list = append(list, shown(f.service, i.Port, i.Weight))
	}
	f.answer(n.IP, got.Code, got.Service.Revision, list)
}

func (f *follower) overGRPC(t *testing.T, n node) {
	stream, err := polaristest.Dial(t.Context(), n.GRPCAddr, netip.MustParseAddr("127.1.0.2"))
	if err != nil {
		return
	}
	defer stream.Close()
	got, err := stream.Instances("default", f.asked(), f.revision)
	if err != nil {
		return
	}
	var list []int
	for _, i := range got.Instances {
		list = append(list, shown(f.service, int(i.GetPort().GetValue()), i.GetWeight().GetValue()))
	}
	f.answer(n.IP, int(got.GetCode().GetValue()), got.GetService().GetRevision().GetValue(), list)
}

func shown(service string, port int, weight uint32) int {
	if service == "registry" {
		return int(weight)
	}
	return port
}

// configWith is the configuration of test servers with one text replaced.
func configWith(t *testing.T, old, new string) string {
	t.Helper()
	config, err := os.ReadFile("../../internal/test/polaristest/polaris-server.yaml.tmpl")
	done(t, err)
	if !strings.Contains(string(config), old) {
		t.Fatalf("no %q in the configuration", old)
	}
	return strings.Replace(string(config), old, new, 1)
}

// followers move between the nodes until the returned function is called, which
// tells how many answers they got, and how many of a node that was behind.
func followers(t *testing.T, nodes []node, f *faults) (stop func() (answers, behind int)) {
	quit := make(chan struct{})
	var all sync.WaitGroup
	var clients []*follower
	for _, service := range versioned {
		for _, protocol := range []string{"HTTP", "gRPC"} {
			c := &follower{service: service, name: service + " over " + protocol, on: map[string]int{}, faults: f}
			clients = append(clients, c)
			all.Go(func() {
				for n := 0; ; n++ {
					select {
					case <-quit:
						return
					case <-time.After(40 * time.Millisecond):
					}
					to := nodes[n%len(nodes)]
					if protocol == "HTTP" {
						c.overHTTP(t, to)
					} else {
						c.overGRPC(t, to)
					}
				}
			})
		}
	}
	return func() (answers, behind int) {
		close(quit)
		all.Wait()
		for _, c := range clients {
			answers, behind = answers+c.answers, behind+c.behind
		}
		return answers, behind
	}
}

// reaches waits until a node is at these versions, in the order of versioned.
func reaches(t *testing.T, n node, want string) {
	t.Helper()
	wait(t, func() error {
		var got []string
		for _, service := range versioned {
			f := &follower{service: service, on: map[string]int{}, faults: &faults{}}
			f.overHTTP(t, n)
			got = append(got, strconv.Itoa(f.version))
		}
		if at := strings.Join(got, " "); at != want {
			return fmt.Errorf("%s is at %s, want %s", n.IP, at, want)
		}
		return nil
	})
}

// startsAgain starts a node that has ended, with what it has on disk.
func startsAgain(t *testing.T, n node, o polaristest.Options) node {
	t.Helper()
	o.Binary, o.Replaces = programs.Server, n.Server
	server, err := polaristest.Start(t.Context(), n.On(o))
	done(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s, again: %s", n.IP, server.Log())
		}
		done(t, server.Kill())
	})
	console, err := polaristest.Login(t.Context(), server)
	done(t, err)
	return node{server, n.Node, console}
}

// A node that cannot reach the database falls behind; a client that comes from
// the other node gets its older list, but what one node decides never goes
// back: not while it is cut off, nor when it is mended, restarted, or restarted
// where its files in the config center cannot be read, or are older ones.
func TestANodeBehindNeverGoesBack(t *testing.T) {
	t.Parallel()
	c := cluster(t)
	text := configWith(t, "conf/routing/*.yaml", `conf/routing/*.yaml, "`+releasedFile+`"`)
	o := polaristest.Options{Config: text, Files: map[string]string{
		"conf/mapping/all.yaml": mappingAt(1), "conf/mapping/none.csv": "match,set\n", "conf/routing/all.yaml": rulesAt(1),
	}}
	first, behind := join(t, c, o), join(t, c, o)
	file := polaristest.ConfigFile{Namespace: "default", Group: "rules", Name: "release.yaml"}
	release := func(version int) {
		done(t, first.Publish(t.Context(), file, fmt.Sprint("r", version), releaseAt(version)))
	}
	change := func(version int) {
		done(t, first.Update(t.Context(), recordAt(version)))
		release(version)
		for _, n := range []node{first, behind} {
			done(t, n.WriteFile("conf/routing/all.yaml", rulesAt(version)))
			done(t, n.WriteFile("conf/mapping/all.yaml", mappingAt(version)))
		}
	}
	done(t, first.Register(t.Context(), append(steps(), recordAt(1))...))
	release(1)
	reaches(t, first, "1 1 1 1")
	reaches(t, behind, "1 1 1 1")

	found := &faults{}
	stop := followers(t, []node{first, behind}, found)
	behind.ToDB.Cut()
	change(2)
	reaches(t, first, "2 2 2 2")
	reaches(t, behind, "1 2 1 2")
	behind.ToDB.Mend()
	reaches(t, behind, "2 2 2 2")
	sql(t, c, "create table older like config_file_release; insert into older select * from config_file_release")

	behind.ToDB.Cut()
	change(3)
	reaches(t, first, "3 3 3 3")
	reaches(t, behind, "2 3 2 3")
	done(t, behind.Crash())
	behind.ToDB.Mend()
	restart := polaristest.Options{Config: text}
	behind = startsAgain(t, behind, restart)
	reaches(t, behind, "3 3 3 3")

	// The database is there, and the releases in it cannot be read, or are older
	// ones.
	sql(t, c, "rename table config_file_release to away")
	done(t, behind.Crash())
	behind = startsAgain(t, behind, restart)
	reaches(t, behind, "3 3 3 3")
	sql(t, c, "rename table older to config_file_release")
	nodesSay(t, behind, 1, "is older than", "COPY")
	reaches(t, behind, "3 3 3 3")
	done(t, behind.Crash())
	behind = startsAgain(t, behind, restart)
	nodesSay(t, behind, 1, "is older than", "COPY")
	reaches(t, behind, "3 3 3 3")
	sql(t, c, "rename table config_file_release to older, away to config_file_release")
	change(4)
	reaches(t, first, "4 4 4 4")
	reaches(t, behind, "4 4 4 4")

	answers, older := stop()
	t.Logf("%d answers to clients that moved, %d by an older decision than the other node's", answers, older)
	if older == 0 {
		t.Error("no client came to a node that was behind: the test sees nothing")
	}
	for _, text := range found.text {
		t.Error(text)
	}
}
