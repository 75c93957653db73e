package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// startNacosServer starts a server with the Nacos listener too, and returns its address
// over HTTP.
func startNacosServer(t *testing.T, o polaristest.Options, options string) (*polaristest.Server, *polaristest.Console, string) {
	t.Helper()
	port := strconv.Itoa(polaristest.FreePortPair())
	if o.Config == "" {
		o.Config = polaristest.Config()
	}
	o.Config = strings.Replace(o.Config, "  - name: set-admin", "  - {name: service-nacos, option: {listenIP: 127.0.0.1, listenPort: "+port+options+"}}\n  - name: set-admin", 1)
	server, console := start(t, o)
	addr := "127.0.0.1:" + port
	wait(t, func() error {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			_ = conn.Close()
		}
		return err
	})
	return server, console, addr
}

// nacosCaller asks over HTTP, as a client of Nacos 1 at an address.
type nacosCaller struct {
	t    *testing.T
	at   netip.Addr
	addr string
}

// send sends a request. Without a kind it has no content type.
func (c nacosCaller) send(method, path, kind, body string, header ...string) (status int, answer string) {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, "http://"+c.addr+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	for n := 0; n+1 < len(header); n += 2 {
		req.Header.Set(header[n], header[n+1])
	}
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: c.at.AsSlice()}}
	client := &http.Client{Transport: &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return resp.StatusCode, strings.TrimSpace(string(text))
}

// ok sends a request that must have this answer.
func (c nacosCaller) ok(method, path, kind, body, want string) {
	c.t.Helper()
	if status, text := c.send(method, path, kind, body); status != http.StatusOK || text != want {
		c.t.Fatalf("%s %s: %d %s", method, path, status, text)
	}
}

// nacosList is a list as clients of Nacos 1 read it.
type nacosList struct {
	Name, GroupName, Clusters string
	LastRefTime               int64
	Hosts                     []nacosHost
}

type nacosHost struct {
	IP                          string
	Port                        int
	Weight                      float64
	Healthy, Enabled, Ephemeral bool
	ClusterName, ServiceName    string
	Metadata                    map[string]string
}

func (l nacosList) ips() []string {
	out := []string{}
	for _, h := range l.Hosts {
		out = append(out, h.IP)
	}
	slices.Sort(out)
	return out
}

func (c nacosCaller) list(query string) (list nacosList, err error) {
	c.t.Helper()
	status, text := c.send("GET", "/nacos/v1/ns/instance/list?"+query, "", "")
	if status != http.StatusOK {
		return list, fmt.Errorf("%d %s", status, text)
	}
	return list, json.Unmarshal([]byte(text), &list)
}

// has waits until a list has these addresses.
func (c nacosCaller) has(query string, want ...string) (list nacosList) {
	c.t.Helper()
	wait(c.t, func() (err error) {
		if list, err = c.list(query); err == nil && !slices.Equal(list.ips(), want) {
			err = fmt.Errorf("%s: %v, want %v", query, list.ips(), want)
		}
		return err
	})
	return list
}

// The queries that clients send, recorded.
const (
	javaQuery   = "healthyOnly=false&namespaceId=public&clientIP=127.2.0.1&serviceName=DEFAULT_GROUP%40%40novel&udpPort=0&encoding=UTF-8&clusters="
	pythonQuery = "serviceName=DEFAULT_GROUP%40%40novel&healthyOnly=True&namespaceId="
	goQuery     = "clusters=&groupName=DEFAULT_GROUP&healthyOnly=false&namespaceId=public&serviceName=DEFAULT_GROUP%40%40novel"
)

