package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// foreign are the hosts of novel that the caller shanghai must never see.
var foreign = []string{"10.12.0.1", "10.13.0.1", "10.14.0.1"}

// cutMessage is what a client sends, from the first byte of its connection.
type cutMessage struct {
	name, target string
	bytes        []byte
	answer       string // a part of the answer to the whole message

	line, kind, body string // over HTTP: the begin of the request, and what it has
}

// A connection that ends at any byte of a message ends in the server, too. The server
// answers with an error or not at all, registers nothing, gives nobody another's list,
// and goes on as before.
func TestMessagesCutAtEveryByte(t *testing.T) {
	server, console, eureka := startEureka(t, polaristest.Options{}, 1)
	registerNovel(t, console, "novel")
	eventually(t, server, polaristest.Request{Source: shanghai, Service: "novel"}, "10.11.0.1")
	wait(t, func() error {
		if r := askerAt(t, shanghai).ask("GET", "http://"+eureka+"/eureka/apps/novel"); !slices.Equal(r.hosts(), groupList) {
			return errorf("%+v", r)
		}
		return nil
	})
	before := metric(t, server, "go_goroutines")
	for _, m := range cutMessages(t, server, eureka) {
		t.Run(m.name, func(t *testing.T) {
			var parts [][]byte
			for n := range m.bytes {
				parts = append(parts, m.bytes[:n])
			}
			for n := range m.body { // in a request that is whole
				parts = append(parts, httpRequest(m.line, m.kind, m.body[:n]))
			}
			for _, part := range parts {
				if got := sendCut(t, shanghai, m.target, part); hasForeign(got) || strings.Contains(got, "10.11.0.1") || strings.HasPrefix(got, "HTTP/1.1 2") {
					t.Errorf("of %q: %q", part, got)
				}
			}
		})
	}
	if d := discover(t, server, polaristest.Request{Source: shanghai, Service: "CUT"}); len(d.Instances) > 0 {
		t.Errorf("cut registrations left %v", hosts(d))
	}
	for _, m := range cutMessages(t, server, eureka) {
		if got := sendWhole(t, shanghai, m); hasForeign(got) {
			t.Errorf("the whole message %s: %q", m.name, got)
		}
	}
	wait(t, func() error {
		if after := metric(t, server, "go_goroutines"); after > before+20 {
			return errorf("%v goroutines, %v before the cut messages", after, before)
		}
		return nil
	})
	if text := server.Output() + server.StockLog(); strings.Contains(text, "goroutine ") {
		t.Errorf("a stack:\n%s", text)
	}
}

// cutMessages are the messages of each client. Those over gRPC are what the SDKs sent
// to a server up to the first question of theirs: the preface, settings, the headers and
// the message.
func cutMessages(t *testing.T, server *polaristest.Server, eureka string) (out []cutMessage) {
	t.Helper()
	for _, client := range []string{"polaris-go-1.6.1", "polaris-java-2.1.0.0"} {
		recorded, err := os.ReadFile("testdata/recorded/" + client + ".discover")
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, cutMessage{client, server.GRPCAddr, recorded, "10.11.0.1", "", "", ""})
	}
	http := func(name, target, line, kind, body, answer string) {
		out = append(out, cutMessage{name, target, httpRequest(line, kind, body), answer, line, kind, body})
	}
	http("HTTP", server.HTTPAddr, "POST /v1/Discover", "application/json", `{"type":1,"service":{"namespace":"default","name":"novel"}}`, "10.11.0.1")
	http("Eureka, a query", eureka, "GET /eureka/apps/novel", "", "", "10.11.0.1")
	http("Eureka, registration as JSON", eureka, "POST /eureka/apps/CUT", "application/json", cutJSON, "204")
	http("Eureka, registration as XML", eureka, "POST /eureka/apps/CUT", "application/xml", cutXML, "204")
	return out
}

// httpRequest returns a request that ends its connection. Without a kind it has no body.
func httpRequest(line, kind, body string) []byte {
	text := line + " HTTP/1.1\r\nHost: a\r\nAccept: application/json\r\nConnection: close\r\n"
	if kind != "" {
		text += fmt.Sprintf("Content-Type: %s\r\nContent-Length: %d\r\n", kind, len(body))
	}
	return []byte(text + "\r\n" + body)
}

// The instances that Eureka clients register.
const (
	cutJSON = `{"instance":{"instanceId":"cut-1","hostName":"10.19.0.1","app":"CUT","ipAddr":"10.19.0.1","status":"UP","port":{"$":80,"@enabled":"true"},` +
		`"securePort":{"$":443,"@enabled":"false"},"vipAddress":"cut","dataCenterInfo":{"@class":"com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo","name":"MyOwn"},` +
		`"metadata":{"internal-set-name":"qb.novel.h"}}}`
	cutXML = `<instance><instanceId>cut-2</instanceId><hostName>10.19.0.2</hostName><app>CUT</app><ipAddr>10.19.0.2</ipAddr><status>UP</status>` +
		`<port enabled="true">80</port><securePort enabled="false">443</securePort><vipAddress>cut</vipAddress>` +
		`<dataCenterInfo class="com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo"><name>MyOwn</name></dataCenterInfo></instance>`
)

