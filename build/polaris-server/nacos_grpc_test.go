package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"testing"
	"time"

	nacospb "github.com/polarismesh/polaris/apiserver/nacosserver/v2/pb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	grpcmetadata "google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// dialNacos connects over gRPC from an address. First is sent before all else.
func dialNacos(t *testing.T, addr string, source netip.Addr, first string) *grpc.ClientConn {
	t.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: source.AsSlice()}}
	conn, err := grpc.NewClient("passthrough:///"+nacosGRPC(t, addr), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, addr string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, "tcp", addr)
			if err == nil {
				_, err = io.WriteString(conn, first)
			}
			return conn, err
		}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// nacosQuery returns the hosts of a service, or why there are none.
func nacosQuery(t *testing.T, conn *grpc.ClientConn, service string, header ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(grpcmetadata.AppendToOutgoingContext(t.Context(), header...), polaristest.Patience)
	defer cancel()
	resp, err := nacospb.NewRequestClient(conn).Request(ctx, &nacospb.Payload{
		Metadata: &nacospb.Metadata{Type: nacospb.TypeServiceQueryRequest},
		Body:     &anypb.Any{Value: []byte(fmt.Sprintf(`{"requestId":"1","serviceName":%q}`, service))},
	})
	if err != nil {
		return "no answer"
	}
	var answer struct {
		ErrorCode   int
		Message     string
		ServiceInfo struct{ Hosts []struct{ IP string } }
	}
	if err := json.Unmarshal(resp.GetBody().GetValue(), &answer); err != nil {
		t.Fatal(err)
	}
	if answer.ErrorCode != 0 {
		return fmt.Sprint(answer.ErrorCode, " ", answer.Message)
	}
	ips := []string{}
	for _, h := range answer.ServiceInfo.Hosts {
		ips = append(ips, h.IP)
	}
	slices.Sort(ips)
	return fmt.Sprint(ips)
}

func nacosHas(t *testing.T, conn *grpc.ClientConn, service, want string) {
	t.Helper()
	wait(t, func() error {
		if got := nacosQuery(t, conn, service); got != want {
			return errorf("%s: %s, want %s", service, got, want)
		}
		return nil
	})
}

// routerSection is where the configuration of tests names the routing files.
const routerSection = "  router: {option: {files: [conf/routing/*.yaml], failOpen: {{.FailOpen}}}}\n"

// nacosGo starts the Go SDK of one client at shanghai.
func nacosGo(t *testing.T, addr string) *nacosClient {
	t.Helper()
	return startNacos(t, nacosKind(t, "nacos-sdk-go"), relayNacos(t, shanghai, addr).Addr)
}

// An evacuation reaches subscribers by a push, and so does its end. Without routing failing
// open, nobody is pushed anything in a fault, and requests get an error.
func TestNacosEvacuationAndFaults(t *testing.T) {
	config, addr := polaristest.WithNacos(replacedConfig(t, "sources: [mapping, registry, report]", "sources: [kubernetes, mapping], kubernetes: {}"))
	const rules = "version: 1\nrules:\n  - {name: novel, service: default/novel*, set: {}, degrade: {holdDown: 0s}}\n"
	server, console := startBinary(t, built(t, faultyBinary), polaristest.Options{Config: config, FailClosed: true, Files: map[string]string{"conf/routing/routing.yaml": rules}})
	registerNovel(t, console, "novel")
	f := &faulty{server, console}
	c := nacosGo(t, addr)
	c.do(t, "subscribe novel")
	c.pushed(t, 0, "novel", groupList, time.Time{})

	write(t, server, "conf/routing/routing.yaml", rules+"evacuate: [{set: qb.novel.h, until: "+time.Now().Add(time.Hour).Format(time.RFC3339)+"}]\n")
	c.pushed(t, 0, "novel", poolList, time.Time{})
	write(t, server, "conf/routing/routing.yaml", rules)
	c.pushed(t, 0, "novel", groupList, time.Time{})

	_, before := c.Last(0, "pushed", "novel")
	f.fault(t, true)
	f.isolate(t, "novel", true)
	conn := dialNacos(t, addr, shanghai, "")
	nacosHas(t, conn, "novel", "500 the server gives no list, see its log")
	enough := f.faults(t) + 4
	wait(t, func() error {
		if got := f.faults(t); got < enough {
			return errorf("%v faults, want %v", got, enough)
		}
		return nil
	})
	if last, count := c.Last(0, "pushed", "novel"); count != before {
		t.Errorf("in the fault %v was pushed", last.Hosts)
	}
	f.fault(t, false)
	c.pushed(t, 0, "novel", poolList, time.Time{})
	nacosHas(t, conn, "novel", fmt.Sprint(poolList))
}

