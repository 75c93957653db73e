// Command nacos runs the unmodified Nacos SDK for Go, nacos-sdk-go. Its arguments are a
// folder of its own, and addresses of servers: one client for each address. Commands
// come on standard input, one a line, as words, and all clients follow each one:
//
//   - subscribe SERVICE [CLUSTERS]
//   - query SERVICE [CLUSTERS]
//   - select SERVICE TIMES: chooses one healthy instance, so often
//   - register SERVICE HOST PORT SET
//   - deregister SERVICE HOST PORT
//
// A service of another group than DEFAULT_GROUP is GROUP@@NAME. What happens is printed
// as JSON, one a line. The program ends when its input ends. The programs nacos-java,
// nacos-python and nacos-node do the same with their SDKs; select is this one's and
// nacos-java's.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nacos-group/nacos-sdk-go/v2/clients"
	"github.com/nacos-group/nacos-sdk-go/v2/clients/naming_client"
	"github.com/nacos-group/nacos-sdk-go/v2/common/constant"
	"github.com/nacos-group/nacos-sdk-go/v2/model"
	"github.com/nacos-group/nacos-sdk-go/v2/vo"
)

// news is what happened at a client.
type news struct {
	Client  int      `json:"client"`
	At      int64    `json:"at"`   // Unix, in ms
	Kind    string   `json:"kind"` // ready, pushed, or a command that is done
	Service string   `json:"service"`
	Hosts   []string `json:"hosts"`
	// Times says how often each host was chosen.
	Times map[string]int `json:"times,omitempty"`
	Error string         `json:"error,omitempty"`
}

// printer prints news.
type printer struct {
	mu  sync.Mutex
	out *json.Encoder
}

func (p *printer) print(n news) {
	n.At = time.Now().UnixMilli()
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.out.Encode(n)
}

func main() {
	// The SDK may print on standard output, where only news may be.
	p := &printer{out: json.NewEncoder(os.Stdout)}
	os.Stdout = os.Stderr
	var all []*client
	for i, server := range os.Args[2:] {
		sdk, err := newSDK(server, filepath.Join(os.Args[1], strconv.Itoa(i)))
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		c := &client{i, sdk, p, make(chan []string, 100)}
		go c.work()
		all = append(all, c)
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		for _, c := range all {
			c.commands <- strings.Fields(lines.Text())
		}
	}
}

// client is an SDK. A client that waits for its server holds up no other one.
type client struct {
	number   int
	sdk      naming_client.INamingClient
	printer  *printer
	commands chan []string
}

func (c *client) work() {
	c.printer.print(news{Client: c.number, Kind: "ready"})
	for words := range c.commands {
		n, err := c.do(words)
		n.Client, n.Kind, n.Service = c.number, words[0], words[1]
		if err != nil {
			n.Error = err.Error()
		}
		c.printer.print(n)
	}
}

func (c *client) do(words []string) (n news, err error) {
	group, service, named := strings.Cut(words[1], "@@")
	if !named {
		group, service = constant.DEFAULT_GROUP, words[1]
	}
	switch words[0] {
	case "subscribe":
		return n, c.sdk.Subscribe(&vo.SubscribeParam{
			ServiceName: service, GroupName: group, Clusters: clusters(words),
			SubscribeCallback: func(list []model.Instance, _ error) {
				c.printer.print(news{Client: c.number, Kind: "pushed", Service: words[1], Hosts: hosts(list)})
			},
		})
	case "query":
		list, err := c.sdk.GetService(vo.GetServiceParam{ServiceName: service, GroupName: group, Clusters: clusters(words)})
		n.Hosts = hosts(list.Hosts)
		return n, err
	case "select":
		n.Times, err = c.choose(vo.SelectOneHealthInstanceParam{ServiceName: service, GroupName: group}, words[2])
		return n, err
	case "register":
		port, err := strconv.ParseUint(words[3], 10, 16)
		if err != nil {
			return n, err
		}
		_, err = c.sdk.RegisterInstance(vo.RegisterInstanceParam{
			ServiceName: service, GroupName: group, Ip: words[2], Port: port, Weight: 1, Enable: true, Healthy: true, Ephemeral: true,
			Metadata: map[string]string{"internal-set-name": words[4]},
		})
		return n, err
	case "deregister":
		port, err := strconv.ParseUint(words[3], 10, 16)
		if err != nil {
			return n, err
		}
		_, err = c.sdk.DeregisterInstance(vo.DeregisterInstanceParam{ServiceName: service, GroupName: group, Ip: words[2], Port: port, Ephemeral: true})
		return n, err
	}
	return n, fmt.Errorf("no command %q", words[0])
}

// choose chooses one instance so often, and returns how often each host came up.
func (c *client) choose(p vo.SelectOneHealthInstanceParam, times string) (map[string]int, error) {
	n, err := strconv.Atoi(times)
	out := map[string]int{}
	for range n {
		one, err := c.sdk.SelectOneHealthyInstance(p)
		if err != nil {
			return out, err
		}
		out[one.Ip]++
	}
	return out, err
}

func clusters(words []string) []string {
	if len(words) < 3 {
		return nil
	}
	return strings.Split(words[2], ",")
}

func newSDK(server, dir string) (naming_client.INamingClient, error) {
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
