package main

import (
	"bufio"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// eurekaPaths are the paths whose answers have instances.
var eurekaPaths = []string{
	"/apps", "/apps/", "/apps/delta", "/apps/novel", "/apps/novel/twins", "/instances/twins", "/vips/novel", "/svips/v", "/apps%2Fdelta", "/apps/NOVEL/",
}

// Whoever registers cannot have a list sent that the view does not have: neither by
// metadata that are no XML names, nor by the Eureka id of another's instance. Every
// document can be read.
func TestEurekaHostileRegistrations(t *testing.T) {
	server, console, addr := startEureka(t, polaristest.Options{}, 1)
	for host, set := range map[string]string{"10.11.0.1": "qb.novel.h", "10.12.0.1": "qb.novel.z"} {
		i := instance("novel", host, set)
		for key, value := range map[string]string{
			"app.kubernetes.io/name": "x", "build time": "y", "": "z", "<script>": "&", "@a b": "c", "-class": "d", "@class": "c", "1": "one", "k": "v",
			"internal-eureka-instance-id": "twins", "internal-eureka-secure-vip": "V",
		} {
			i.Metadata[key] = value
		}
		register(t, console, i)
	}
	eventually(t, server, polaristest.Request{Source: shanghai, Service: "novel"}, "10.11.0.1")
	caller := askerAt(t, shanghai)
	for _, root := range []string{"/eureka", "/eureka/v1", "/eureka/v2"} {
		for _, path := range eurekaPaths {
			for _, accept := range []string{"application/json", "application/xml"} {
				r := caller.ask("GET", "http://"+addr+root+path, "Accept", accept)
				want := []string{"10.11.0.1"}
				if strings.HasSuffix(path, "delta") { // the server has just started, and does not know what the client has
					want = nil
				}
				var document struct{ XMLName xml.Name }
				err := xml.Unmarshal([]byte(r.body), &document)
				if accept == "application/json" {
					err = json.Unmarshal([]byte(r.body), &map[string]any{})
				}
				if r.status != http.StatusOK || !slices.Equal(r.hosts(), want) || err != nil {
					t.Errorf("%s%s as %s: %d %v %v, want %v", root, path, accept, r.status, r.hosts(), err, want)
				}
			}
		}
	}
	if r := caller.ask("GET", "http://"+addr+"/eureka/apps/novel", "Accept", "application/xml"); !strings.Contains(r.body, "<k>v</k>") || strings.Contains(r.body, "kubernetes") {
		t.Errorf("the metadata of %s", r.body)
	}
}

// The stock listener, whose answers are everybody's, listens nowhere: the process
// listens where its configuration says.
func TestEurekaListensOnce(t *testing.T) {
	server, _, addr := startEureka(t, polaristest.Options{}, 1)
	config, err := os.ReadFile(filepath.Join(server.Dir, "conf/polaris-server.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	ports := listeningPorts(t, server.PID())
	for _, port := range ports {
		if !regexp.MustCompile(`\b` + port + `\b`).Match(config) {
			t.Errorf("the process listens at port %s, which is not in its configuration", port)
		}
	}
	if _, port, _ := strings.Cut(addr, ":"); !slices.Contains(ports, port) {
		t.Errorf("the process listens at %v, not at %s", ports, addr)
	}
}

// listeningPorts are the TCP ports that a process listens at.
func listeningPorts(t *testing.T, pid int) (ports []string) {
	t.Helper()
	fds, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil || len(fds) == 0 {
		t.Fatalf("no /proc: %v", err)
	}
	sockets := map[string]bool{}
	for _, fd := range fds {
		if link, err := os.Readlink(fd); err == nil {
			sockets[strings.TrimSuffix(strings.TrimPrefix(link, "socket:["), "]")] = true
		}
	}
	for _, table := range []string{"tcp", "tcp6"} {
		file, err := os.Open(fmt.Sprintf("/proc/%d/net/%s", pid, table))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		for lines := bufio.NewScanner(file); lines.Scan(); {
			fields := strings.Fields(lines.Text())
			if len(fields) < 10 || fields[3] != "0A" || !sockets[fields[9]] { // 0A: listens
				continue
			}
			port, err := strconv.ParseUint(fields[1][strings.LastIndex(fields[1], ":")+1:], 16, 16)
			if err != nil {
				t.Fatal(err)
			}
			ports = append(ports, fmt.Sprint(port))
		}
	}
	return ports
}

// Twelve clients that ask at once for a namespace of more than 64 MiB take little
// memory, and get their list.
func TestEurekaLargeNamespace(t *testing.T) {
	const mostGrowth = 300 << 20
	server, console, addr := startEureka(t, polaristest.Options{}, never)
	registerNovel(t, console, "novel")
	value := strings.Repeat("x", 4<<10) // the server takes no more, of 64 keys
	for batch := range 15 {
		var instances []polaristest.Instance
		for n := range 20 {
			i := instance("novel", "10.11.0.1", "qb.novel.h")
			i.Port = 1000 + 100*batch + n
			for key := range 60 {
				i.Metadata[fmt.Sprint("key-", key)] = value
			}
			instances = append(instances, i)
		}
		register(t, console, instances...)
	}
	caller := askerAt(t, shanghai)
	wait(t, func() error {
		if r := caller.ask("GET", "http://"+addr+"/eureka/apps", "Accept", "application/xml"); len(r.body) < 64<<20 {
			return fmt.Errorf("%d bytes", len(r.body))
		}
		return nil
	})
	before := memoryOf(t, server.PID(), "VmHWM")
	var clients sync.WaitGroup
	for n := range 12 {
		clients.Go(func() {
			req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+"/eureka/apps", nil)
			req.Header.Set("Accept", []string{"application/json", "application/xml"}[n%2])
			resp, err := caller.client.Do(req)
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			body := bufio.NewReader(resp.Body)
			size, foreign := 0, false
			for {
				text, err := body.ReadString('1') // of an address, among others
				size, foreign = size+len(text), foreign || strings.HasSuffix(text, "10.12.0.1")
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
			if size < 64<<20 || foreign {
				t.Errorf("%d bytes, an instance of another caller: %t", size, foreign)
			}
		})
	}
	clients.Wait()
	after := memoryOf(t, server.PID(), "VmHWM")
	t.Logf("the most memory: %d MiB before, %d MiB after", before>>20, after>>20)
	if after-before > mostGrowth {
		t.Errorf("the process has grown by %d MiB, want %d at most", (after-before)>>20, mostGrowth>>20)
	}
}

// memoryOf is a size of a process, in bytes.
func memoryOf(t *testing.T, pid int, field string) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatalf("no /proc: %v", err)
	}
	found := regexp.MustCompile(field + `:\s+(\d+) kB`).FindSubmatch(status)
	if found == nil {
		t.Fatalf("no %s in %s", field, status)
	}
	kilobytes, _ := strconv.Atoi(string(found[1]))
	return kilobytes << 10
}

// A client that asks too often is refused by the rate limit of Polaris, and others are
// served.
func TestEurekaRateLimit(t *testing.T) {
	limited := strings.Replace(polaristest.Config(), "token-bucket, option: {enable: false}",
		"token-bucket, option: {enable: true, ip-limit: {open: true, global: {open: true, bucket: 5, rate: 1}, resource-cache-amount: 100, white-list: [127.0.0.1]}}", 1)
	config, addr := withEureka(limited, "127.0.0.1", 1)
	_, console := start(t, polaristest.Options{Config: config, TrustedProxies: []string{proxy.String()}})
	registerNovel(t, console, "novel")
	many := askerAt(t, shanghai)
	wait(t, func() error {
		if r := many.ask("GET", "http://"+addr+"/eureka/apps"); r.status != http.StatusTooManyRequests || r.body != "" {
			return fmt.Errorf("a client that asks often: %d", r.status)
		}
		return nil
	})
	for name, r := range map[string]reply{
		"another client":                 askerAt(t, shenzhen).ask("GET", "http://"+addr+"/eureka/apps"),
		"another client behind a proxy":  askerAt(t, proxy).ask("GET", "http://"+addr+"/eureka/apps", "X-Forwarded-For", "127.3.0.1"),
		"the same client behind a proxy": askerAt(t, proxy).ask("GET", "http://"+addr+"/eureka/apps", "X-Forwarded-For", shanghai.String()),
	} {
		want := http.StatusOK
		if strings.HasPrefix(name, "the same") {
			want = http.StatusTooManyRequests
		}
		if r.status != want {
			t.Errorf("%s: %d, want %d", name, r.status, want)
		}
	}
}

// A message of a peer that the stock route does not survive is refused. Others are
// taken.
func TestEurekaPeers(t *testing.T) {
	server, _, addr := startEureka(t, polaristest.Options{}, never)
	post := func(body string) (status int, text string) {
		t.Helper()
		resp, err := http.Post("http://"+addr+"/eureka/peerreplication/batch", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		data, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, strings.TrimSpace(string(data))
	}
	for _, tt := range []struct{ body, want string }{
		{`{"replicationList":[null]}`, "entry 0 is null, expected an object"},
		{`{"replicationList":[{"appName":"X","id":"a","action":"Heartbeat"},{"appName":"X","id":"a","action":"Register"}]}`, "entry 1 registers no instance, expected instanceInfo"},
		{`<ReplicationList><ReplicationList><Action>Register</Action></ReplicationList></ReplicationList>`, "the message cannot be read: invalid character '<' looking for beginning of value"},
	} {
		if status, text := post(tt.body); status != http.StatusBadRequest || text != tt.want {
			t.Errorf("%s: %d %s, want %s", tt.body, status, text, tt.want)
		}
	}
	if status, text := post(`{"replicationList":[{"appName":"novel","id":"10.11.0.9","action":"Register","instanceInfo":{"hostName":"10.11.0.9","ipAddr":"10.11.0.9","app":"novel","status":"UP"}}]}`); status != http.StatusOK {
		t.Errorf("a good message: %d %s", status, text)
	}
	eventually(t, server, polaristest.Request{Source: stranger, Service: "novel"}, "10.11.0.9")
}