// Silent connections do no harm, with and without routing files, and neither does a server
// that stood still for longer than the stock listener waits for a client. Then clients have
// what changed, and what they have registered is there.
func TestNacosSilenceAndStandstill(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, files string }{{"routed", routerSection}, {"without routing files", ""}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			config, addr := polaristest.WithNacos(replacedConfig(t, routerSection, tt.files))
			server, console := start(t, polaristest.Options{Config: config, SelfAddress: "127.0.0.1"})
			registerNovel(t, console, "novel")
			all, fewer := groupList, poolList
			if tt.name != "routed" {
				all, fewer = []string{"10.11.0.1", "10.12.0.1", "10.13.0.1", "10.14.0.1"}, []string{"10.12.0.1", "10.13.0.1", "10.14.0.1"}
			}
			for range 3 {
				dialNacos(t, addr, shanghai, "").Connect() // a channel on which nobody says a word
			}
			begin := time.Now()
			c := nacosGo(t, addr)
			c.do(t, "subscribe novel")
			c.pushed(t, 0, "novel", all, time.Time{})
			c.do(t, "register mine 10.15.0.1 8080 qb.novel.h")
			c.queries(t, 0, "mine", []string{"10.15.0.1"})
			alive := func() {
				t.Helper()
				if code := server.ExitCode(); code >= 0 {
					t.Fatalf("the server has ended with exit code %d: %s", code, server.Faults())
				}
			}
			for ; time.Since(begin) < 32*time.Second; time.Sleep(100 * time.Millisecond) { // the stock listener dies after 28.7 s
				alive()
			}
			if err := syscall.Kill(server.PID(), syscall.SIGSTOP); err != nil {
				t.Fatal(err)
			}
			time.Sleep(26 * time.Second)
			if err := syscall.Kill(server.PID(), syscall.SIGCONT); err != nil {
				t.Fatal(err)
			}
			begin = time.Now()
			if err := console.Isolate(t.Context(), "default", "novel", "10.11.0.1", true); err != nil {
				t.Fatal(err)
			}
			c.pushed(t, 0, "novel", fewer, begin)
			for ; time.Since(begin) < 15*time.Second; time.Sleep(100 * time.Millisecond) {
				alive()
			}
			c.queries(t, 0, "mine", []string{"10.15.0.1"})
			if faults := server.Faults(); faults != "none" {
				t.Error(faults)
			}
		})
	}
}

