package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"testing"

	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	grpcmetadata "google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
	"github.com/polaris-contrib/setrouter/internal/wire"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
)

func errorf(format string, args ...any) error { return fmt.Errorf(format, args...) }

// The server gives the mapping's location to instances at their registration,
// and to clients in ReportClient, as any CMDB plugin does.
func TestCMDB(t *testing.T) {
	server, console := start(t, polaristest.Options{})
	register(t, console, instance("stock", "10.21.0.7", ""))
	d := eventually(t, server, polaristest.Request{Source: stranger, Service: "stock"}, "10.21.0.7")
	if l := d.Instances[0].Location; l == nil || *l != (polaristest.Location{Region: "south", Zone: "shenzhen", Campus: "shenzhen-2"}) {
		t.Errorf("the instance is at %+v", l)
	}
	if got := report(t, server, "c1", "10.23.0.9", nil); got != (polaristest.Location{Region: "east", Zone: "nanjing", Campus: "nanjing-4"}) {
		t.Errorf("the client is at %+v", got)
	}
}

// A client whose host is in no mapping is where the mapping has the address that it
// calls from. The address of a trusted proxy is no client's: what the client says stays.
func TestReportClientFromUnknownHost(t *testing.T) {
	server, _ := start(t, polaristest.Options{TrustedProxies: []string{proxy.String(), shenzhen.String()}})
	said := polaristest.Location{Region: "north", Zone: "beijing"}
	inShanghai := polaristest.Location{Region: "east", Zone: "shanghai", Campus: "shanghai-1"}
	inShenzhen := polaristest.Location{Region: "south", Zone: "shenzhen", Campus: "shenzhen-2"}
	tests := []struct {
		name      string
		peer      netip.Addr
		forwarded string
		host      string
		want      polaristest.Location
	}{
		{"the caller's address", shanghai, "", "172.17.0.5", inShanghai},
		{"of a host that is a name", shanghai, "", "client-host", inShanghai},
		{"a host in the mapping comes first", shanghai, "", "10.23.0.9", polaristest.Location{Region: "east", Zone: "nanjing", Campus: "nanjing-4"}},
		{"in brackets, too", shanghai, "", "[::ffff:10.21.0.9]", inShenzhen},
		{"a caller in no mapping", stranger, "", "172.17.0.5", said},
		{"a trusted proxy in the mapping", shenzhen, "", "172.17.0.5", said},
		{"the caller behind a trusted proxy", proxy, "127.1.0.7", "172.17.0.5", inShanghai},
		{"a header that cannot be read", shenzhen, "spoofed", "172.17.0.5", said},
		{"a header from anyone else", shanghai, "127.2.0.7", "172.17.0.5", inShanghai},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			header := http.Header{}
			if tt.forwarded != "" {
				header.Set("X-Forwarded-For", tt.forwarded)
			}
			if got := reportFrom(t, server, tt.peer, header, "", tt.host, &said); got != tt.want {
				t.Errorf("HTTP: %+v, want %+v", got, tt.want)
			}
			if got := reportOverGRPC(t, server, tt.peer, tt.forwarded, tt.host, said); got != tt.want {
				t.Errorf("gRPC: %+v, want %+v", got, tt.want)
			}
		})
	}
}

// reportOverGRPC sends a ReportClient, and returns the location in the answer.
func reportOverGRPC(t *testing.T, s *polaristest.Server, peer netip.Addr, forwarded, host string, said polaristest.Location) polaristest.Location {
	t.Helper()
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: peer.AsSlice()}}
	conn, err := grpc.DialContext(t.Context(), s.GRPCAddr, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, addr string) (net.Conn, error) { return dialer.DialContext(ctx, "tcp", addr) }))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx := t.Context()
	if forwarded != "" {
		ctx = grpcmetadata.AppendToOutgoingContext(ctx, "x-forwarded-for", forwarded)
	}
	resp, err := apiservice.NewPolarisGRPCClient(conn).ReportClient(ctx, &apiservice.Client{
		Host: wrapperspb.String(host), Location: wire.ToProto(location.Location{Region: said.Region, Zone: said.Zone, Campus: said.Campus}),
	})
	if err != nil || resp.GetCode().GetValue() != success {
		t.Fatalf("ReportClient: %v, %v", resp, err)
	}
	place := wire.FromProto(resp.GetClient().GetLocation())
	return polaristest.Location{Region: place.Region, Zone: place.Zone, Campus: place.Campus}
}

// report sends a ReportClient as an SDK does, and returns the location that
// the server answers with.
func report(t *testing.T, s *polaristest.Server, id, host string, at *polaristest.Location) polaristest.Location {
	t.Helper()
	return reportFrom(t, s, netip.Addr{}, http.Header{}, id, host, at)
}