// Clients of Nacos 1 get their SET's instances, whatever they say of themselves, and follow
// changes of instances and mapping. Services without rules are as they are.
func TestNacosHTTPLists(t *testing.T) {
	server, console, addr := startNacosServer(t, polaristest.Options{TrustedProxies: []string{proxy.String()}}, "")
	registerNovel(t, console, "novel")
	registerNovel(t, console, "G__novel")
	registerNovel(t, console, "plain")
	all := []string{"10.11.0.1", "10.12.0.1", "10.13.0.1", "10.14.0.1"}
	sh, sz := nacosCaller{t, shanghai, addr}, nacosCaller{t, shenzhen, addr}
	for _, query := range []string{javaQuery, pythonQuery, goQuery} {
		sh.has(query, "10.11.0.1")
		sz.has(query, "10.12.0.1")
	}
	sh.has("serviceName=plain", all...)
	nacosCaller{t, stranger, addr}.has(goQuery, all...)
	first := sh.has("serviceName=novel&clusters=DEFAULT,B", "10.11.0.1")
	second := sh.has("serviceName=novel&clusters=DEFAULT,B", "10.11.0.1")
	if first.Clusters != "DEFAULT,B" || first.Name != "DEFAULT_GROUP@@novel" || second.LastRefTime <= first.LastRefTime || time.Since(time.UnixMilli(first.LastRefTime)).Abs() > time.Minute {
		t.Errorf("two lists: %+v, %+v", first, second)
	}
	if h := first.Hosts[0]; h.Weight != 100 || !h.Healthy || !h.Enabled || h.ClusterName != "DEFAULT" || h.Metadata["internal-set-name"] != "qb.novel.h" {
		t.Errorf("host: %+v", h)
	}
	sh.has("serviceName=novel&clusters=B")
	sh.has("serviceName=novel&groupName=G", all...) // `default/novel*` is not for G__novel

	if err := console.Isolate(t.Context(), "default", "novel", "10.11.0.1", true); err != nil {
		t.Fatal(err)
	}
	sh.has(goQuery, "10.13.0.1")
	sz.has(goQuery, "10.12.0.1")
	if err := console.Isolate(t.Context(), "default", "novel", "10.11.0.1", false); err != nil {
		t.Fatal(err)
	}
	sh.has(goQuery, "10.11.0.1")
	write(t, server, "conf/mapping/mapping.yaml", strings.Replace(mapping, "set: qb.novel.h", "set: ams.SH.1", 1))
	sh.has(goQuery, "10.14.0.1")

	behind := nacosCaller{t, proxy, addr}
	path := "/nacos/v1/ns/instance/list?serviceName="
	if status, text := behind.send("GET", path+"novel", "", "", "X-Forwarded-For", shenzhen.String()); status != 200 || !strings.Contains(text, "10.12.0.1") || strings.Contains(text, "10.14.0.1") {
		t.Errorf("by a proxy: %d %s", status, text)
	}
	if status, text := behind.send("GET", path+"novel", "", "", "X-Forwarded-For", "nobody"); status != 503 || text != "the server gives no list, see its log" {
		t.Errorf("a caller that cannot be told: %d %s", status, text)
	}
	if status, text := behind.send("GET", path+"plain", "", "", "X-Forwarded-For", "nobody"); status != 200 || !strings.Contains(text, "10.14.0.1") {
		t.Errorf("the same, of a service without a rule: %d %s", status, text)
	}
	if status, text := sh.send("GET", path+"novel", "", "", "X-Forwarded-For", shenzhen.String()); status != 200 || strings.Contains(text, "10.12.0.1") {
		t.Errorf("who is no proxy: %d %s", status, text)
	}
}

// What a rule says is what Nacos clients get: lane addresses, shares as weights, and lists
// that are empty.
func TestNacosHTTPRules(t *testing.T) {
	server, console, addr := startNacosServer(t, polaristest.Options{}, "")
	registerNovel(t, console, "novel")
	register(t, console, instance("lanes", "10.15.0.1", "epp.core.bj"), instance("lanes", "10.16.0.1", "epp.query.bj"))
	sh := nacosCaller{t, shanghai, addr}
	sh.has("serviceName=lane", "10.15.0.1")
	sh.has("serviceName=lanes", "10.15.0.1", "10.16.0.1")
	sh.has("serviceName=lane-nowhere")
	sh.has(goQuery, "10.11.0.1")
	write(t, server, "conf/routing/routing.yaml", strings.Replace(routing, "set: {}", "set: {}, rollout: {percent: 70, by: weight}", 1))
	shares := sh.has(goQuery, "10.11.0.1", "10.12.0.1", "10.13.0.1", "10.14.0.1")
	all, own := 0.0, 0.0
	for _, h := range shares.Hosts {
		all += h.Weight
		if h.IP == "10.11.0.1" {
			own += h.Weight
		}
	}
	if share := own / all; share < 0.77 || share > 0.78 { // 1/4 by itself, and 70% of the rest
		t.Errorf("the own instance has %.3f of the weight: %+v", share, shares.Hosts)
	}
	write(t, server, "conf/routing/routing.yaml", strings.Replace(routing, "set: {}", "set: {caller: qb.other.x, tiers: [own]}", 1))
	empty := sh.has(goQuery)
	if empty.Hosts == nil || empty.Name != "DEFAULT_GROUP@@novel" {
		t.Errorf("an empty list: %+v", empty)
	}
}

