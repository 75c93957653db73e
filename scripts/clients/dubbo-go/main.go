// Command dubbo-go runs the unmodified dubbo-go with its Polaris registry, as an
// instance or as a caller.
//
// With -serve IP the program is an instance of the service test.Hello at that
// address, which registers itself with the SET of -set, and prints {} when it has.
//
// Without, the program calls test.Hello. It reads commands from standard input, one
// JSON object a line, and answers each with one: {"times": N} answers how often each
// instance served one of N calls. Other lines on standard output are logs.
//
// The program ends when its input ends.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"

	"dubbo.apache.org/dubbo-go/v3/config"
	_ "dubbo.apache.org/dubbo-go/v3/imports"
)

const service = "test.Hello"

type command struct {
	Times int `json:"times"`
}

// answer is what the program answers to a command.
type answer struct {
	Served map[string]int `json:"served,omitempty"` // calls by the host that served them
	Failed int            `json:"failed,omitempty"`
	Error  string         `json:"error,omitempty"` // of the last call that failed
}

// instance is an instance of the service, at a host.
type instance struct{ host string }

// Hello answers the instance's host.
func (i *instance) Hello(context.Context, string) (string, error) { return i.host, nil }

// Reference returns the name of the service in the configuration.
func (i *instance) Reference() string { return "instance" }

// caller calls the service.
type caller struct {
	Hello func(context.Context, string) (string, error)
}

// Reference returns the name of the service in the configuration.
func (c *caller) Reference() string { return "caller" }

func main() {
	server := flag.String("server", "", "address of Polaris, for gRPC")
	flag.String("dir", ".", "folder; the SDK's files are in the working directory")
	host := flag.String("serve", "", "address to serve at; empty: the program calls")
	set := flag.String("set", "", "SET of the instance")
	flag.Parse()
	if err := run(*server, *host, *set); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(server, host, set string) error {
	root := config.NewRootConfigBuilder().
		SetApplication(config.NewApplicationConfigBuilder().SetName("test").Build()).
		AddRegistry("polaris", config.NewRegistryConfigBuilder().SetProtocol("polaris").SetAddress(server).
			SetNamespace("default").SetRegistryType("interface").Build())
	if host == "" {
		return call(root)
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return err
	}
	port := listener.Addr().(*net.TCPAddr).Port
	if err := listener.Close(); err != nil {
		return err
	}
	config.SetProviderService(&instance{host})
	provided := config.NewServiceConfigBuilder().SetInterface(service).SetProtocolIDs("dubbo").Build()
	provided.Params = map[string]string{"internal-set-name": set, "internal-enable-set": "Y"}
	root.AddProtocol("dubbo", config.NewProtocolConfigBuilder().SetName("dubbo").SetIp(host).SetPort(strconv.Itoa(port)).Build()).
		SetProvider(config.NewProviderConfigBuilder().AddService("instance", provided).Build())
	if err := config.Load(config.WithRootConfig(root.Build())); err != nil {
		return err
	}
	fmt.Println("\n{}")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// call answers commands until there are no more.
func call(root *config.RootConfigBuilder) error {
	c := &caller{}
	config.SetConsumerService(c)
	root.SetConsumer(config.NewConsumerConfigBuilder().SetCheck(false).AddReference("caller",
		config.NewReferenceConfigBuilder().SetInterface(service).SetProtocol("dubbo").SetRetries("0").Build()).Build())
	if err := config.Load(config.WithRootConfig(root.Build())); err != nil {
		return err
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var in command
		if err := json.Unmarshal(lines.Bytes(), &in); err != nil {
			return err
		}
		text, err := json.Marshal(c.callMany(in.Times))
		if err != nil {
			return err
		}
		fmt.Printf("\n%s\n", text)
	}
	return lines.Err()
}

func (c *caller) callMany(times int) answer {
	a := answer{Served: map[string]int{}}
	for range times {
		host, err := c.Hello(context.Background(), "")
		if err != nil {
			a.Failed++
			a.Error = err.Error()
			continue
		}
		a.Served[host]++
	}
	return a
}
