package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/polaristest"
)

// startEureka starts a server with the Eureka listener too, at the address. The
// stock listener makes its list anew every so many seconds.
func startEureka(t *testing.T, o polaristest.Options, refresh int) (*polaristest.Server, *polaristest.Console, string) {
	t.Helper()
	return startEurekaAt(t, o, refresh, "127.0.0.1")
}

func startEurekaAt(t *testing.T, o polaristest.Options, refresh int, ip string) (*polaristest.Server, *polaristest.Console, string) {
	t.Helper()
	ln, err := net.Listen("tcp", ip+":0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	_, port, _ := net.SplitHostPort(addr)
	_ = ln.Close()
	o.Config = replacedConfig(t, "  - name: set-admin", `  - name: service-eureka
    option: {listenIP: "`+ip+`", listenPort: `+port+`, namespace: default, refreshInterval: `+strconv.Itoa(refresh)+`, deltaExpireInterval: 60}
    api: {eureka: {enable: true}}
  - name: set-admin`)
	server, console := start(t, o)
	wait(t, func() error {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			_ = conn.Close()
		}
		return err
	})
	return server, console, addr
}

// fargo is the program of scripts/clients/eureka.
type fargo struct {
	in  io.WriteCloser
	out *bufio.Reader
}

// startFargo builds and starts the program.
func startFargo(t *testing.T) *fargo {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "eureka")
	if out, err := exec.Command("go", "build", "-C", "../../scripts/clients/eureka", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.CommandContext(t.Context(), binary)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	return &fargo{in, bufio.NewReader(out)}
}

func (f *fargo) do(t *testing.T, command map[string]any) map[string][]string {
	t.Helper()
	line, err := json.Marshal(command)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.in.Write(append(line, '\n')); err != nil {
		t.Fatal(err)
	}
	reply, err := f.out.ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Error string
		Apps  map[string][]string
	}
	if err := json.Unmarshal(reply, &got); err != nil || got.Error != "" {
		t.Fatalf("%s: %s %v", line, got.Error, err)
	}
	for _, hosts := range got.Apps {
		slices.Sort(hosts)
	}
	return got.Apps
}

// add makes a caller that the server sees at source.
func (f *fargo) add(t *testing.T, name string, source netip.Addr, addr string, json bool) {
	t.Helper()
	relay, err := polaristest.NewRelay(source, addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = relay.Close() })
	f.do(t, map[string]any{"add": name, "server": "http://" + relay.Addr + "/eureka", "json": json})
}

// eventually waits until an answer has these hosts of an application.
func (f *fargo) eventually(t *testing.T, command map[string]any, app string, want ...string) {
	t.Helper()
	wait(t, func() error {
		if got := f.do(t, command)[app]; !slices.Equal(got, want) {
			return fmt.Errorf("%v: %s has %v, want %v", command, app, got, want)
		}
		return nil
	})
}

// never is a refresh interval: the stock listener keeps its first list.
const never = 3600