// Behind a balancer that sends PROXY headers the caller is who the header says.
func TestNacosHTTPProxyProtocol(t *testing.T) {
	_, console, addr := startNacosServer(t, polaristest.Options{TrustedProxies: []string{proxy.String()}}, ", proxyProtocol: true")
	registerNovel(t, console, "novel")
	nacosCaller{t, shanghai, addr}.has(goQuery, "10.11.0.1") // directly
	ask := func(header string) string {
		t.Helper()
		dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: proxy.AsSlice()}}
		conn, err := dialer.DialContext(t.Context(), "tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, header+"GET /nacos/v1/ns/instance/list?"+goQuery+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		text, _ := io.ReadAll(conn) // the server closes a connection that it refuses
		return string(text)
	}
	if got := ask("PROXY TCP4 127.2.0.1 127.0.0.1 700 8848\r\n"); !strings.Contains(got, "10.12.0.1") || strings.Contains(got, "10.11.0.1") {
		t.Errorf("for Shenzhen: %s", got)
	}
	if got := ask("PROXY UNKNOWN\r\n"); !strings.HasPrefix(got, "HTTP/1.1 503 ") {
		t.Errorf("for nobody: %s", got)
	}
	if got := ask(""); got != "" {
		t.Errorf("without a header: %s", got)
	}
}

// With auth on, a client registers with the token that it logs in with, and lists need none.
func TestNacosHTTPAuth(t *testing.T) {
	config := strings.Replace(polaristest.Config(), "clientOpen: false", "clientOpen: true, clientStrict: true", 1)
	_, console, addr := startNacosServer(t, polaristest.Options{Config: config}, "")
	registerNovel(t, console, "novel")
	sh := nacosCaller{t, shanghai, addr}
	const path = "/nacos/v1/ns/instance?ip=10.31.0.1&port=80&serviceName=plain&ephemeral=false"
	for _, c := range []struct {
		name, method, path, body string
		status                   int
	}{
		{"a wrong password", "POST", "/nacos/v1/auth/login?username=u", "password=nacos", 403},
		{"a token", "POST", "/nacos/v1/auth/users/login?username=u", "password=" + console.Token(), 200},
		{"registering without a token", "POST", path, "", 403},
		{"with another", "POST", path + "&accessToken=nacos", "", 403},
		{"with the token", "POST", path + "&accessToken=" + url.QueryEscape(console.Token()), "", 200},
	} {
		if c.body != "" {
			name, value, _ := strings.Cut(c.body, "=")
			c.body = name + "=" + url.QueryEscape(value)
		}
		if status, text := sh.send(c.method, c.path, "", c.body); status != c.status {
			t.Errorf("%s: %d %s", c.name, status, text)
		}
	}
	sh.has("serviceName=plain", "10.31.0.1")
	sh.has(goQuery, "10.11.0.1")
}

