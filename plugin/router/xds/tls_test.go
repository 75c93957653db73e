package xds

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/polarismesh/polaris/common/secure"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/polaris-contrib/setrouter/internal/listen"
)

// authority signs certificates.
type authority struct {
	t           *testing.T
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a := authority{t: t, key: key}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	a.certificate = a.sign(template, template, key)
	return a
}

func (a authority) sign(template, parent *x509.Certificate, key *ecdsa.PrivateKey) *x509.Certificate {
	a.t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	out, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return out
}

// issue writes a certificate for 127.0.0.1 and its key into files.
func (a authority) issue(name string) (certificate, key string) {
	a.t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	leaf := a.sign(&x509.Certificate{SerialNumber: big.NewInt(2), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}, a.certificate, private)
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		a.t.Fatal(err)
	}
	return writePEM(a.t, name+".pem", "CERTIFICATE", leaf.Raw), writePEM(a.t, name+"-key.pem", "PRIVATE KEY", der)
}

func (a authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.certificate)
	return pool
}

func writePEM(t *testing.T, name, kind string, der []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A client over TLS is served in both variants. With trustedCAFile it
// needs a certificate of that authority, and nobody is served without TLS.
func TestTLS(t *testing.T) {
	ours, other := newAuthority(t), newAuthority(t)
	serverCertificate, serverKey := ours.issue("server")
	trusted := writePEM(t, "ca.pem", "CERTIFICATE", ours.certificate.Raw)
	pair := func(a authority) []tls.Certificate {
		pair, err := tls.LoadX509KeyPair(a.issue("client"))
		if err != nil {
			t.Fatal(err)
		}
		return []tls.Certificate{pair}
	}
	over := func(roots authority, own ...tls.Certificate) credentials.TransportCredentials {
		return credentials.NewTLS(&tls.Config{RootCAs: roots.pool(), Certificates: own})
	}
	for _, tt := range []struct {
		name     string
		mutual   bool
		client   credentials.TransportCredentials
		isServed bool
	}{
		{"TLS", false, over(ours), true},
		{"a certificate that nobody asks for", false, over(ours, pair(ours)...), true},
		{"the client trusts another authority", false, over(other), false},
		{"no TLS", false, insecure.NewCredentials(), false},
		{"mutual TLS", true, over(ours, pair(ours)...), true},
		{"mutual TLS, no certificate", true, over(ours), false},
		{"mutual TLS, a certificate of another authority", true, over(ours, pair(other)...), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			section := map[any]any{"certFile": serverCertificate, "keyFile": serverKey}
			if tt.mutual {
				section["trustedCAFile"] = trusted
			}
			read, err := listen.Read(map[string]any{"tls": section}, listen.Options{})
			if err != nil {
				t.Fatal(err)
			}
			options, err := credentialsOf(read.TLS)
			if err != nil {
				t.Fatal(err)
			}
			inVariants(t, func(t *testing.T, delta bool) {
				_, addr := startFake(t, newFake("plain"), options...)
				conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(tt.client))
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = conn.Close() })
				if !tt.isServed {
					checkRefused(t, conn)
					return
				}
				checkServes(t, conn, delta)
			})
		})
	}
}

// checkRefused wants a request that is in order to have no answer, for want of a connection.
func checkRefused(t *testing.T, conn *grpc.ClientConn) {
	t.Helper()
	stream, err := discovery.NewAggregatedDiscoveryServiceClient(conn).StreamAggregatedResources(t.Context())
	if err == nil {
		_ = stream.Send(&discovery.DiscoveryRequest{Node: sidecar, TypeUrl: typeEndpoint, ResourceNames: []string{"OUTBOUND|default|plain"}})
		_, err = stream.Recv()
	}
	if status.Code(err) != codes.Unavailable {
		t.Errorf("%v, want no connection", err)
	}
}

// Bad certificates are refused when the listener is made, with a message that says which
// file and why.
func TestTLSFaults(t *testing.T) {
	ours := newAuthority(t)
	certificate, key := ours.issue("server")
	_, otherKey := ours.issue("other")
	text := filepath.Join(t.TempDir(), "text.pem")
	if err := os.WriteFile(text, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name  string
		files secure.TLSConfig
		want  string
	}{
		{"no key", secure.TLSConfig{CertFile: "a.pem"}, `tls: certFile is "a.pem" and keyFile is "", expected both`},
		{"no certificate", secure.TLSConfig{KeyFile: "b.pem"}, `tls: certFile is "" and keyFile is "b.pem", expected both`},
		{"authorities alone", secure.TLSConfig{TrustedCAFile: "c.pem"}, `tls: certFile is "" and keyFile is "", expected both`},
		{"no such certificate", secure.TLSConfig{CertFile: "absent.pem", KeyFile: key}, `tls: certFile "absent.pem" with keyFile "KEY": open absent.pem: no such file or directory`},
		{"no such key", secure.TLSConfig{CertFile: certificate, KeyFile: "absent.pem"}, `tls: certFile "CERT" with keyFile "absent.pem": open absent.pem: no such file or directory`},
		{"the key of another", secure.TLSConfig{CertFile: certificate, KeyFile: otherKey}, `tls: certFile "CERT" with keyFile "OTHER": tls: private key does not match public key`},
		{"text", secure.TLSConfig{CertFile: text, KeyFile: key}, `tls: certFile "TEXT" with keyFile "KEY": tls: failed to find any PEM data in certificate input`},
		{"no such authorities", secure.TLSConfig{CertFile: certificate, KeyFile: key, TrustedCAFile: "absent.pem"}, `tls: trustedCAFile "absent.pem": open absent.pem: no such file or directory`},
		{"text for authorities", secure.TLSConfig{CertFile: certificate, KeyFile: key, TrustedCAFile: text}, `tls: trustedCAFile "TEXT": there is no certificate in it, expected PEM`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			want := strings.NewReplacer("CERT", certificate, "OTHER", otherKey, "KEY", key, "TEXT", text).Replace(tt.want)
			if _, err := credentialsOf(tt.files); err == nil || err.Error() != want {
				t.Errorf("%v\nwant %s", err, want)
			}
		})
	}
	if options, err := credentialsOf(secure.TLSConfig{}); options != nil || err != nil {
		t.Errorf("without files: %v, %v", options, err)
	}
}
