package nacos

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	nacosmodel "github.com/polarismesh/polaris/apiserver/nacosserver/model"
	nacospb "github.com/polarismesh/polaris/apiserver/nacosserver/v2/pb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
)

// writeCertificate writes a certificate and its key, and returns the names of the files.
func writeCertificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// TLS is for both protocols, and the caller is known behind it.
func TestFrontTLS(t *testing.T) {
	cert, key := writeCertificate(t)
	f, _, routing := startFront(t, map[string]any{"tls": map[any]any{"certFile": cert, "keyFile": key}})
	routing.set("127.0.0.1", "default/s", hostsOf("1", "10.0.0.1"))
	insecure := &tls.Config{InsecureSkipVerify: true}
	conn, err := grpc.NewClient(f.grpcAddr(), grpc.WithTransportCredentials(credentials.NewTLS(insecure)))
	if err != nil {
		t.Fatal(err)
	}
	c := &testClient{TB: t, conn: conn, pushed: make(chan *nacospb.Payload, 10)}
	t.Cleanup(c.close)
	if got := c.query("s", ""); got != `DEFAULT_GROUP@@s clusters="" 10.0.0.1` {
		t.Errorf("gRPC over TLS: %s", got)
	}
	client := http.Client{Transport: &http.Transport{TLSClientConfig: insecure, DisableKeepAlives: true}}
	resp, err := client.Get("https://" + f.httpAddr() + "/nacos/v1/ns/operator/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); !strings.Contains(string(body), "UP") {
		t.Errorf("HTTP over TLS: %s", body)
	}
}

// Options that cannot be are refused, whole messages.
func TestFrontOptions(t *testing.T) {
	stock, _ := newStandIn()
	defer func(before string) { nacosmodel.ConvertPolarisNamespaceVal = before }(nacosmodel.ConvertPolarisNamespaceVal)
	for _, tt := range []struct {
		option map[string]any
		want   string
	}{
		{map[string]any{"listenPort": "8848"}, "listenPort is 8848, expected a number"},
		{map[string]any{"listenIP": 1}, "listenIP is 1, expected an address"},
		{map[string]any{"defaultNamespace": 1}, "defaultNamespace is 1, expected the name of a namespace"},
		{map[string]any{"proxyProtocol": "v2"}, "proxyProtocol is v2, expected true or false"},
		{map[string]any{"tls": map[any]any{"certFile": "none", "keyFile": "none"}}, "open none: no such file or directory"},
	} {
		if _, err := newFront(tt.option, stock, &liveRouting{}); err == nil || err.Error() != tt.want {
			t.Errorf("%v: %v, want %s", tt.option, err, tt.want)
		}
	}
	f, err := newFront(nil, stock, &liveRouting{})
	if err != nil {
		t.Fatal(err)
	}
	if f.http.Port != 8848 || f.grpc.Port != 9848 {
		t.Errorf("default ports %d and %d", f.http.Port, f.grpc.Port)
	}
}

// The limit of connections counts clients, each by its own address.
func TestFrontConnLimit(t *testing.T) {
	f, _, _ := startFront(t, map[string]any{"connLimit": map[any]any{"openConnLimit": true, "maxConnPerHost": 2, "maxConnLimit": 100, "purgeCounterInterval": "10s", "purgeCounterExpire": "5s"}})
	for n := range 4 {
		c := dial(t, f, "127.3.0."+string(rune('1'+n/2)))
		c.call(nacospb.TypeHealthCheckRequest, "{}")
	}
	third := dial(t, f, "127.3.0.1")
	if _, err := nacospb.NewRequestClient(third.conn).Request(t.Context(), payload(nacospb.TypeHealthCheckRequest, "{}")); err == nil {
		t.Error("a third connection of one client is taken")
	}
}
