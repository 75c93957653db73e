package main

import (
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpoint "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// built builds a program once, for the tests that need it.
func built(t *testing.T, once func() (string, error)) string {
	t.Helper()
	path, err := once()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func builder(name string, args ...string) func() (string, error) {
	return sync.OnceValues(func() (string, error) {
		path := filepath.Join(filepath.Dir(serverBinary), name)
		all := append([]string{"build"}, args[:len(args)-1]...)
		all = append(all, "-o", path, args[len(args)-1])
		if out, err := exec.Command("go", all...).CombinedOutput(); err != nil {
			return "", fmt.Errorf("go %v: %w\n%s", all, err, out)
		}
		return path, nil
	})
}

var (
	stockBinary = builder("stock-server", "github.com/polarismesh/polaris")
	fargoBinary = builder("fargo-client", "-C", "../../scripts/clients/eureka", ".")
)

// startProgram starts a client, which ends with its input: with the test.
func startProgram(t *testing.T, binary string, args ...string) (in io.WriteCloser, out io.Reader) {
	t.Helper()
	cmd := exec.Command(binary, args...)
	cmd.Dir = t.TempDir()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err = cmd.StdoutPipe()
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
	return in, out
}

// These clients of Nacos and xDS are such that no rule narrows their list. With the pack
// they are served as by the stock server, query and push alike, and the status says that
// both listeners are routed.
func TestUnroutedProtocols(t *testing.T) {
	for _, tt := range []struct{ name, binary string }{{"with the pack", serverBinary}, {"stock", built(t, stockBinary)}} {
		t.Run(tt.name, func(t *testing.T) {
			nacos, xds := polaristest.FreePortPair(), polaristest.FreePort()
			config := replacedConfig(t, "auth: {user", fmt.Sprintf(
				"  - {name: service-nacos, option: {listenIP: 127.0.0.1, listenPort: %d, defaultNamespace: default}}\n"+
					"  - {name: xds-v3, option: {listenIP: 127.0.0.1, listenPort: %d}}\nauth: {user", nacos, xds))
			server, console := startBinary(t, tt.binary, polaristest.Options{Config: config})
			registerNovel(t, console, "novel")
			all := []string{"10.11.0.1", "10.12.0.1", "10.13.0.1", "10.14.0.1"}
			three := all[:3]

			client := startNacos(t, nacosKind(t, "nacos-sdk-go"), fmt.Sprintf("127.0.0.1:%d", nacos))
			client.do(t, "subscribe novel")
			client.has(t, "novel", all)
			stream := dialXDS(t, fmt.Sprintf("127.0.0.1:%d", xds))
			stream.has(t, all)
			if err := console.Isolate(t.Context(), "default", "novel", "10.14.0.1", true); err != nil {
				t.Fatal(err)
			}
			client.has(t, "novel", three)
			stream.has(t, three)
			if tt.binary != serverBinary {
				return
			}
			for _, name := range []string{"service-nacos", "xds-v3"} {
				if strings.Contains(server.Log(), `it is not routed	{"apiserver": "`+name+`"}`) {
					t.Errorf("a warning of %s", name)
				}
				if _, out := setctl(t, server, "status"); !strings.Contains(strings.Join(strings.Fields(out), " "), name+" routed: true") {
					t.Errorf("status: %s", out)
				}
			}
		})
	}
}

// xdsStream is an ADS stream that has asked for endpoints, and follows those of
// default/novel.
type xdsStream struct{ hosts chan []string }

func dialXDS(t *testing.T, addr string) *xdsStream {
	t.Helper()
	conn, err := grpc.DialContext(t.Context(), addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	stream, err := discoveryv3.NewAggregatedDiscoveryServiceClient(conn).StreamAggregatedResources(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const typeURL = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"
	request := &discoveryv3.DiscoveryRequest{
		Node: &core.Node{Id: "sidecar~default/test~127.0.0.1"}, TypeUrl: typeURL,
	}
	if err := stream.Send(request); err != nil {
		t.Fatal(err)
	}
	s := &xdsStream{make(chan []string, 100)}
	go func() {
		defer close(s.hosts)
		for {
			resp, err := stream.Recv()
			if err != nil {
				return
			}
			out := []string{}
			for _, r := range resp.Resources {
				var load endpoint.ClusterLoadAssignment
				if err := r.UnmarshalTo(&load); err != nil {
					t.Error(err)
				}
				if load.ClusterName != "OUTBOUND|default|novel" {
					continue
				}
				for _, locality := range load.Endpoints {
					for _, e := range locality.LbEndpoints {
						out = append(out, e.GetEndpoint().GetAddress().GetSocketAddress().GetAddress())
					}
				}
			}
			slices.Sort(out)
			s.hosts <- out
			request.VersionInfo, request.ResponseNonce = resp.VersionInfo, resp.Nonce
			if err := stream.Send(request); err != nil {
				return
			}
		}
	}()
	return s
}

func (s *xdsStream) has(t *testing.T, want []string) {
	t.Helper()
	deadline := time.After(polaristest.Patience)
	var last []string
	for {
		select {
		case got, open := <-s.hosts:
			if !open {
				t.Fatalf("the stream has ended with %v, want %v", last, want)
			}
			if last = got; slices.Equal(got, want) {
				return
			}
		case <-deadline:
			t.Fatalf("the xDS client has %v, want %v", last, want)
		}
	}
}
