// Command eureka runs the unmodified Eureka client fargo as several callers. It
// reads commands from standard input, one JSON object a line, and answers each
// with one:
//
//   - {"add": NAME, "server": URL, "json": BOOL} makes a caller,
//   - {"get": NAME, "app": APP} answers what the caller's poll of an application
//     has; the poll starts with the first such command,
//   - {"apps": NAME} asks for all applications,
//   - {"vip": NAME, "app": ADDRESS} asks for a VIP address,
//   - {"register": NAME, "app": APP, "host": IP} registers an instance.
//
// The program ends when its input ends.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/hudl/fargo"
	"github.com/op/go-logging"
)

// pollInterval is shorter than a client's 30 s, for tests.
const pollInterval = 200 * time.Millisecond

type command struct {
	Add    string `json:"add"`
	Server string `json:"server"`
	JSON   bool   `json:"json"`

	Get      string `json:"get"`
	Apps     string `json:"apps"`
	VIP      string `json:"vip"`
	Register string `json:"register"`
	App      string `json:"app"`
	Host     string `json:"host"`
}

// answer is the hosts that are UP, by application.
type answer struct {
	Error string              `json:"error,omitempty"`
	Apps  map[string][]string `json:"apps"`
}

// caller is a client with the applications that it polls.
type caller struct {
	fargo.EurekaConnection
	polls map[string]*fargo.AppSource
}

func main() {
	logging.SetLevel(logging.CRITICAL, "fargo")
	callers := map[string]*caller{}
	out := json.NewEncoder(os.Stdout)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var c command
		err := json.Unmarshal(lines.Bytes(), &c)
		a := answer{Apps: map[string][]string{}}
		if err == nil {
			err = do(callers, c, a.Apps)
		}
		if err != nil {
			a.Error = err.Error()
		}
		_ = out.Encode(a)
	}
}

func do(callers map[string]*caller, c command, apps map[string][]string) error {
	if c.Add != "" {
		conn := fargo.NewConn(c.Server)
		conn.UseJson, conn.PollInterval = c.JSON, pollInterval
		callers[c.Add] = &caller{conn, map[string]*fargo.AppSource{}}
		return nil
	}
	name := c.Get + c.Apps + c.VIP + c.Register
	client := callers[name]
	if client == nil {
		return fmt.Errorf("no caller %q", name)
	}
	switch {
	case c.Get != "":
		if client.polls[c.App] == nil {
			client.polls[c.App] = client.NewAppSource(c.App, true)
		}
		if app := client.polls[c.App].Latest(); app != nil {
			apps[app.Name] = hosts(app.Instances)
		}
	case c.Apps != "":
		all, err := client.GetApps()
		if err != nil {
			return err
		}
		for name, app := range all {
			apps[name] = hosts(app.Instances)
		}
	case c.VIP != "":
		instances, err := client.GetInstancesByVIPAddress(c.App, false)
		if err != nil {
			return err
		}
		apps[c.App] = hosts(instances)
	case c.Register != "":
		return client.RegisterInstance(&fargo.Instance{
			InstanceId: c.Host, HostName: c.Host, IPAddr: c.Host, App: c.App, VipAddress: c.App, Status: fargo.UP,
			Port: 80, PortEnabled: true, DataCenterInfo: fargo.DataCenterInfo{Name: fargo.MyOwn},
		})
	}
	return nil
}

func hosts(instances []*fargo.Instance) []string {
	out := []string{}
	for _, i := range instances {
		if i.Status == fargo.UP {
			out = append(out, i.IPAddr)
		}
	}
	return out
}
