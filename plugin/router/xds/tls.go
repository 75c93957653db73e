package xds

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"

	"github.com/polarismesh/polaris/common/secure"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
)

// credentialsOf returns the options of the gRPC server for TLS, none without TLS. With
// trustedCAFile clients need a certificate of one of these authorities. The other listeners
// of Polaris read trustedCAFile and do nothing with it.
func credentialsOf(files secure.TLSConfig) ([]grpc.ServerOption, error) {
	switch {
	case files.CertFile == "" && files.KeyFile == "" && files.TrustedCAFile == "":
		return nil, nil
	case files.CertFile == "" || files.KeyFile == "":
		return nil, fmt.Errorf("tls: certFile is %q and keyFile is %q, expected both", files.CertFile, files.KeyFile)
	}
	pair, err := tls.LoadX509KeyPair(files.CertFile, files.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("tls: certFile %q with keyFile %q: %w", files.CertFile, files.KeyFile, err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	if files.TrustedCAFile != "" {
		if config.ClientCAs, err = authorities(files.TrustedCAFile); err != nil {
			return nil, fmt.Errorf("tls: trustedCAFile %q: %w", files.TrustedCAFile, err)
		}
		config.ClientAuth = tls.RequireAndVerifyClientCert
	}
	return []grpc.ServerOption{grpc.Creds(credentials.NewTLS(config))}, nil
}

// authorities returns the certificates in a file of PEM.
func authorities(name string) (*x509.CertPool, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, errors.New("there is no certificate in it, expected PEM")
	}
	return pool, nil
}
