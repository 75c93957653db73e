package main

import (
	"context"
	"net"
	"time"

	grpcpolaris "github.com/polarismesh/grpc-go-polaris"
	"github.com/polarismesh/polaris-go/pkg/config"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/peer"
)

// timeout of a call, as a test machine may be busy. A call without an instance
// waits for one as long.
const timeout = 3 * time.Second

type conn = *grpc.ClientConn

// destination is what a connection is for.
type destination struct{ target, set string }

type program struct {
	conf  config.Configuration
	conns map[destination]conn
}

func (p *program) run(c command) answer {
	if c.Serve != "" {
		return serve(c.Serve)
	}
	a := answer{Served: map[string]int{}}
	for range max(c.Times, 1) {
		host, err := p.call(c)
		if err != nil {
			a.Failed++
			a.Error = err.Error()
			continue
		}
		a.Served[host]++
	}
	return a
}

// serve starts an instance, which answers the calls of gRPC's own health service.
func serve(ip string) answer {
	listener, err := net.Listen("tcp", net.JoinHostPort(ip, "0"))
	if err != nil {
		return answer{Error: err.Error()}
	}
	s := grpc.NewServer()
	grpc_health_v1.RegisterHealthServer(s, health.NewServer())
	go func() { _ = s.Serve(listener) }()
	return answer{Port: listener.Addr().(*net.TCPAddr).Port}
}

// call calls once and returns the host of the instance that served the call.
func (p *program) call(c command) (string, error) {
	conn, err := p.dial(c)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if c.Key != "" {
		ctx = grpcpolaris.RequestScopeLbPolicy(grpcpolaris.RequestScopeLbHashKey(ctx, c.Key), c.Balancer)
	}
	var server peer.Peer
	if _, err := grpc_health_v1.NewHealthClient(conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{}, grpc.Peer(&server)); err != nil {
		return "", err
	}
	host, _, err := net.SplitHostPort(server.Addr.String())
	return host, err
}

// dial returns the connection for a command, which later commands use, too.
func (p *program) dial(c command) (conn, error) {
	d := destination{c.Target, c.CalleeSET}
	if d.target == "" {
		d.target = "polaris://" + c.Service
	}
	if conn := p.conns[d]; conn != nil {
		return conn, nil
	}
	opts := []grpcpolaris.DialOption{
		grpcpolaris.WithPolarisConfig(p.conf), grpcpolaris.WithClientNamespace("default"),
		grpcpolaris.WithGRPCDialOptions(grpc.WithTransportCredentials(insecure.NewCredentials())),
	}
	if d.set != "" {
		opts = append(opts, grpcpolaris.WithDstMetadata(map[string]string{"internal-enable-set": "Y", "internal-set-name": d.set}))
	}
	conn, err := grpcpolaris.DialContext(context.Background(), d.target, opts...)
	if err == nil {
		p.conns[d] = conn
	}
	return conn, err
}
