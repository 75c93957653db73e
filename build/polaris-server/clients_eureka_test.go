package main

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/polaris-contrib/setrouter/internal/test/needs"
	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// TestClientsEureka runs the newest eureka-client against a real server, with full lists
// and with deltas.
func TestClientsEureka(t *testing.T) {
	t.Parallel()
	runEurekaRows(t, polaristest.EurekaKinds()[1:2])
}

// eurekaCommands has what runs the program of each kind, once it was built.
var eurekaCommands sync.Map

// eurekaCommand builds the program of a kind once, and returns what runs it.
func eurekaCommand(t *testing.T, kind polaristest.EurekaKind) []string {
	t.Helper()
	registry := needs.RegistryMaven
	switch kind.Language {
	case "java":
		needs.Program(t, "javac", "mvn")
	case "python":
		needs.Program(t, needs.PythonVenv)
		registry = needs.RegistryPyPI
	case "node":
		needs.Program(t, "node", "npm")
		registry = needs.RegistryNPM
	}
	once, _ := eurekaCommands.LoadOrStore(kind.String(), sync.OnceValues(func() ([]string, error) {
		clients, err := filepath.Abs("../../scripts/clients")
		if err != nil {
			return nil, err
		}
		dir := filepath.Join(filepath.Dir(serverBinary), "eureka-"+strings.ReplaceAll(kind.String(), " ", "-"))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
		return kind.Build(clients, dir, kind.Version)
	}))
	command, err := once.(func() ([]string, error))()
	needs.Downloaded(t, registry, err)
	return command
}

// eurekaRelay passes the requests of one client on, from an address of its own, and counts
// them. The client is unmodified, and its requests are.
type eurekaRelay struct {
	url          string
	full, deltas atomic.Int64 // polls
}

func newEurekaRelay(t *testing.T, source netip.Addr, addr string) *eurekaRelay {
	t.Helper()
	target := &url.URL{Scheme: "http", Host: addr}
	transport := &http.Transport{DialContext: (&net.Dialer{LocalAddr: &net.TCPAddr{IP: source.AsSlice()}}).DialContext, DisableCompression: true}
	r := &eurekaRelay{}
	proxy := &httputil.ReverseProxy{
		Transport: transport, Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(target) }, ModifyResponse: r.count,
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	server := httptest.NewServer(proxy)
	t.Cleanup(func() { server.CloseClientConnections(); server.Close(); transport.CloseIdleConnections() })
	r.url = server.URL + "/eureka"
	return r
}

func (r *eurekaRelay) count(resp *http.Response) error {
	if resp.Request.Method != http.MethodGet || resp.StatusCode != http.StatusOK {
		return nil
	}
	switch strings.TrimSuffix(resp.Request.URL.Path, "/") {
	case "/eureka/apps":
		r.full.Add(1)
	case "/eureka/apps/delta":
		r.deltas.Add(1)
	}
	return nil
}

// eurekaClient is a running program. It ends with the test.
type eurekaClient struct {
	*polaristest.Eureka
	kind  polaristest.EurekaKind
	mode  string // full or delta
	host  string // of the instance that the client registers
	relay *eurekaRelay

	source netip.Addr // of the client, to the server
	first  int64      // full lists in the first interval
	states int        // before the last call of before
}

func (c *eurekaClient) String() string { return c.kind.String() + ", " + c.mode }

// startEurekaClient starts a program that asks for novel.
func startEurekaClient(t *testing.T, kind polaristest.EurekaKind, mode string, source netip.Addr, addr, app, host string) *eurekaClient {
	t.Helper()
	c := &eurekaClient{kind: kind, mode: mode, host: host, source: source, relay: newEurekaRelay(t, source, addr)}
	asked := "NOVEL"
	if kind.Name == "Spring Cloud" {
		asked = "novel"
	}
	var errs bytes.Buffer
	var err error
	if c.Eureka, err = polaristest.StartEureka(eurekaCommand(t, kind), &errs, t.TempDir(), c.relay.url, asked, mode, app, host, "qb.novel.h"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Close()
		if text := errs.Bytes(); t.Failed() && len(text) > 0 {
			t.Logf("%s printed at last:\n%s", c, text[max(0, len(text)-4000):])
		}
	})
	return c
}

// has waits until the client has the hosts, and returns when it had them. From that moment
// on, it has had nothing but what it had before and the hosts.
func (c *eurekaClient) has(t *testing.T, want []string, from time.Time) (at time.Time) {
	t.Helper()
	wait(t, func() error {
		if c.Ended() {
			t.Fatalf("%s has ended", c)
		}
		states, last := c.States()
		n := len(states) - 1
		if n < 0 || !slices.Equal(states[n].Hosts, want) || last.Before(from) {
			var hosts []string
			if n >= 0 {
				hosts = states[n].Hosts
			}
			return errorf("%s has %v, want %v", c, hosts, want)
		}
		at = states[n].At
		return nil
	})
	return at
}