// What clients of Nacos 1 register is as they said, and persistent instances stay. Each
// registers as it really does: Go in a form, Python and Node without a content type.
func TestNacosHTTPRegistrations(t *testing.T) {
	server, _, addr := startNacosServer(t, polaristest.Options{}, "")
	sh, sz := nacosCaller{t, shanghai, addr}, nacosCaller{t, shenzhen, addr}
	const path, form = "/nacos/v1/ns/instance", "application/x-www-form-urlencoded"
	sh.ok("POST", path, form+";charset=UTF-8", "clusterName=A&enable=true&ephemeral=true&groupName=DEFAULT_GROUP&healthy=true&ip=10.31.0.1&metadata=%7B%22internal-set-name%22%3A%22qb.novel.h%22%2C%22v%22%3A%221%22%7D&namespaceId=public&port=8080&serviceName=DEFAULT_GROUP%40%40novel&weight=0.5", "ok")
	sh.ok("POST", path+"?ip=10.32.0.1&port=8080&serviceName=DEFAULT_GROUP%40%40novel&weight=1.0&enable=True&healthy=True&clusterName=None&ephemeral=False&groupName=DEFAULT_GROUP&metadata=internal-set-name=qb.novel.z", "", "", "ok")
	own := sh.has("serviceName=novel", "10.31.0.1")
	if h := own.Hosts[0]; h.Weight != 0.5 || h.ClusterName != "A" || !h.Ephemeral || len(h.Metadata) != 3 || h.Metadata["v"] != "1" || h.Port != 8080 {
		t.Errorf("registered, and comes back as %+v", h)
	}
	sz.has("serviceName=novel", "10.32.0.1")
	eventually(t, server, polaristest.Request{Source: shanghai, Service: "novel"}, "10.31.0.1")

	beat := "/nacos/v1/ns/instance/beat?serviceName=DEFAULT_GROUP%40%40novel&port=8080&ip="
	const taken, notFound = `{"clientBeatInterval":5000,"code":10200,"lightBeatEnabled":true}`, `{"clientBeatInterval":5000,"code":20404,"lightBeatEnabled":true}`
	sh.ok("PUT", beat+"10.31.0.1", "", "", taken)
	sh.ok("PUT", beat+"10.32.0.1", "", "", taken)
	wait(t, func() error { // Polaris says so after some heartbeats
		if _, text := sh.send("PUT", beat+"10.39.0.1", "", ""); text != notFound {
			return fmt.Errorf("a heartbeat of an instance that is not registered: %s", text)
		}
		return nil
	})
	wait(t, func() error { // nobody sends more heartbeats
		list, err := sh.list("serviceName=novel")
		if err == nil && (len(list.Hosts) != 1 || list.Hosts[0].Healthy) {
			err = fmt.Errorf("the instance without heartbeats: %+v", list.Hosts)
		}
		return err
	})
	persistent := sz.has("serviceName=novel", "10.32.0.1")
	if h := persistent.Hosts[0]; !h.Healthy || h.Ephemeral || h.ClusterName != "None" {
		t.Errorf("the persistent one: %+v", h)
	}
	for range 2 { // the second time there is nothing
		sh.ok("DELETE", path+"?ip=10.32.0.1&port=8080&serviceName=DEFAULT_GROUP%40%40novel&ephemeral=false", "", "", "ok")
		sz.has("serviceName=novel")
	}
	sh.ok("GET", "/nacos/v1/ns/service/list?pageNo=1&pageSize=10&groupName=DEFAULT_GROUP", "", "", `{"count":1,"doms":["novel"]}`)
	sh.ok("GET", "/nacos/v1/ns/operator/metrics", "", "", `{"status":"UP"}`)
	sh.ok("POST", "/nacos/v1/auth/login?username=nacos", "", "password=nacos", `{"accessToken":"nacos","globalAdmin":false,"tokenTtl":120,"username":"nacos"}`)
}

// udpClient is where a client of Nacos 1 waits for pushes.
type udpClient struct {
	t    *testing.T
	conn *net.UDPConn
}

func newUDPClient(t *testing.T, at netip.Addr) udpClient {
	t.Helper()
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(at, 0)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return udpClient{t, conn}
}

func (u udpClient) port() string { return strconv.Itoa(u.conn.LocalAddr().(*net.UDPAddr).Port) }

