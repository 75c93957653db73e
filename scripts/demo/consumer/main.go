// Command consumer runs the unmodified Polaris Go SDK as several callers. It
// reads commands from standard input, one JSON object a line, and answers each
// with one:
//
//   - {"add": NAME, "server": ADDR, "dir": DIR} starts a caller; further keys
//     are "servers" (more addresses), "bindIP", "routers" (the chain) and
//     "persist" (keep files on disk, which v1.5.5 does not by itself),
//   - {"get": NAME, "namespace": NS, "service": S} answers the list that the
//     caller has of a service. With "times": N it also answers how often each
//     instance came up in N choices of the SDK's load balancer, which is "balancer"
//     where that is given. With "keys": N it answers the choice for each of N hash
//     keys. With "set": SET the caller says that SET in its request,
//   - {"watch": NAME, "namespace": NS, "service": S} answers the events since the
//     last such command; the first one starts the watch,
//   - {"where": NAME} answers the location that the SDK believes to have.
//
// The program ends when its input ends.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"github.com/polarismesh/polaris-go/pkg/model"
)

type command struct {
	Add     string   `json:"add"`
	Server  string   `json:"server"`
	Servers []string `json:"servers"`
	Dir     string   `json:"dir"`
	BindIP  string   `json:"bindIP"`
	Routers []string `json:"routers"`
	Persist bool     `json:"persist"`

	Get       string `json:"get"`
	Watch     string `json:"watch"`
	Namespace string `json:"namespace"`
	Service   string `json:"service"`
	Times     int    `json:"times"`
	Balancer  string `json:"balancer"`
	Keys      int    `json:"keys"`
	Set       string `json:"set"`

	Where string `json:"where"`
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

// event is a change that the SDK reports, as hosts.
type event struct {
	Added   []string `json:"added"`
	Updated []string `json:"updated"`
	Deleted []string `json:"deleted"`
}

type answer struct {
	Error     string     `json:"error,omitempty"`
	Revision  string     `json:"revision,omitempty"`
	Instances []instance `json:"instances"`
	Picked    string     `json:"picked,omitempty"` // by the SDK's own load balancer

	Times     map[string]int `json:"times,omitempty"`     // choices by host
	ByKey     []string       `json:"byKey,omitempty"`     // the host chosen for each key
	PickError string         `json:"pickError,omitempty"` // of the last choice that failed
	Events    []event        `json:"events,omitempty"`
	Location  []string       `json:"location,omitempty"` // region, zone, campus
}

func main() {
	callers := map[string]*caller{}
	// The SDK prints on standard output, where only answers may be.
	out := json.NewEncoder(os.Stdout)
	os.Stdout = os.Stderr
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var c command
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			_ = out.Encode(answer{Error: err.Error()})
			continue
		}
		_ = out.Encode(run(callers, c))
	}
}

func run(callers map[string]*caller, c command) answer {
	if c.Add != "" {
		added, err := newCaller(c)
		if err != nil {
			return answer{Error: err.Error()}
		}
		callers[c.Add] = added
		return answer{}
	}
	name := c.Get + c.Watch + c.Where // one of them is given
	caller := callers[name]
	switch {
	case caller == nil:
		return answer{Error: fmt.Sprintf("no caller %q", name)}
	case c.Watch != "":
		return caller.watch(c)
	case c.Where != "":
		return caller.where()
	}
	return caller.get(c)
}

func newInstance(i model.Instance) instance {
	return instance{
		Host: i.GetHost(), Port: i.GetPort(), Healthy: i.IsHealthy(), Isolated: i.IsIsolated(), Weight: i.GetWeight(),
		Region: i.GetRegion(), Zone: i.GetZone(), Campus: i.GetCampus(), Metadata: i.GetMetadata(),
	}
}
