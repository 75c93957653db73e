package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

var grpcXDSBinary = builder("grpc-xds-go", "-C", "../../scripts/clients/grpc-xds-go", ".")

// xdsMapping has the callers and, by their hosts, the instances of default/novel.
const xdsMapping = `
version: 1
mappings:
  - {match: 127.1.0.0/16, region: east, zone: shanghai, set: qb.novel.h}
  - {match: 127.61.1.0/24, region: east, zone: shanghai, set: qb.novel.h}
  - {match: 127.61.2.0/24, region: east, zone: nanjing, set: qb.novel.h}
  - {match: 127.61.3.0/24, region: south, zone: shenzhen, set: "qb.novel.*"}
  - {match: 127.61.4.0/24, region: east, zone: shanghai, set: ams.SH.1}
  - {match: 127.61.5.0/24, region: east, zone: shanghai, set: qb.novel.z}
`

const xdsRouting = `
version: 1
rules:
  - {name: novel, service: default/novel, set: {}, nearby: {}, degrade: {holdDown: 0s}}
`

// The instances of default/novel by their hosts, in the order of the caller's roads, and
// those that are on no road of the caller.
var (
	xdsOwn      = []string{"127.61.1.1", "127.61.1.2"} // its own SET, in its own zone
	xdsNear     = []string{"127.61.2.1"}               // its own SET, in its region
	xdsPool     = []string{"127.61.3.1"}               // the pool, elsewhere
	xdsBusiness = []string{"127.61.4.1"}               // another business, in its zone
	xdsOther    = []string{"127.61.5.1"}               // another SET of its business, in its zone
	xdsAll      = slices.Concat(xdsOwn, xdsNear, xdsPool, xdsBusiness, xdsOther)
)

// mesh is a server with an xDS listener, and the instances of default/novel: each a
// process of its own.
type mesh struct {
	t         *testing.T // processes end with it
	server    *polaristest.Server
	console   *polaristest.Console
	options   polaristest.Options
	xdsAddr   string
	port      int // of all instances
	processes map[string]*exec.Cmd
	inside    []string // the command by which processes run elsewhere, as in a pod
}

// startMesh starts a server and all instances, and registers these.
func startMesh(t *testing.T) *mesh {
	t.Helper()
	port := polaristest.FreePort()
	m := &mesh{t: t, xdsAddr: "127.0.0.1:" + strconv.Itoa(port), port: polaristest.FreePort(), processes: map[string]*exec.Cmd{}}
	m.options = polaristest.Options{
		Files:  map[string]string{"conf/mapping/mapping.yaml": xdsMapping, "conf/routing/routing.yaml": xdsRouting},
		Config: replacedConfig(t, "auth: {user", fmt.Sprintf("  - {name: xds-v3, option: {listenIP: 127.0.0.1, listenPort: %d}}\nauth: {user", port)),
	}
	m.server, m.console = start(t, m.options)
	m.run(t, xdsAll...)
	var list []polaristest.Instance
	for _, host := range xdsAll {
		list = append(list, m.instance(host))
	}
	register(t, m.console, list...)
	return m
}

// instance returns what a host registers. The mapping says its SET and place.
func (m *mesh) instance(host string) polaristest.Instance {
	i := instance("novel", host, "")
	i.Port = m.port
	return i
}

// run starts instances, and waits until they listen.
func (m *mesh) run(t *testing.T, hosts ...string) {
	t.Helper()
	for _, host := range hosts {
		cmd := m.command(built(t, grpcXDSBinary), "serve", net.JoinHostPort(host, strconv.Itoa(m.port)))
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		cmd.Stderr, cmd.SysProcAttr = os.Stderr, polaristest.DieWithParent()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		m.processes[host] = cmd
		m.t.Cleanup(func() {
			_ = in.Close()
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		})
		if line, err := bufio.NewReader(out).ReadString('\n'); err != nil {
			t.Fatalf("%s says %q: %v", host, line, err)
		}
	}
}

// command returns a command that runs where the mesh's processes do.
func (m *mesh) command(args ...string) *exec.Cmd {
	args = slices.Concat(m.inside, args)
	return exec.Command(args[0], args[1:]...)
}

// signal sends a signal to instances. After SIGKILL it waits until they have ended.
func (m *mesh) signal(t *testing.T, s syscall.Signal, hosts ...string) {
	t.Helper()
	for _, host := range hosts {
		if err := m.processes[host].Process.Signal(s); err != nil {
			t.Fatal(err)
		}
	}
	if s == syscall.SIGKILL {
		for _, host := range hosts {
			_ = m.processes[host].Wait()
		}
	}
}

