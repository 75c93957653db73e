package main

import (
	"encoding/json"
	"fmt"
	"testing"

	nacospb "github.com/polarismesh/polaris/apiserver/nacosserver/v2/pb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// nacosCall calls the listener as a client of Nacos 2 does, and returns the answer.
func nacosCall(t *testing.T, conn *grpc.ClientConn, kind string, request map[string]any) (answer map[string]any) {
	t.Helper()
	body, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	out, err := nacospb.NewRequestClient(conn).Request(t.Context(), &nacospb.Payload{Metadata: &nacospb.Metadata{Type: kind}, Body: &anypb.Any{Value: body}})
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out.GetBody().GetValue(), &answer); err != nil {
		t.Fatal(err)
	}
	return answer
}

// Instances that are registered over gRPC have the weights that their clients gave. An
// ephemeral one goes with its connection, and a persistent one stays until it is
// deregistered, by any client.
func TestNacosPersistentInstances(t *testing.T) {
	server, _, addr := startNacosServer(t, polaristest.Options{}, "")
	dial := func() *grpc.ClientConn {
		conn, err := grpc.NewClient(nacosGRPC(t, addr), grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		return conn
	}
	request := func(kind, ip string, weight float64) map[string]any {
		return map[string]any{"requestId": "7", "namespace": "public", "groupName": "G", "serviceName": "plain", "type": kind, "instance": map[string]any{
			"ip": ip, "port": 80, "weight": weight, "healthy": true, "enabled": true, "ephemeral": true, "clusterName": "A", "metadata": map[string]string{"k": "v"},
		}}
	}
	conn := dial()
	for _, kind := range []string{nacospb.TypeInstanceRequest, nacospb.TypePersistentInstanceRequest} {
		ip := map[string]string{nacospb.TypeInstanceRequest: "10.31.0.1", nacospb.TypePersistentInstanceRequest: "10.32.0.1"}[kind]
		if got := nacosCall(t, conn, kind, request("registerInstance", ip, 0.25)); got["resultCode"] != 200.0 || got["success"] != true || got["type"] != "registerInstance" || got["requestId"] != "7" {
			t.Errorf("%s: %v", kind, got)
		}
		for refused, c := range map[string]map[string]any{
			"weight is -1, expected a number from 0 to 10000": request("registerInstance", ip, -1),
		} {
			if got := nacosCall(t, conn, kind, c); got["success"] != false || got["errorCode"] != 400.0 || got["message"] != refused {
				t.Errorf("%s: %v", kind, got)
			}
		}
	}
	if got := nacosCall(t, conn, nacospb.TypePersistentInstanceRequest, request("forgetInstance", "10.32.0.1", 1)); got["message"] != `type is "forgetInstance", expected registerInstance or deregisterInstance` {
		t.Errorf("another type: %v", got)
	}
	if got := nacosCall(t, conn, nacospb.TypePersistentInstanceRequest, map[string]any{"type": "registerInstance"}); got["message"] != `serviceName is "", ip "", port 0, expected a service, and the address of an instance` {
		t.Errorf("nothing: %v", got)
	}
	sh := nacosCaller{t, shanghai, addr}
	both := sh.has("serviceName=plain&groupName=G&clusters=A", "10.31.0.1", "10.32.0.1")
	for _, h := range both.Hosts {
		if h.Weight != 0.25 || h.Ephemeral != (h.IP == "10.31.0.1") || h.ClusterName != "A" || h.ServiceName != "G@@plain" || h.Metadata["k"] != "v" {
			t.Errorf("host: %+v", h)
		}
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	sh.has("serviceName=G@@plain", "10.32.0.1")
	eventually(t, server, polaristest.Request{Source: shanghai, Service: "G__plain"}, "10.32.0.1")
	if got := nacosCall(t, dial(), nacospb.TypePersistentInstanceRequest, request("deregisterInstance", "10.32.0.1", 1)); got["success"] != true {
		t.Errorf("deregistered: %v", got)
	}
	sh.has("serviceName=G@@plain")
}

// nacosGRPC returns the address of gRPC of a Nacos listener.
func nacosGRPC(t *testing.T, addr string) string {
	t.Helper()
	var port int
	if _, err := fmt.Sscanf(addr, "127.0.0.1:%d", &port); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("127.0.0.1:%d", port+polaristest.NacosOffset)
}