// reportFrom is report from a source address, with headers.
func reportFrom(t *testing.T, s *polaristest.Server, source netip.Addr, header http.Header, id, host string, at *polaristest.Location) polaristest.Location {
	t.Helper()
	body, err := json.Marshal(map[string]any{"id": id, "host": host, "type": "SDK", "version": "1", "location": at})
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+s.HTTPAddr+"/v1/ReportClient", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header.Clone()
	req.Header.Set("Content-Type", "application/json")
	dialer := &net.Dialer{}
	if source.IsValid() {
		dialer.LocalAddr = &net.TCPAddr{IP: source.AsSlice()}
	}
	client := &http.Client{Transport: &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var reply struct {
		Code   int
		Client struct{ Location polaristest.Location }
	}
	if err := json.NewDecoder(resp.Body).Decode(&reply); err != nil || reply.Code != success {
		t.Fatalf("ReportClient: %s, code %d, %v", resp.Status, reply.Code, err)
	}
	return reply.Client.Location
}

// A caller that no mapping knows is known by its own instances, and by what its
// client reported.
func TestIdentityFromRegistryAndReport(t *testing.T) {
	server, console := start(t, polaristest.Options{})
	registerNovel(t, console, "novel")
	register(t, console, instance("near", "10.21.0.1", ""), instance("near", "10.23.0.1", ""))
	all := []string{"10.11.0.1", "10.12.0.1", "10.13.0.1", "10.14.0.1"}
	eventually(t, server, polaristest.Request{Source: stranger, Service: "novel"}, all...)
	eventually(t, server, polaristest.Request{Source: stranger, Service: "near"}, "10.21.0.1", "10.23.0.1")

	register(t, console, instance("caller-z", stranger.String(), "qb.novel.z"))
	eventually(t, server, polaristest.Request{Source: stranger, Service: "novel"}, "10.12.0.1")
	other := instance("caller-h", stranger.String(), "qb.novel.h")
	register(t, console, other) // one host, two SETs: the caller is routed as each
	eventually(t, server, polaristest.Request{Source: stranger, Service: "novel"}, "10.11.0.1", "10.12.0.1")
	e := explained(t, server, stranger.String(), "novel")
	if e.Caller.Text != "qb.novel.h qb.novel.z in -" || len(e.Caller.Disagreements) != 1 || fmt.Sprint(e.Caller.Disagreements[0].Instances) !=
		"[{default/caller-h 127.9.0.1 80 qb.novel.h} {default/caller-z 127.9.0.1 80 qb.novel.z}]" {
		t.Errorf("explained %+v", e.Caller)
	}
	var status api.Status
	ctl(t, server, &status, "status")
	if status.SeveralSETs.Count != 1 || status.SeveralSETs.First[0].Address != stranger.String() {
		t.Errorf("status: several SETs %+v", status.SeveralSETs)
	}
	wait(t, func() error {
		if n := metric(t, server, "setrouter_addresses_with_several_sets"); n != 1 {
			return errorf("setrouter_addresses_with_several_sets is %g", n)
		}
		return nil
	})
	other.Healthy = false
	if err := console.Update(t.Context(), other); err != nil { // the healthy one alone says who calls
		t.Fatal(err)
	}
	eventually(t, server, polaristest.Request{Source: stranger, Service: "novel"}, "10.12.0.1")

	report(t, server, "client-1", stranger.String(), &polaristest.Location{Region: "east", Zone: "nanjing"})
	eventually(t, server, polaristest.Request{Source: stranger, Service: "near"}, "10.23.0.1")
	// A client cannot contradict the mapping.
	report(t, server, "client-2", shenzhen.String(), &polaristest.Location{Region: "east", Zone: "nanjing"})
	eventually(t, server, polaristest.Request{Source: shenzhen, Service: "near"}, "10.21.0.1")
}

// The unmodified SDK gets its list and follows a change of it.
func TestSDK(t *testing.T) {
	server, console := start(t, polaristest.Options{})
	registerNovel(t, console, "novel")
	eventually(t, server, polaristest.Request{Source: shanghai, Service: "novel"}, "10.11.0.1")
	sdk, err := polaristest.StartConsumers(consumerBinary)
	if err != nil {
		t.Fatal(err)
	}
	defer sdk.Close()
	if err := sdk.Add("shanghai", shanghai, server); err != nil {
		t.Fatal(err)
	}
	has := func(want string) {
		t.Helper()
		wait(t, func() error {
			got, err := sdk.Get("shanghai", "default", "novel")
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Instances) != 1 || got.Instances[0].Host != want || got.Picked != want {
				return errorf("the SDK has %+v, want %s", got, want)
			}
			return nil
		})
	}
	has("10.11.0.1")
	if err := console.Isolate(t.Context(), "default", "novel", "10.11.0.1", true); err != nil {
		t.Fatal(err)
	}
	has("10.13.0.1")
}
