// Command nacos runs the unmodified Nacos Go SDK as a consumer of one service.
// Its arguments are the server's address, the service, and a folder of its own.
// Until its standard input ends it prints states as JSON, one a line: what a query
// answers, and what was pushed.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/nacos-group/nacos-sdk-go/v2/clients"
	"github.com/nacos-group/nacos-sdk-go/v2/clients/naming_client"
	"github.com/nacos-group/nacos-sdk-go/v2/common/constant"
	"github.com/nacos-group/nacos-sdk-go/v2/model"
	"github.com/nacos-group/nacos-sdk-go/v2/vo"
)

type state struct {
	Query  []string `json:"query"`
	Pushed []string `json:"pushed"`
	Error  string   `json:"error,omitempty"`
}

func main() {
	// The SDK may print on standard output, where only states may be.
	out := json.NewEncoder(os.Stdout)
	os.Stdout = os.Stderr
	client, err := newClient(os.Args[1], os.Args[3])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	var mu sync.Mutex
	var pushed []string
	err = client.Subscribe(&vo.SubscribeParam{ServiceName: os.Args[2], SubscribeCallback: func(list []model.Instance, err error) {
		mu.Lock()
		defer mu.Unlock()
		pushed = hosts(list)
	}})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	for ; ; time.Sleep(200 * time.Millisecond) {
		s := state{}
		service, err := client.GetService(vo.GetServiceParam{ServiceName: os.Args[2]})
		s.Query = hosts(service.Hosts)
		if err != nil {
			s.Error = err.Error()
		}
		mu.Lock()
		s.Pushed = pushed
		mu.Unlock()
		_ = out.Encode(s)
	}
}

func newClient(server, dir string) (naming_client.INamingClient, error) {
	host, port, err := net.SplitHostPort(server)
	if err != nil {
		return nil, err
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, err
	}
	config := constant.NewClientConfig(constant.WithLogDir(dir), constant.WithCacheDir(dir), constant.WithNotLoadCacheAtStart(true), constant.WithLogLevel("warn"))
	return clients.NewNamingClient(vo.NacosClientParam{
		ClientConfig:  config,
		ServerConfigs: []constant.ServerConfig{*constant.NewServerConfig(host, number)},
	})
}

func hosts(list []model.Instance) []string {
	out := []string{}
	for _, i := range list {
		out = append(out, i.Ip)
	}
	slices.Sort(out)
	return out
}
