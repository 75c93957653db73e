// Command consumer runs the unmodified Polaris Go SDK as several callers. It
// reads commands from standard input, one JSON object a line, and answers each
// with one: {"add": NAME, "server": ADDR, "dir": DIR} starts a caller,
// {"get": NAME, "namespace": NS, "service": S} tells what it has of a service,
// and with "times": N how often each instance came up in N choices of the SDK's
// load balancer. It ends with its input.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/polarismesh/polaris-go/api"
	"github.com/polarismesh/polaris-go/pkg/config"
	"github.com/polarismesh/polaris-go/pkg/model"
)

type command struct {
	Add    string `json:"add"`
	Server string `json:"server"`
	Dir    string `json:"dir"`

	Get       string `json:"get"`
	Namespace string `json:"namespace"`
	Service   string `json:"service"`
	Times     int    `json:"times"`
}

type instance struct {
	Host     string            `json:"host"`
	Port     uint32            `json:"port"`
	Healthy  bool              `json:"healthy"`
	Isolated bool              `json:"isolated"`
	Weight   int               `json:"weight"`
	Region   string            `json:"region"`
	Zone     string            `json:"zone"`
	Campus   string            `json:"campus"`
	Metadata map[string]string `json:"metadata"`
}

type answer struct {
	Error     string     `json:"error,omitempty"`
	Revision  string     `json:"revision,omitempty"`
	Instances []instance `json:"instances"`
	Picked    string     `json:"picked,omitempty"` // by the SDK's own load balancer

	Times map[string]int `json:"times,omitempty"` // choices by host
}

func main() {
	callers := map[string]api.ConsumerAPI{}
	// The SDK prints on standard output; the answers need it for themselves.
	out := json.NewEncoder(os.Stdout)
	os.Stdout = os.Stderr
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var c command
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			_ = out.Encode(answer{Error: err.Error()})
			continue
		}
		if c.Add != "" {
			consumer, err := newCaller(c)
			callers[c.Add] = consumer
			_ = out.Encode(answer{Error: text(err)})
			continue
		}
		_ = out.Encode(get(callers[c.Get], c))
	}
}

// newCaller has the SDK's defaults but for the server and its own folders.
func newCaller(c command) (api.ConsumerAPI, error) {
	if err := api.SetLoggersDir(filepath.Join(c.Dir, "log")); err != nil {
		return nil, err
	}
	conf := config.NewDefaultConfiguration([]string{c.Server})
	conf.Consumer.LocalCache.SetPersistDir(filepath.Join(c.Dir, "backup"))
	return api.NewConsumerAPIByConfig(conf)
}

func get(consumer api.ConsumerAPI, c command) answer {
	if consumer == nil {
		return answer{Error: fmt.Sprintf("no caller %q", c.Get)}
	}
	timeout := 5 * time.Second
	all := &api.GetAllInstancesRequest{}
	all.Namespace, all.Service, all.Timeout = c.Namespace, c.Service, &timeout
	resp, err := consumer.GetAllInstances(all)
	if err != nil {
		return answer{Error: err.Error()}
	}
	a := answer{Revision: resp.GetRevision(), Instances: []instance{}}
	for _, i := range resp.GetInstances() {
		a.Instances = append(a.Instances, of(i))
	}
	a.Times = map[string]int{}
	for range max(c.Times, 1) {
		one := &api.GetOneInstanceRequest{}
		one.Namespace, one.Service, one.Timeout = c.Namespace, c.Service, &timeout
		if picked, err := consumer.GetOneInstance(one); err == nil && picked.GetInstance() != nil {
			a.Picked = picked.GetInstance().GetHost()
			a.Times[a.Picked]++
		}
	}
	return a
}

func of(i model.Instance) instance {
	return instance{
		Host: i.GetHost(), Port: i.GetPort(), Healthy: i.IsHealthy(), Isolated: i.IsIsolated(), Weight: i.GetWeight(),
		Region: i.GetRegion(), Zone: i.GetZone(), Campus: i.GetCampus(), Metadata: i.GetMetadata(),
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