// next waits for a push, and acknowledges the push as Java does.
func (u udpClient) next() nacosList {
	u.t.Helper()
	_ = u.conn.SetReadDeadline(time.Now().Add(polaristest.Patience))
	buffer := make([]byte, 1<<16)
	n, from, err := u.conn.ReadFromUDP(buffer)
	if err != nil {
		u.t.Fatal("no push: ", err)
	}
	packet := buffer[:n]
	if bytes.HasPrefix(packet, []byte("\x1f\x8b")) {
		zipped, err := gzip.NewReader(bytes.NewReader(packet))
		if err != nil {
			u.t.Fatal(err)
		}
		if packet, err = io.ReadAll(zipped); err != nil {
			u.t.Fatal(err)
		}
	}
	var push struct {
		Type, Data  string
		LastRefTime int64
	}
	var list nacosList
	if err := json.Unmarshal(packet, &push); err != nil || push.Type != "dom" || json.Unmarshal([]byte(push.Data), &list) != nil || list.LastRefTime != push.LastRefTime {
		u.t.Fatalf("pushed %s", packet)
	}
	ack := fmt.Sprintf(`{"type":"push-ack","lastRefTime":"%d","data":""}`, push.LastRefTime)
	if _, err := u.conn.WriteToUDP([]byte(ack), from); err != nil {
		u.t.Fatal(err)
	}
	return list
}

// A push comes when the caller's list changes, and not when others' do. Nothing is sent to an
// address that a client names.
func TestNacosUDPPush(t *testing.T) {
	_, console, addr := startNacosServer(t, polaristest.Options{}, "")
	registerNovel(t, console, "novel")
	sh, sz := newUDPClient(t, shanghai), newUDPClient(t, shenzhen)
	query := "serviceName=DEFAULT_GROUP%40%40novel&clusters=&healthyOnly=false&clientIP=" + shenzhen.String() + "&udpPort="
	nacosCaller{t, shanghai, addr}.has(query, "10.11.0.1") // the list has settled
	before := nacosCaller{t, shanghai, addr}.has(query+sh.port(), "10.11.0.1")
	nacosCaller{t, shanghai, addr}.has(query+sz.port(), "10.11.0.1") // Shenzhen's port, by another
	isolate := func(host string, isolated bool) {
		t.Helper()
		if err := console.Isolate(t.Context(), "default", "novel", host, isolated); err != nil {
			t.Fatal(err)
		}
	}
	isolate("10.12.0.1", true)
	nacosCaller{t, shenzhen, addr}.has(query, "10.13.0.1")
	isolate("10.11.0.1", true)
	pool := sh.next()
	isolate("10.11.0.1", false)
	own := sh.next()
	if !slices.Equal(pool.ips(), []string{"10.13.0.1"}) || !slices.Equal(own.ips(), []string{"10.11.0.1"}) {
		t.Errorf("pushed %v, then %v", pool.ips(), own.ips())
	}
	if pool.LastRefTime <= before.LastRefTime || own.LastRefTime <= pool.LastRefTime || own.Name != before.Name || own.Clusters != before.Clusters {
		t.Errorf("the list was %+v, pushed was %+v, then %+v", before, pool, own)
	}
	_ = sz.conn.SetReadDeadline(time.Now().Add(time.Millisecond))
	if n, _, err := sz.conn.ReadFromUDP(make([]byte, 1<<16)); err == nil {
		t.Errorf("%d bytes came to the address that another client named", n)
	}
}

// With failOpen: false a fault in routing is status 503, and no push: clients keep what they
// have. When the fault ends, they are pushed what has changed.
func TestNacosHTTPFault(t *testing.T) {
	port := strconv.Itoa(polaristest.FreePortPair())
	config := strings.NewReplacer("sources: [mapping, registry, report]", "sources: [kubernetes, mapping], kubernetes: {}",
		"  - name: set-admin", "  - {name: service-nacos, option: {listenIP: 127.0.0.1, listenPort: "+port+"}}\n  - name: set-admin").Replace(polaristest.Config())
	server, console := startBinary(t, built(t, faultyBinary), polaristest.Options{Config: config, FailClosed: true, Files: map[string]string{
		"conf/routing/routing.yaml": "version: 1\nrules:\n  - {name: novel, service: default/novel*, set: {}, degrade: {holdDown: 0s}}\n",
	}})
	f := &faulty{server, console}
	registerNovel(t, console, "novel")
	sh, waits := nacosCaller{t, shanghai, "127.0.0.1:" + port}, newUDPClient(t, shanghai)
	sh.has(goQuery, groupList...)
	sh.has(goQuery+"&udpPort="+waits.port(), groupList...)
	f.fault(t, true)
	if status, text := sh.send("GET", "/nacos/v1/ns/instance/list?"+goQuery, "", ""); status != http.StatusServiceUnavailable || text != "the server gives no list, see its log" {
		t.Errorf("under the fault: %d %s", status, text)
	}
	f.isolate(t, "novel", true)
	enough := f.faults(t) + 4 // looks for pushes, which fail
	wait(t, func() error {
		if n := f.faults(t); n < enough {
			return errorf("%v faults, want %v", n, enough)
		}
		return nil
	})
	f.fault(t, false)
	if list := waits.next(); !slices.Equal(list.ips(), poolList) {
		t.Errorf("the first push is %v, want %v", list.ips(), poolList)
	}
	sh.has(goQuery, poolList...)
}