// sendCut sends a part of a message and the end of the connection, and returns what comes
// until the server ends the connection, too.
func sendCut(t *testing.T, source netip.Addr, target string, part []byte) string {
	t.Helper()
	conn := dialFrom(t, source, target)
	defer conn.Close()
	_, _ = conn.Write(part)
	_ = conn.(*net.TCPConn).CloseWrite()
	got, err := io.ReadAll(conn)
	if os.IsTimeout(err) {
		t.Errorf("after %d bytes the server keeps the connection", len(part))
	}
	return string(got)
}

// sendWhole sends a message, and returns what comes until the answer is there.
func sendWhole(t *testing.T, source netip.Addr, m cutMessage) string {
	t.Helper()
	conn := dialFrom(t, source, m.target)
	defer conn.Close()
	if _, err := conn.Write(m.bytes); err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	for part := make([]byte, 4096); !strings.Contains(got.String(), m.answer); {
		n, err := conn.Read(part)
		got.Write(part[:n])
		if err != nil {
			t.Errorf("the whole message %s: %q, %v, want %q", m.name, &got, err, m.answer)
			break
		}
	}
	return got.String()
}

// dialFrom connects from an address. The connection waits as long as tests wait.
func dialFrom(t *testing.T, source netip.Addr, target string) net.Conn {
	t.Helper()
	conn, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: source.AsSlice()}}).Dial("tcp", target)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.SetDeadline(time.Now().Add(polaristest.Patience))
	return conn
}

func hasForeign(text string) bool {
	return slices.ContainsFunc(foreign, func(host string) bool { return strings.Contains(text, host) })
}

// A request over gRPC whose message or whose service is cut, in a frame of the right
// length, is refused, or answered as what it has become: without a list, unless it still
// names the service.
func TestRequestsCutAtEveryByte(t *testing.T) {
	server, console := start(t, polaristest.Options{})
	registerNovel(t, console, "novel")
	eventually(t, server, polaristest.Request{Source: shanghai, Service: "novel"}, "10.11.0.1")
	for _, client := range []string{"polaris-go-1.6.1", "polaris-java-2.1.0.0"} {
		recorded, err := os.ReadFile("testdata/recorded/" + client + ".discover")
		if err != nil {
			t.Fatal(err)
		}
		start := bytes.LastIndex(recorded, []byte{8, 1, 18}) // type 1, and the service
		message := recorded[start:]
		service, _ := protowire.ConsumeBytes(message[3:])
		requests := [][]byte{message}
		for n := range message {
			requests = append(requests, message[:n])
		}
		for n := range service {
			requests = append(requests, protowire.AppendBytes([]byte{8, 1, 18}, service[:n]))
		}
		for _, request := range requests {
			askRaw(t, server, request)
		}
	}
	if text := server.Output() + server.StockLog(); strings.Contains(text, "goroutine ") {
		t.Errorf("a stack:\n%s", text)
	}
}

// askRaw sends a request as bytes on a stream of its own, and compares the answer with
// what the bytes say.
func askRaw(t *testing.T, server *polaristest.Server, request []byte) {
	t.Helper()
	conn, err := polaristest.Connect(t.Context(), server.GRPCAddr, shanghai, rawOption)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	resp, err := conn.Raw(t.Context(), request)
	var asked apiservice.DiscoverRequest
	if proto.Unmarshal(request, protoadapt.MessageV2Of(&asked)) != nil {
		if err == nil {
			t.Errorf("request %x, which cannot be read: %v", request, resp)
		}
		return
	}
	if err != nil {
		t.Errorf("request %v: %v", &asked, err)
		return
	}
	want := "[]"
	if service := asked.GetService(); asked.GetType() == apiservice.DiscoverRequest_INSTANCE && service.GetName().GetValue() == "novel" {
		want = "[10.11.0.1]" // the server takes no namespace for the namespace default
	}
	if got := fmt.Sprint(grpcHosts(resp)); got != want {
		t.Errorf("request %v: %s of %v, want %s", &asked, got, resp, want)
	}
}

// rawOption makes a connection for Conn.Raw.
var rawOption = grpc.WithDefaultCallOptions(grpc.ForceCodec(rawCodec{}))

// rawCodec sends bytes as they are, and reads answers.
type rawCodec struct{}

func (rawCodec) Marshal(v any) ([]byte, error) { return *v.(*[]byte), nil }
func (rawCodec) Unmarshal(data []byte, v any) error {
	return proto.Unmarshal(data, protoadapt.MessageV2Of(v.(protoadapt.MessageV1)))
}
func (rawCodec) Name() string { return "proto" }
