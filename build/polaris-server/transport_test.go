package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// A method without its slash is refused before Polaris sees the request
// (CVE-2026-33186). With grpc v1.58.3 the request came as far as Polaris's list of
// open methods.
func TestMethodNeedsItsSlash(t *testing.T) {
	server, _ := start(t, polaristest.Options{})
	conn, err := grpc.NewClient(server.GRPCAddr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	err = conn.Invoke(t.Context(), "v1.PolarisGRPC/RegisterInstance", &apiservice.Instance{}, &apiservice.Response{})
	if !malformed(err) {
		t.Errorf("RegisterInstance: %v", err)
	}
	stream, err := conn.NewStream(t.Context(), &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, "v1.PolarisGRPC/Discover")
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.SendMsg(&apiservice.DiscoverRequest{Type: apiservice.DiscoverRequest_SERVICES}); err != nil && err != io.EOF {
		t.Fatal(err)
	}
	answer := &apiservice.DiscoverResponse{}
	if err := stream.RecvMsg(answer); !malformed(err) {
		t.Errorf("Discover: %v %v", err, answer)
	}
}

func malformed(err error) bool {
	s := status.Convert(err)
	return s.Code() == codes.Unimplemented && strings.HasPrefix(s.Message(), "malformed method name")
}

// A client over TLS must offer h2, unless the server is told otherwise, as
// docs/upgrade.md says.
func TestTLSNeedsALPN(t *testing.T) {
	certificate, key := certificateFiles(t)
	const files = "tls: {certFile: conf/cert.pem, keyFile: conf/key.pem}"
	for _, enforced := range []bool{true, false} {
		t.Setenv("GRPC_ENFORCE_ALPN_ENABLED", strconv.FormatBool(enforced))
		config, xdsAddr := withXDS(strings.Replace(polaristest.Config(), "listenPort: {{.GRPC}}", "listenPort: {{.GRPC}}, "+files, 1))
		config = strings.Replace(config, "xds-v3, option: {", "xds-v3, option: {"+files+", ", 1)
		server, _ := start(t, polaristest.Options{Config: config, Files: map[string]string{"conf/cert.pem": certificate, "conf/key.pem": key}})
		for _, tt := range []struct {
			offered []string
			served  bool
		}{
			{[]string{"h2"}, true},
			{[]string{"http/1.1", "h2"}, true},
			{nil, !enforced},
			{[]string{"http/1.1"}, !enforced},
		} {
			for listener, addr := range map[string]string{"service-grpc": server.GRPCAddr, "xds-v3": xdsAddr} {
				if err := firstFrame(addr, tt.offered); (err == nil) != tt.served {
					t.Errorf("%s, enforced: %t, offering %q: %v", listener, enforced, tt.offered, err)
				}
			}
		}
	}
}

// firstFrame opens a connection over TLS as a client of HTTP/2 does, and reads the
// head of the server's first frame. The error is nil if there is one.
func firstFrame(addr string, offered []string) error {
	conn, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, NextProtos: offered})
	if err != nil {
		return err
	}
	defer conn.Close()
	const preface, noSettings = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\x00\x00\x00\x04\x00\x00\x00\x00\x00"
	if _, err := io.WriteString(conn, preface+noSettings); err != nil {
		return err
	}
	_, err = io.ReadFull(conn, make([]byte, 9))
	return err
}

// certificateFiles returns a certificate and its key, as PEM.
func certificateFiles(t *testing.T) (certificate, key string) {
	t.Helper()
	s := httptest.NewUnstartedServer(nil)
	s.StartTLS()
	defer s.Close()
	pair := s.TLS.Certificates[0]
	der, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	return block("CERTIFICATE", pair.Certificate[0]), block("PRIVATE KEY", der)
}