// A request that is cut at any byte, and requests that no client sends, do the server
// nothing.
func TestNacosHTTPHostile(t *testing.T) {
	_, console, addr := startNacosServer(t, polaristest.Options{}, "")
	registerNovel(t, console, "novel")
	whole := "POST /nacos/v1/ns/instance?serviceName=cut HTTP/1.1\r\nHost: x\r\nContent-Length: 27\r\n\r\nip=10.31.0.1&port=1&weight=" + "1"
	for n := range len(whole) - 1 {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(conn, whole[:n])
		_ = conn.(*net.TCPConn).CloseWrite()
		_, _ = io.Copy(io.Discard, conn)
		_ = conn.Close()
	}
	sh := nacosCaller{t, shanghai, addr}
	long := strings.Repeat("x", 100_000)
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{"GET", "/nacos/v1/ns/instance/list?serviceName=" + long, "", 400},
		{"GET", "/nacos/v1/ns/instance/list?serviceName=novel&clusters=" + strings.Repeat("A,", 50_000), "", 400},
		{"GET", "/nacos/v1/ns/instance/list?serviceName=novel&udpPort=-1", "", 400},
		{"GET", "/nacos/v1/ns/instance/list?serviceName=%00%ff", "", 400},
		{"GET", "/nacos/v1/ns/instance/list?serviceName=../../x&namespaceId=..", "", 200},
		{"POST", "/nacos/v1/ns/instance?ip=1&port=1&serviceName=s&metadata=" + long, "", 400},
		{"POST", "/nacos/v1/ns/instance", "metadata=" + strings.Repeat("x", 5<<20), 413},
		{"POST", "/nacos/v1/ns/instance?ip=1&port=1&serviceName=" + strings.Repeat("x", 1000), "", 400},
		{"POST", "/nacos/v1/ns/instance?ip=1&port=1&serviceName=s%20s", "", 400},
		{"PUT", "/nacos/v1/ns/instance?ip=10.99.0.1&port=1&serviceName=novel", "", 400},
		{"PUT", "/nacos/v1/ns/instance/beat?serviceName=novel&beat=[[[[", "", 400},
		{"PUT", "/nacos/v1/ns/instance/beat?serviceName=novel&beat=" + strings.Repeat("%5B", 100_000), "", 400},
		{"GET", "/nacos/v1/ns/service/list?pageNo=99999999999999999999&pageSize=1", "", 400},
		{"GET", "/nacos/v1/ns/instance/statuses", "", 404},
	} {
		if status, text := sh.send(c.method, c.path, "", c.body); status != c.status {
			t.Errorf("%s %.80s: %d %.200s", c.method, c.path, status, text)
		}
	}
	for _, path := range []string{ // other writings of the path lead to the caller's list, or nowhere
		"/nacos//v1/ns/instance/list", "//nacos/v1/ns/instance/list", "/nacos/v1/ns/./instance/list", "/nacos/v1/ns/x/../instance/list", "/nacos/v1/ns/instance/list//",
		"/nacos/v1/ns/instance%2Flist", "/nacos/v1/ns/instance/list;x", "/NACOS/v1/ns/instance/list", "/v1/ns/instance/list", "/nacos/v1/cs/configs/../../ns/instance/list",
	} {
		for _, method := range []string{"GET", "HEAD", "POST", "get"} {
			if _, text := sh.send(method, path+"?"+goQuery, "", ""); strings.Contains(text, "10.12.0.1") || strings.Contains(text, "10.14.0.1") {
				t.Errorf("%s %s: %s", method, path, text)
			}
		}
	}
	sh.has(goQuery, "10.11.0.1")
}