// Real Eureka clients get their SET's instances, with every query, and follow
// changes of instances, rules and mapping at their next poll, also where the
// stock listener does not show the change yet.
func TestEurekaClientsGetTheirLists(t *testing.T) {
	server, console, addr := startEureka(t, polaristest.Options{}, never)
	registerNovel(t, console, "Novel")
	register(t, console, instance("stock", "10.11.0.1", "qb.novel.h"), instance("stock", "10.12.0.1", "qb.novel.z"))
	write(t, server, "conf/routing/routing.yaml", strings.ReplaceAll(routing, "default/novel*", "default/Novel*"))
	eventually(t, server, polaristest.Request{Source: shanghai, Service: "Novel"}, "10.11.0.1")
	eventually(t, server, polaristest.Request{Source: shanghai, Service: "stock"}, "10.11.0.1", "10.12.0.1")

	clients := startFargo(t)
	all := []string{"10.11.0.1", "10.12.0.1", "10.13.0.1", "10.14.0.1"}
	callers := []struct {
		name string
		at   netip.Addr
		json bool
		want []string
	}{
		{"shanghai", shanghai, false, []string{"10.11.0.1"}},
		{"shenzhen", shenzhen, true, []string{"10.12.0.1"}},
		{"stranger", stranger, false, all},
	}
	for _, c := range callers {
		clients.add(t, c.name, c.at, addr, c.json)
		for _, query := range []map[string]any{
			{"get": c.name, "app": "novel"}, {"apps": c.name}, {"vip": c.name, "app": "NOVEL"},
		} {
			clients.eventually(t, query, "NOVEL", c.want...)
		}
		clients.eventually(t, map[string]any{"apps": c.name}, "STOCK", "10.11.0.1", "10.12.0.1")
	}

	isolate := func(isolated bool) {
		t.Helper()
		if err := console.Isolate(t.Context(), "default", "Novel", "10.11.0.1", isolated); err != nil {
			t.Fatal(err)
		}
	}
	poll := map[string]any{"get": "shanghai", "app": "novel"}
	isolate(true)
	clients.eventually(t, poll, "NOVEL", "10.13.0.1")
	isolate(false)
	clients.eventually(t, poll, "NOVEL", "10.11.0.1")
	register(t, console, instance("Novel", "10.15.0.1", "qb.novel.h"))
	clients.eventually(t, poll, "NOVEL", "10.11.0.1", "10.15.0.1")
	write(t, server, "conf/mapping/mapping.yaml", strings.Replace(mapping, "set: qb.novel.h", "set: ams.SH.1", 1))
	clients.eventually(t, poll, "NOVEL", "10.14.0.1")
	write(t, server, "conf/mapping/mapping.yaml", mapping)
	clients.eventually(t, poll, "NOVEL", "10.11.0.1", "10.15.0.1")
	write(t, server, "conf/routing/routing.yaml",
		strings.Replace(strings.ReplaceAll(routing, "default/novel*", "default/Novel*"), "set: {}", "set: {tiers: [pool]}", 1))
	clients.eventually(t, poll, "NOVEL", "10.13.0.1")
	clients.eventually(t, map[string]any{"get": "shenzhen", "app": "novel"}, "NOVEL", "10.13.0.1")
}

// What Eureka clients register and see of each other. This client can register
// as JSON, but does not read as JSON the ports that the stock listener has of
// Eureka instances.
func TestEurekaRegistrationPasses(t *testing.T) {
	server, _, addr := startEureka(t, polaristest.Options{Files: map[string]string{"conf/mapping/callee.yaml": `
version: 1
mappings:
  - {match: 10.31.0.1, set: qb.novel.h}
  - {match: 10.32.0.1, set: qb.novel.z}
`}}, 1)
	clients := startFargo(t)
	clients.add(t, "registers as JSON", shanghai, addr, true)
	clients.add(t, "shanghai", shanghai, addr, false)
	clients.add(t, "shenzhen", shenzhen, addr, false)
	clients.do(t, map[string]any{"register": "registers as JSON", "app": "NOVEL", "host": "10.31.0.1"})
	clients.do(t, map[string]any{"register": "shenzhen", "app": "NOVEL", "host": "10.32.0.1"})
	clients.eventually(t, map[string]any{"get": "shanghai", "app": "NOVEL"}, "NOVEL", "10.31.0.1")
	clients.eventually(t, map[string]any{"get": "shenzhen", "app": "NOVEL"}, "NOVEL", "10.32.0.1")
	eventually(t, server, polaristest.Request{Source: shenzhen, Service: "novel"}, "10.32.0.1")
}

// reply is what a listener answered, with what changes from one answer to the
// next left out.
type reply struct {
	status int
	header http.Header
	body   string
}

var listed = regexp.MustCompile(`10\.\d+\.0\.1`)

