package eureka

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// answered is an answer with a list, as clients read it.
type answered struct {
	Applications struct {
		Hashcode    string `json:"apps__hashcode"`
		Version     string `json:"versions__delta"`
		Application []answeredApp
	}
}

type answeredApp struct {
	Name     string
	Instance []answeredInstance
}

type answeredInstance struct {
	ID, App, HostName, Status string
	Port                      struct {
		Number int `json:"$"`
	}
	InstanceID string
	Metadata   map[string]string
	ActionType string
}

// content is what a client must have of an instance.
func (i answeredInstance) content() string {
	return fmt.Sprint(i.App, "/", i.InstanceID, "@", i.HostName, ":", i.Port.Number, " ", i.Status, " ", i.Metadata)
}

// client follows a list as one of the clients does.
type client interface {
	isFull() bool                 // the client has a full list, and asks for deltas
	full(answered)                // takes a full list
	delta(answered) (isFull bool) // takes a delta, and reports whether the client now asks for all
	has() []string                // the content of each instance, sorted
}

// javaClient is com.netflix.discovery.DiscoveryClient.
type javaClient struct {
	apps []*javaApp
}

type javaApp struct {
	name      string
	instances []answeredInstance
}

func (c *javaClient) isFull() bool { return len(c.apps) > 0 }

func (c *javaClient) full(a answered) {
	c.apps = nil
	for _, app := range a.Applications.Application {
		c.apps = append(c.apps, newJavaApp(app))
	}
}

func newJavaApp(a answeredApp) *javaApp {
	out := &javaApp{name: a.Name}
	for _, i := range a.Instance {
		out.add(i)
	}
	return out
}

func (a *javaApp) add(i answeredInstance) {
	a.remove(i)
	a.instances = append(a.instances, i)
}

func (a *javaApp) remove(i answeredInstance) {
	a.instances = slices.DeleteFunc(a.instances, func(other answeredInstance) bool { return other.InstanceID == i.InstanceID })
}

func (c *javaClient) find(name string) *javaApp {
	for n := len(c.apps) - 1; n >= 0; n-- { // the map of names has the last one
		if c.apps[n].name == name {
			return c.apps[n]
		}
	}
	return nil
}

func (c *javaClient) delta(a answered) bool {
	for _, block := range a.Applications.Application {
		app := newJavaApp(block)
		for _, i := range slices.Clone(app.instances) {
			existing := c.find(i.App)
			switch {
			case i.ActionType == "DELETED" && existing == nil:
			case i.ActionType == "DELETED":
				if existing.remove(i); len(existing.instances) == 0 {
					c.apps = slices.DeleteFunc(c.apps, func(a *javaApp) bool { return a == existing })
				}
			case existing == nil: // the whole block comes along
				c.apps = append(c.apps, app)
				app.add(i)
			default:
				existing.add(i)
			}
		}
	}
	return hashcodeOf(c.all()) != a.Applications.Hashcode
}

func (c *javaClient) all() (out []answeredInstance) {
	for _, a := range c.apps {
		out = append(out, a.instances...)
	}
	return out
}

func (c *javaClient) has() []string { return contents(c.all()) }

// pythonClient is py_eureka_client.EurekaClient. It does not look at a delta that has the
// version and the hashcode of the one before, and puts what comes of an application that it
// does not have nowhere.
type pythonClient struct {
	apps map[string]map[string]answeredInstance
	last answered
}

func (c *pythonClient) isFull() bool { return len(c.apps) > 0 }

func (c *pythonClient) full(a answered) {
	c.apps, c.last = map[string]map[string]answeredInstance{}, a
	for _, app := range a.Applications.Application {
		c.apps[app.Name] = map[string]answeredInstance{}
		for _, i := range app.Instance {
			c.apps[app.Name][i.InstanceID] = i
		}
	}
}

func (c *pythonClient) delta(a answered) bool {
	if a.Applications.Version == c.last.Applications.Version && a.Applications.Hashcode == c.last.Applications.Hashcode {
		return false
	}
	for _, app := range a.Applications.Application {
		for _, i := range app.Instance {
			if i.ActionType == "DELETED" {
				delete(c.apps[app.Name], i.InstanceID)
			} else if c.apps[app.Name] != nil {
				c.apps[app.Name][i.InstanceID] = i
			}
		}
	}
	c.last = a
	return hashcodeOf(c.all()) != a.Applications.Hashcode
}

func (c *pythonClient) all() (out []answeredInstance) {
	for _, app := range c.apps {
		out = append(out, slices.Collect(maps.Values(app))...)
	}
	return out
}

func (c *pythonClient) has() []string { return contents(c.all()) }

// nodeClient is eureka-js-client with shouldUseDelta, as far as instances are asked for by
// VIP address. It looks at no hashcode, and knows an instance by host and port.
type nodeClient struct {
	hasFull bool
	vip     map[string][]answeredInstance
}

func (c *nodeClient) isFull() bool { return c.hasFull }

func (c *nodeClient) full(a answered) {
	c.hasFull, c.vip = true, map[string][]answeredInstance{}
	for _, app := range a.Applications.Application {
		for _, i := range app.Instance {
			c.add(i)
		}
	}
}

func (c *nodeClient) find(i answeredInstance) int {
	return slices.IndexFunc(c.vip[i.App], func(other answeredInstance) bool { return other.HostName == i.HostName && other.Port == i.Port })
}

func (c *nodeClient) add(i answeredInstance) {
	if c.find(i) < 0 {
		c.vip[i.App] = append(c.vip[i.App], i)
	}
}

func (c *nodeClient) delta(a answered) bool {
	for _, app := range a.Applications.Application {
		for _, i := range app.Instance {
			switch n := c.find(i); {
			case i.ActionType == "MODIFIED" && n >= 0:
				c.vip[i.App][n] = i
			case i.ActionType == "DELETED" && n >= 0:
				c.vip[i.App] = slices.Delete(c.vip[i.App], n, n+1)
			case i.ActionType != "DELETED":
				c.add(i)
			}
		}
	}
	return false
}

func (c *nodeClient) has() []string {
	var all []answeredInstance
	for _, app := range c.vip {
		all = append(all, app...)
	}
	return contents(all)
}

func hashcodeOf(instances []answeredInstance) string {
	counts := map[string]int{}
	for _, i := range instances {
		counts[i.Status]++
	}
	var b strings.Builder
	for _, status := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(&b, "%s_%d_", status, counts[status])
	}
	return b.String()
}

func contents(instances []answeredInstance) []string {
	out := []string{}
	for _, i := range instances {
		out = append(out, i.content())
	}
	slices.Sort(out)
	return out
}
