// Package eurekaclient does with the lists of Eureka what the clients do that people run:
// each keeps its own list, and applies deltas in its own way. Real clients, unmodified, are
// run by build/polaris-server; these are for many random changes.
package eurekaclient

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Answer is an answer with a list, as clients read its JSON.
type Answer struct {
	Applications struct {
		Hashcode    string `json:"apps__hashcode"`
		Version     string `json:"versions__delta"`
		Application []Application
	}
}

// FetchAll reports whether the answer is a delta of a node that does not know what the
// client has: clients that look at hashcodes fetch all.
func (a Answer) FetchAll() bool { return strings.HasPrefix(a.Applications.Hashcode, "ROUTED_") }

// Application is an application in an answer.
type Application struct {
	Name     string
	Instance []Instance
}

// Instance is an instance in an answer.
type Instance struct {
	InstanceID, App, HostName, IPAddr, Status string
	Port                                      struct {
		Number int `json:"$"`
	}
	Metadata   map[string]string
	ActionType string
}

// Content returns what a client must have of an instance.
func (i Instance) Content() string {
	return fmt.Sprint(i.App, "/", i.InstanceID, "@", i.HostName, ":", i.Port.Number, " ", i.Status, " ", i.Metadata)
}

// Client follows a list as one of the clients does.
type Client interface {
	IsFull() bool               // the client has a full list, and asks for deltas
	Full(Answer)                // takes a full list
	Delta(Answer) (isFull bool) // takes a delta, and reports whether the client now asks for all
	Has() []string              // the content of each instance, sorted
}

// Java is com.netflix.discovery.DiscoveryClient.
type Java struct {
	apps []*javaApp
}

type javaApp struct {
	name      string
	instances []Instance
}

// IsFull implements Client.
func (c *Java) IsFull() bool { return len(c.apps) > 0 }

// Full implements Client.
func (c *Java) Full(a Answer) {
	c.apps = nil
	for _, app := range a.Applications.Application {
		c.apps = append(c.apps, newJavaApp(app))
	}
}

func newJavaApp(a Application) *javaApp {
	out := &javaApp{name: a.Name}
	for _, i := range a.Instance {
		out.add(i)
	}
	return out
}

func (a *javaApp) add(i Instance) {
	a.remove(i)
	a.instances = append(a.instances, i)
}

func (a *javaApp) remove(i Instance) {
	a.instances = slices.DeleteFunc(a.instances, func(other Instance) bool { return other.InstanceID == i.InstanceID })
}

func (c *Java) find(name string) *javaApp {
	for n := len(c.apps) - 1; n >= 0; n-- { // the map of names has the last one
		if c.apps[n].name == name {
			return c.apps[n]
		}
	}
	return nil
}

// Delta implements Client.
func (c *Java) Delta(a Answer) bool {
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
	return Hashcode(c.all()) != a.Applications.Hashcode
}

func (c *Java) all() (out []Instance) {
	for _, a := range c.apps {
		out = append(out, a.instances...)
	}
	return out
}

// Has implements Client.
func (c *Java) Has() []string { return Contents(c.all()) }

// Python is py_eureka_client.EurekaClient. It does not look at a delta that has the
// version and the hashcode of the one before, and puts what comes of an application that it
// does not have nowhere.
type Python struct {
	apps map[string]map[string]Instance
	last Answer
}

// IsFull implements Client.
func (c *Python) IsFull() bool { return len(c.apps) > 0 }

// Full implements Client.
func (c *Python) Full(a Answer) {
	c.apps, c.last = map[string]map[string]Instance{}, a
	for _, app := range a.Applications.Application {
		c.apps[app.Name] = map[string]Instance{}
		for _, i := range app.Instance {
			c.apps[app.Name][i.InstanceID] = i
		}
	}
}

// Delta implements Client.
func (c *Python) Delta(a Answer) bool {
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
	return Hashcode(c.all()) != a.Applications.Hashcode
}

func (c *Python) all() (out []Instance) {
	for _, app := range c.apps {
		out = append(out, slices.Collect(maps.Values(app))...)
	}
	return out
}

// Has implements Client.
func (c *Python) Has() []string { return Contents(c.all()) }

// Node is eureka-js-client with shouldUseDelta, as far as instances are asked for by
// VIP address. It looks at no hashcode, and knows an instance by host and port.
type Node struct {
	hasFull bool
	vip     map[string][]Instance
}

// IsFull implements Client.
func (c *Node) IsFull() bool { return c.hasFull }

// Full implements Client.
func (c *Node) Full(a Answer) {
	c.hasFull, c.vip = true, map[string][]Instance{}
	for _, app := range a.Applications.Application {
		for _, i := range app.Instance {
			c.add(i)
		}
	}
}

func (c *Node) find(i Instance) int {
	return slices.IndexFunc(c.vip[i.App], func(other Instance) bool { return other.HostName == i.HostName && other.Port == i.Port })
}

func (c *Node) add(i Instance) {
	if c.find(i) < 0 {
		c.vip[i.App] = append(c.vip[i.App], i)
	}
}

// Delta implements Client.
func (c *Node) Delta(a Answer) bool {
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

// Has implements Client.
func (c *Node) Has() []string {
	var all []Instance
	for _, app := range c.vip {
		all = append(all, app...)
	}
	return Contents(all)
}

// Hashcode returns the hashcode that clients have of instances.
func Hashcode(instances []Instance) string {
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

// Contents returns the content of each instance, sorted.
func Contents(instances []Instance) []string {
	out := []string{}
	for _, i := range instances {
		out = append(out, i.Content())
	}
	slices.Sort(out)
	return out
}