// before notes what the client had.
func (c *eurekaClient) before() {
	states, _ := c.States()
	c.states = len(states)
}

// hadNothingElse wants that the client has had no list but those before and the one that
// it has.
func (c *eurekaClient) hadNothingElse(t *testing.T) {
	t.Helper()
	if states, _ := c.States(); len(states) > c.states+1 {
		t.Errorf("%s had %v between the two lists", c, states[c.states:])
	}
}

// eurekaTown is a server with a client of each kind and mode in Shanghai, all at once.
type eurekaTown struct {
	dir, config, addr string
	server            *polaristest.Server
	console           *polaristest.Console
	clients           []*eurekaClient
}

// eurekaRow is a row of the table. Rows build on each other.
type eurekaRow struct {
	key, says string
	test      func(t *testing.T, town *eurekaTown) []string // the cell of each client
}

var eurekaRows = []eurekaRow{
	{"own", "Its own group, and no other", eurekaOwn},
	{"pool", "The group is isolated: the pool. The hashcode stays as it was", eurekaPool},
	{"recovery", "The group is back: the group again", eurekaRecovery},
	{"silent", "Instances of another SET come and go: nothing changes", eurekaSilent},
	{"mapping", "The mapping gives the caller another SET: the list of that SET", eurekaMapping},
	{"empty", "The last instance of the list goes: no instance", eurekaEmpty},
	{"refill", "Instances come back: they are there", eurekaRefill},
	{"register", "It registers an instance with a SET: callers of that SET get the instance", eurekaRegister},
	{"fetches", "Full lists that it asked for in all this, after the first interval", eurekaFetches},
	{"restart", "The server is started anew, with another SET for the caller: the list of that SET", eurekaRestart},
}

// runEurekaRows runs the rows with clients of some kinds, and returns the cells of each row.
func runEurekaRows(t *testing.T, kinds []polaristest.EurekaKind) map[string][]string {
	t.Helper()
	for _, kind := range kinds {
		eurekaCommand(t, kind) // all are built before the first is started
	}
	config, addr := withEureka(polaristest.Config(), "127.0.0.1", 1)
	config = strings.Replace(config, "deltaExpireInterval: 60", "deltaExpireInterval: 15", 1)
	town := &eurekaTown{dir: t.TempDir(), config: config, addr: addr}
	town.start(t, mapping)
	registerNovel(t, town.console, "novel")
	eventually(t, town.server, polaristest.Request{Source: shanghai, Service: "novel"}, groupList...)
	for _, kind := range kinds {
		for _, mode := range []string{"full", "delta"} {
			if mode == "delta" || kind.HasFull {
				n := len(town.clients) + 1
				town.clients = append(town.clients, startEurekaClient(t, kind, mode, netip.AddrFrom4([4]byte{127, 1, 7, byte(n)}), addr, "novel-registered", fmt.Sprint("10.31.0.", n)))
			}
		}
	}
	cells := map[string][]string{}
	for _, row := range eurekaRows {
		if !t.Run(row.key, func(t *testing.T) { cells[row.key] = row.test(t, town) }) {
			break
		}
	}
	return cells
}

// start starts the server, anew with what is on disk.
func (town *eurekaTown) start(t *testing.T, mapping string) {
	t.Helper()
	town.server, town.console = start(t, polaristest.Options{Dir: town.dir, Config: town.config, Files: map[string]string{
		"conf/mapping/mapping.yaml": mapping,
		"conf/routing/routing.yaml": "version: 1\nrules:\n  - {name: novel, service: default/novel*, set: {}, degrade: {holdDown: 0s}}\n",
	}})
}

// get does something, and waits until each client has the list. Until then no client may
// have any list but the one before. It returns the seconds of each, from the moment that
// act returns.
func (town *eurekaTown) get(t *testing.T, want []string, act func() time.Time) []string {
	t.Helper()
	for _, c := range town.clients {
		c.before()
	}
	from := act()
	var cells []string
	for _, c := range town.clients {
		at := c.has(t, want, from)
		cells = append(cells, eurekaSeconds(at.Sub(from)))
		c.hadNothingElse(t)
	}
	return cells
}

// eurekaSeconds returns a time as the table has it.
func eurekaSeconds(d time.Duration) string { return fmt.Sprintf("%.1f s", max(0, d.Seconds())) }

// all returns the same cell for all clients.
func (town *eurekaTown) all(cell string) []string {
	return slices.Repeat([]string{cell}, len(town.clients))
}

// isolated takes the instances of novel at hosts out, or back in, and returns the moment
// before.
func (town *eurekaTown) isolated(t *testing.T, isolate bool, hosts ...string) (before time.Time) {
	t.Helper()
	before = time.Now()
	for _, host := range hosts {
		if err := town.console.Isolate(t.Context(), "default", "novel", host, isolate); err != nil {
			t.Fatal(err)
		}
	}
	return before
}