// The late end of a connection deletes nothing that a newer one has registered.
func TestNacosLateEnd(t *testing.T) {
	_, _, addr := startNacosServer(t, polaristest.Options{}, "")
	register := func(conn *grpc.ClientConn) {
		t.Helper()
		for _, ip := range []string{"10.31.0.1", "10.31.0.2"} {
			if got := nacosCall(t, conn, nacospb.TypeInstanceRequest, map[string]any{
				"namespace": "public", "groupName": "DEFAULT_GROUP", "serviceName": "plain", "type": "registerInstance",
				"instance": map[string]any{"ip": ip, "port": 80, "weight": 1, "healthy": true, "enabled": true, "ephemeral": true},
			}); got["success"] != true {
				t.Fatalf("registering: %v", got)
			}
		}
	}
	reader, first, second := dialNacos(t, addr, shanghai, ""), dialNacos(t, addr, shanghai, ""), dialNacos(t, addr, shanghai, "")
	register(first)
	register(second)
	nacosHas(t, reader, "plain", "[10.31.0.1 10.31.0.2]")
	third := dialNacos(t, addr, shanghai, "")
	if got := nacosCall(t, third, nacospb.TypeInstanceRequest, map[string]any{
		"namespace": "public", "groupName": "DEFAULT_GROUP", "serviceName": "signal", "type": "registerInstance",
		"instance": map[string]any{"ip": "10.31.0.3", "port": 80, "weight": 1, "healthy": true, "enabled": true, "ephemeral": true},
	}); got["success"] != true {
		t.Fatal(got)
	}
	nacosHas(t, reader, "signal", "[10.31.0.3]")
	_ = first.Close()
	_ = third.Close()
	nacosHas(t, reader, "signal", "[]") // so that the end of the first has been dealt with, too, which came before
	if got := nacosQuery(t, reader, "plain"); got != "[10.31.0.1 10.31.0.2]" {
		t.Errorf("after the end of the older connection: %s", got)
	}
	_ = second.Close()
	nacosHas(t, reader, "plain", "[]")
}

// The limits of connections and of requests, and the PROXY header, act on clients at the
// front, by both protocols.
func TestNacosLimits(t *testing.T) {
	config := replacedConfig(t, "token-bucket, option: {enable: false}",
		"token-bucket, option: {enable: true, ip-limit: {open: true, global: {open: true, bucket: 6, rate: 1}, resource-cache-amount: 100, white-list: [127.0.0.1, 127.1.0.5, 127.3.0.1]}}")
	server, console, addr := startNacosServer(t, polaristest.Options{Config: config, TrustedProxies: []string{proxy.String()}},
		", proxyProtocol: true, connLimit: {openConnLimit: true, maxConnPerHost: 3, maxConnLimit: 1000, purgeCounterInterval: 10s, purgeCounterExpire: 5s}")
	registerNovel(t, console, "novel")
	sh := dialNacos(t, addr, proxy, "PROXY TCP4 127.1.0.5 127.0.0.1 700 8848\r\n")
	nacosHas(t, sh, "novel", "[10.11.0.1]")
	for n, first := range []string{"", "PROXY TCP4 nonsense\r\n"} {
		if got := nacosQuery(t, dialNacos(t, addr, proxy, first), "novel"); got != "no answer" {
			t.Errorf("a trusted proxy without a header that can be read, %d: %s", n, got)
		}
	}
	if got := nacosQuery(t, dialNacos(t, addr, proxy, "PROXY TCP4 127.1.0.5 127.0.0.1 701 8848\r\n"), "novel", "x-forwarded-for", "127.2.0.1"); got != "[10.11.0.1]" {
		t.Errorf("a forwarded header of who is no proxy: %s", got)
	}

	often := dialNacos(t, addr, shenzhen, "")
	wait(t, func() (err error) {
		for range 20 { // at once: the bucket fills again by one a second
			got := nacosQuery(t, often, "novel")
			if got == "429 the rate limit is reached" {
				return nil
			}
			err = errorf("one who asks often: %s", got)
		}
		return err
	})
	if got := nacosQuery(t, dialNacos(t, addr, proxy, "PROXY TCP4 127.1.0.5 127.0.0.1 702 8848\r\n"), "novel"); got != "[10.11.0.1]" {
		t.Errorf("another caller: %s", got)
	}
	if got := nacosQuery(t, dialNacos(t, addr, proxy, "PROXY TCP4 127.1.0.5 127.0.0.1 703 8848\r\n"), "novel"); got != "no answer" {
		t.Errorf("a fourth connection of one caller: %s", got)
	}
	if faults := server.Faults(); faults != "none" {
		t.Error(faults)
	}
}