// hosts are those in the body, each once.
func (r reply) hosts() []string {
	out := listed.FindAllString(r.body, -1)
	slices.Sort(out)
	return slices.Compact(out)
}

// asker asks a listener from a source address, over connections that it keeps.
type asker struct {
	t      *testing.T
	client http.Client
}

func askerAt(t *testing.T, source netip.Addr) *asker {
	transport := &http.Transport{DisableCompression: true}
	if source.IsValid() {
		transport.DialContext = (&net.Dialer{LocalAddr: &net.TCPAddr{IP: source.AsSlice()}}).DialContext
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &asker{t, http.Client{Transport: transport}}
}

func (a *asker) ask(method, url string, header ...string) reply {
	a.t.Helper()
	req, err := http.NewRequestWithContext(a.t.Context(), method, url, nil)
	if err != nil {
		a.t.Fatal(err)
	}
	for pair := range slices.Chunk(header, 2) {
		req.Header.Set(pair[0], pair[1])
	}
	resp, err := a.client.Do(req)
	if err != nil {
		a.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	resp.Header.Del("Date")
	return reply{resp.StatusCode, resp.Header, string(body)}
}

// stockEureka is the address of the stock listener behind the front.
func stockEureka(t *testing.T, server *polaristest.Server) string {
	t.Helper()
	var inner string
	wait(t, func() error {
		found := regexp.MustCompile(`"stock":\s*"([0-9.:]+)"`).FindStringSubmatch(server.Log())
		if found == nil {
			return errorf("the log does not tell the stock listener's address")
		}
		inner = found[1]
		return nil
	})
	return inner
}

// Where nothing is routed the front sends what the stock listener sends, byte
// for byte, errors and redirects too.
func TestEurekaWithoutRuleIsStock(t *testing.T) {
	server, console, addr := startEureka(t, polaristest.Options{Files: map[string]string{
		"conf/routing/routing.yaml": strings.Replace(routing, "set: {}", "set: {}, rollout: {percent: 0}", 1),
	}}, 1)
	inner := stockEureka(t, server)
	register(t, console, polaristest.Instance{Namespace: "default", Service: "novel", ID: "i-1", Host: "10.11.0.1", Port: 80, Healthy: true})
	registerNovel(t, console, "novel-a")
	caller := askerAt(t, shanghai)
	wait(t, func() error {
		if got := caller.ask("GET", "http://"+inner+"/eureka/apps").hosts(); len(got) != 4 {
			return fmt.Errorf("the stock listener has %v", got)
		}
		return nil
	})
	paths := []string{
		"/eureka/apps", "/eureka/apps/", "/eureka/v2/apps", "/eureka/v1/apps/delta", "/eureka/apps/delta", "/eureka/apps/novel",
		"/eureka/apps/NOVEL/", "/eureka/apps/novel/i-1", "/eureka/instances/i-1", "/eureka/vips/novel", "/eureka/svips/novel",
		"/eureka/apps/nothing", "/eureka/apps/novel/nothing", "/eureka/instances/nothing", "/eureka//apps", "/other", "/",
	}
	for _, path := range paths {
		for _, accept := range []string{"application/json", "application/xml", "application/json, text/plain", "*/*", ""} {
			for _, method := range []string{"GET", "HEAD", "OPTIONS"} {
				header := []string{"Accept", accept, "Accept-Encoding", "gzip"}
				// The stock listener makes its answers anew each second, in no
				// certain order: compare with those of one moment.
				wait(t, func() error {
					before := caller.ask(method, "http://"+inner+path, header...)
					got := caller.ask(method, "http://"+addr+path, header...)
					after := caller.ask(method, "http://"+inner+path, header...)
					if fmt.Sprint(before) != fmt.Sprint(after) || fmt.Sprint(got) != fmt.Sprint(before) {
						return fmt.Errorf("%s %s, Accept %q:\n%v\nstock:\n%v\n%v", method, path, accept, got, before, after)
					}
					return nil
				})
			}
		}
	}
}

// Every query is filtered, in both formats, with the hashcode of what is sent,
// and the caller is the peer, or whom a trusted proxy names.
func TestEurekaQueries(t *testing.T) {
	server, console, addr := startEureka(t, polaristest.Options{TrustedProxies: []string{proxy.String()}}, 1)
	inner := stockEureka(t, server)
	caller := askerAt(t, shanghai)
	for n, set := range []string{"qb.novel.h", "qb.novel.z"} {
		i := instance("novel", fmt.Sprintf("10.1%d.0.1", n+1), set)
		i.ID = "i-" + strconv.Itoa(n+1)
		register(t, console, i)
	}
	eventually(t, server, polaristest.Request{Source: shanghai, Service: "novel"}, "10.11.0.1")
	wait(t, func() error {
		if got := caller.ask("GET", "http://"+inner+"/eureka/apps/NOVEL").hosts(); len(got) != 2 {
			return fmt.Errorf("the stock listener has %v", got)
		}
		return nil
	})
	tests := []struct {
		path   string
		status int
		want   []string
	}{
		{"/eureka/apps", 200, []string{"10.11.0.1"}}, {"/eureka/v2/apps/", 200, []string{"10.11.0.1"}},
		{"/eureka/apps/novel", 200, []string{"10.11.0.1"}}, {"/eureka/vips/novel", 200, []string{"10.11.0.1"}},
		{"/eureka/apps/novel/i-1", 200, []string{"10.11.0.1"}}, {"/eureka/apps/novel/i-2", 404, nil},
		{"/eureka/instances/i-1", 200, []string{"10.11.0.1"}}, {"/eureka/instances/i-2", 404, nil},
		{"/eureka/apps/delta", 200, nil},
	}
	for _, tt := range tests {
		for _, accept := range []string{"application/json", "application/xml"} {
			r := caller.ask("GET", "http://"+addr+tt.path, "Accept", accept, "Accept-Encoding", "gzip", "X-Forwarded-For", "127.2.0.1")
			if r.status != tt.status || !slices.Equal(r.hosts(), tt.want) {
				t.Errorf("%s as %s: %d %v, want %d %v", tt.path, accept, r.status, r.hosts(), tt.status, tt.want)
			}
			if tt.status == 200 && r.header.Get("Content-Length") != strconv.Itoa(len(r.body)) {
				t.Errorf("%s as %s: %v with %d bytes", tt.path, accept, r.header, len(r.body))
			}
			if tt.status == 404 {
				want := caller.ask("GET", "http://"+inner+"/eureka/apps/nothing", "Accept", accept)
				if fmt.Sprint(r) != fmt.Sprint(want) {
					t.Errorf("%s as %s: %v, want %v", tt.path, accept, r, want)
				}
			}
		}
	}
	full := caller.ask("GET", "http://"+addr+"/eureka/apps", "Accept", "application/json").body
	if !strings.Contains(full, `"apps__hashcode":"UP_1_"`) {
		t.Errorf("the hashcode is not of what is sent: %s", full)
	}
	for _, c := range []struct {
		source netip.Addr
		via    string
		want   []string
	}{
		{proxy, "127.2.0.1", []string{"10.12.0.1"}},
		{proxy, "127.1.0.1", []string{"10.11.0.1"}},
		{shenzhen, "127.1.0.1", []string{"10.12.0.1"}},
	} {
		got := askerAt(t, c.source).ask("GET", "http://"+addr+"/eureka/apps/novel", "X-Forwarded-For", c.via).hosts()
		if !slices.Equal(got, c.want) {
			t.Errorf("%s via %q: %v, want %v", c.source, c.via, got, c.want)
		}
	}
}

func TestEurekaOverIPv6(t *testing.T) {
	_, console, addr := startEurekaAt(t, polaristest.Options{}, 1, "[::1]")
	registerNovel(t, console, "novel")
	caller := askerAt(t, netip.Addr{})
	wait(t, func() error {
		if got := caller.ask("GET", "http://"+addr+"/eureka/apps/novel").hosts(); !slices.Equal(got, []string{"10.12.0.1"}) {
			return fmt.Errorf("got %v", got)
		}
		return nil
	})
}

// deltaClient does with /apps/delta what the Java client does: it applies the
// delta, and where its own hashcode is another one it fetches all.
type deltaClient struct {
	*asker
	url  string
	apps map[string]map[string]string // status by application and host
	full int                          // fetches of all
}

func (c *deltaClient) poll() {
	c.t.Helper()
	if c.apps == nil {
		c.fetch("")
	} else if theirs, own := c.fetch("/delta"), c.hashcode(); theirs != own {
		c.fetch("")
	}
}

func (c *deltaClient) fetch(path string) (hashcode string) {
	c.t.Helper()
	var all struct {
		Applications struct {
			Hashcode    string `json:"apps__hashcode"`
			Application []struct {
				Name     string
				Instance []struct{ IPAddr, Status, ActionType string }
			}
		}
	}
	body := c.ask("GET", c.url+"/apps"+path, "Accept", "application/json").body
	if err := json.Unmarshal([]byte(body), &all); err != nil {
		c.t.Fatal(err)
	}
	if path == "" {
		c.apps = map[string]map[string]string{}
		c.full++
	}
	for _, app := range all.Applications.Application {
		if c.apps[app.Name] == nil {
			c.apps[app.Name] = map[string]string{}
		}
		for _, i := range app.Instance {
			c.apps[app.Name][i.IPAddr] = i.Status
			if path != "" && i.ActionType == "DELETED" {
				delete(c.apps[app.Name], i.IPAddr)
			}
		}
	}
	return all.Applications.Hashcode
}

func (c *deltaClient) hashcode() string {
	counts := map[string]int{}
	for _, app := range c.apps {
		for _, status := range app {
			counts[status]++
		}
	}
	var b strings.Builder
	for _, status := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(&b, "%s_%d_", status, counts[status])
	}
	return b.String()
}

// A client of deltas ends with its list, also when only a rule changes and the
// counts in the hashcode stay; one that is not routed fetches all only once.
func TestEurekaDelta(t *testing.T) {
	server, console, addr := startEureka(t, polaristest.Options{}, 1)
	registerNovel(t, console, "novel")
	routed := &deltaClient{asker: askerAt(t, shanghai), url: "http://" + addr + "/eureka"}
	other := &deltaClient{asker: askerAt(t, stranger), url: "http://" + addr + "/eureka/v2"}
	follow := func(c *deltaClient, want ...string) {
		t.Helper()
		wait(t, func() error {
			c.poll()
			if got := slices.Sorted(maps.Keys(c.apps["NOVEL"])); !slices.Equal(got, want) {
				return fmt.Errorf("a client of deltas has %v, want %v", got, want)
			}
			return nil
		})
	}
	all := []string{"10.11.0.1", "10.12.0.1", "10.13.0.1", "10.14.0.1"}
	follow(other, all...)
	follow(routed, "10.11.0.1")
	fetched := other.full
	for range 3 {
		follow(other, all...)
	}
	if other.full != fetched {
		t.Errorf("a client that is not routed fetched all %d times more", other.full-fetched)
	}
	write(t, server, "conf/routing/routing.yaml", strings.Replace(routing, "set: {}", "set: {tiers: [pool]}", 1))
	follow(routed, "10.13.0.1")
	write(t, server, "conf/routing/routing.yaml", strings.Replace(routing, "set: {}", "set: {}, rollout: {percent: 0}", 1))
	follow(routed, all...)
	write(t, server, "conf/routing/routing.yaml", routing)
	follow(routed, "10.11.0.1")
}
