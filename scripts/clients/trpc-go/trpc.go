package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"trpc.group/trpc-go/trpc-go"
	"trpc.group/trpc-go/trpc-go/client"
	"trpc.group/trpc-go/trpc-go/log"
	"trpc.group/trpc-go/trpc-go/server"
	"trpc.group/trpc-go/trpc-go/testdata/trpc/helloworld"
	_ "trpc.group/trpc-go/trpc-naming-polarismesh"
)

// config is the trpc_go.yaml of the caller. It asks Polaris more often than a caller
// does by default, for tests.
const config = `
global: {namespace: default, env_name: "", enable_set: %s, full_set_name: %q}
server: {app: test, server: gateway}
plugins:
  selector:
    polarismesh:
      protocol: grpc
      address_list: %q
      persistDir: %q
      log_dir: %q
      discovery: {refresh_interval: 500}
      timeout: 10000
      connect_timeout: 5000
      message_timeout: 5s
`

// gateway is the server inside of whose requests calls are made.
var gateway string

// setup reads the configuration, as every program of tRPC-Go does at its start.
func setup(polaris, dir, set string) error {
	enable := "N"
	if set != "" {
		enable = "Y"
	}
	path := filepath.Join(dir, "trpc_go.yaml")
	text := fmt.Sprintf(config, enable, set, polaris, filepath.Join(dir, "backup"), filepath.Join(dir, "log"))
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		return err
	}
	log.SetLevel("0", log.LevelError)
	cfg, err := trpc.LoadConfig(path)
	if err != nil {
		return err
	}
	trpc.SetGlobalConfig(cfg)
	if _, err := trpc.SetupPlugins(cfg.Plugins); err != nil {
		return err
	}
	if err := trpc.SetupClients(&cfg.Client); err != nil {
		return err
	}
	listener, err := serve("127.0.0.1", pass, server.WithSetName(set))
	if err != nil {
		return err
	}
	gateway = listener.Addr().String()
	return nil
}

// greeter answers a request by a function.
type greeter func(ctx context.Context, request string) (string, error)

func (g greeter) SayHello(ctx context.Context, req *helloworld.HelloRequest) (*helloworld.HelloReply, error) {
	msg, err := g(ctx, req.Msg)
	return &helloworld.HelloReply{Msg: msg}, err
}

func (g greeter) SayHi(ctx context.Context, req *helloworld.HelloRequest) (*helloworld.HelloReply, error) {
	return g.SayHello(ctx, req)
}

// serve starts a server of tRPC-Go at an address. newServiceWithConfig of
// tRPC-Go gives a server the namespace and the SET of the configuration; here the
// options do.
func serve(ip string, g greeter, opts ...server.Option) (net.Listener, error) {
	listener, err := net.Listen("tcp", net.JoinHostPort(ip, "0"))
	if err != nil {
		return nil, err
	}
	service := server.New(append(opts, server.WithServiceName("test.gateway.Greeter"), server.WithNamespace("default"),
		server.WithNetwork("tcp"), server.WithProtocol("trpc"), server.WithListener(listener), server.WithAddress(listener.Addr().String()))...)
	helloworld.RegisterGreeterService(service, g)
	go func() { _ = service.Serve() }()
	return listener, nil
}

// pass is what the gateway does: the call of the request, in the request's context.
func pass(ctx context.Context, request string) (string, error) {
	var c call
	if err := json.Unmarshal([]byte(request), &c); err != nil {
		return "", err
	}
	return hello(ctx, c)
}

// callOnce calls once and returns the host of the instance that served the call.
func callOnce(c call) (string, error) {
	if !c.Through {
		return hello(trpc.BackgroundContext(), c)
	}
	request, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	reply, err := helloworld.NewGreeterClientProxy().SayHello(trpc.BackgroundContext(), &helloworld.HelloRequest{Msg: string(request)},
		client.WithTarget("ip://"+gateway))
	return reply.GetMsg(), err
}

func hello(ctx context.Context, c call) (string, error) {
	opts := []client.Option{client.WithNamespace("default"), client.WithServiceName(c.Service)}
	if c.CallerSET != "" {
		opts = append(opts, client.WithCallerSetName(c.CallerSET))
	}
	if c.CalleeSET != "" {
		opts = append(opts, client.WithCalleeSetName(c.CalleeSET))
	}
	if c.Target != "" {
		opts = append(opts, client.WithTarget(c.Target))
	}
	if c.Balancer != "" {
		opts = append(opts, client.WithBalancerName(c.Balancer))
	}
	if c.Key != "" {
		opts = append(opts, client.WithKey(c.Key))
	}
	reply, err := helloworld.NewGreeterClientProxy().SayHello(ctx, &helloworld.HelloRequest{}, opts...)
	return reply.GetMsg(), err
}