// health says what the registry has of instances.
func (m *mesh) health(t *testing.T, healthy bool, hosts ...string) {
	t.Helper()
	for _, host := range hosts {
		i := m.instance(host)
		i.Healthy = healthy
		if err := m.console.Update(t.Context(), i); err != nil {
			t.Fatal(err)
		}
	}
}

// routing puts routing rules in force.
func (m *mesh) routing(t *testing.T, text string) {
	t.Helper()
	write(t, m.server, "conf/routing/routing.yaml", text)
}

// meshCaller is an unmodified client of xDS that calls default/novel.
type meshCaller struct {
	name    string
	call    func(t *testing.T, times int) served
	hasList bool // the caller is none of xDS: it has a list of the server's
}

// relayTo returns the address by which the server sees a caller as 127.1.0.1.
func (m *mesh) relayTo(t *testing.T) string {
	t.Helper()
	relay, err := polaristest.NewRelay(shanghai, m.xdsAddr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = relay.Close() })
	return relay.Addr
}

// startGRPC starts a program that calls by gRPC's own xDS. The command gets the bootstrap
// file of docs/envoy-grpc.md, and reads commands from its input.
func (m *mesh) startGRPC(t *testing.T, name, target string, command ...string) meshCaller {
	t.Helper()
	bootstrap := filepath.Join(t.TempDir(), "bootstrap.json")
	text := replaced(t, xdsPageBlock(t, "json grpc"), "polaris.example:15010", m.relayTo(t), "10.1.0.1", shanghai.String())
	if err := os.WriteFile(bootstrap, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	in, out := startProgram(t, "env", append([]string{"GRPC_XDS_BOOTSTRAP=" + bootstrap}, command...)...)
	p := &program{in: in, out: bufio.NewScanner(out)}
	return meshCaller{name: name, call: func(t *testing.T, times int) served {
		t.Helper()
		return p.do(t, map[string]any{"call": target, "times": times})
	}}
}

// startGRPCGo starts the program with grpc-go.
func (m *mesh) startGRPCGo(t *testing.T) meshCaller {
	t.Helper()
	return m.startGRPC(t, "grpc-go", "xds:///novel.default", built(t, grpcXDSBinary), "call")
}

// reaches waits until many calls of a caller in a row are served, by these hosts and each
// of them.
func (c meshCaller) reaches(t *testing.T, hosts ...string) {
	t.Helper()
	wait(t, func() error {
		if got := c.call(t, clientCalls); got.Failed > 0 || !slices.Equal(got.hosts(), hosts) {
			return errorf("%s: %+v, want %v", c.name, got, hosts)
		}
		return nil
	})
}

// move is how a caller went from some hosts to others.
type move struct {
	first  time.Duration // from the act to the first call that the new hosts served
	failed int           // calls until then
}

func (m move) String() string {
	text := "no call failed"
	switch {
	case m.failed == 1:
		text = "1 call failed"
	case m.failed > 1:
		text = fmt.Sprintf("%d calls failed", m.failed)
	}
	return fmt.Sprintf("%.2f s, %s", m.first.Seconds(), text)
}

// moves calls one call after the other until the new hosts serve. No call reaches a host
// that is neither one of the new ones nor one of the old ones.
func (c meshCaller) moves(t *testing.T, acted time.Time, from, to []string) (m move) {
	t.Helper()
	for {
		got := c.call(t, 1)
		hosts := got.hosts()
		switch {
		case got.Failed > 0:
			m.failed++
		case len(hosts) != 1 || !slices.Contains(to, hosts[0]) && !slices.Contains(from, hosts[0]):
			t.Fatalf("%s: %+v on the way from %v to %v", c.name, got, from, to)
		case !slices.Contains(from, hosts[0]):
			m.first = time.Since(acted)
			t.Logf("%s, from %v to %v: %s", c.name, from, to, m)
			c.reaches(t, to...)
			return m
		}
		if time.Since(acted) > polaristest.Patience {
			t.Fatalf("%s: %+v, still not at %v; %d calls failed", c.name, got, to, m.failed)
		}
	}
}

// xdsPageBlock returns a fenced block of docs/envoy-grpc.md.
func xdsPageBlock(t *testing.T, kind string) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/envoy-grpc.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(text), "\n```"+kind+"\n")
	block, _, end := strings.Cut(rest, "\n```\n")
	if !ok || !end {
		t.Fatalf("docs/envoy-grpc.md has no block %q", kind)
	}
	return block
}

// replaced replaces texts, which are all there, by pairs of old and new.
func replaced(t *testing.T, text string, pairs ...string) string {
	t.Helper()
	for n := 0; n < len(pairs); n += 2 {
		if !strings.Contains(text, pairs[n]) {
			t.Fatalf("no %q in\n%s", pairs[n], text)
		}
		text = strings.ReplaceAll(text, pairs[n], pairs[n+1])
	}
	return text
}
