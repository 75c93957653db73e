// Package sources is where identity sources that are packages of their own are
// put into a server: they register here, and package router opens those that
// the configuration names. So the router knows nothing of what they are made of.
package sources

import (
	"fmt"
	"iter"
	"net/netip"
	"time"

	"github.com/polaris-contrib/setrouter/internal/serverconfig"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

// Source knows addresses from elsewhere, and follows what changes there. Its
// methods are called by many goroutines at once and do not block; Facts is
// asked for callers and for instances alike.
type Source interface {
	location.Source
	// Generation goes up after each change of what Facts returns: while it
	// stays, every Found is equal to the one before.
	Generation() uint64
	// All iterates over the addresses that are known.
	All() iter.Seq2[netip.Addr, *location.Facts]
	Status(now time.Time) Status
}

// Status is the state of the source `kubernetes`. Its JSON is that of the admin
// listener.
type Status struct {
	Addresses int       `json:"addresses"`
	Ambiguous int       `json:"ambiguous"` // addresses in several clusters
	Clusters  []Cluster `json:"clusters"`
}

// Cluster is what is known of a cluster, and since when.
type Cluster struct {
	Name string `json:"name"`
	// State is starting: nothing is known yet; snapshot: pods or nodes are those
	// of the copy on disk; live; or away: the API server does not answer, and
	// what is known is the last that it said.
	State string `json:"state"`
	// Heard is when the API server last said something, zero for never; of a
	// copy on disk, before it was written.
	Heard      time.Time `json:"heard"`
	AgeSeconds float64   `json:"ageSeconds"`
	Pods       int       `json:"pods"`
	Nodes      int       `json:"nodes"`
	Snapshot   bool      `json:"snapshot"` // pods or nodes are those of the copy on disk
	Invalid    int       `json:"invalid"`  // pods whose SET is no SET name
	First      []Invalid `json:"firstInvalid"`
	Problems   []string  `json:"problems"`
}

// Invalid is a pod whose SET is no SET name.
type Invalid struct {
	Pod string `json:"pod"` // namespace/name
	Why string `json:"why"`
}

// The states of a cluster.
const (
	Starting = "starting"
	Snapshot = "snapshot"
	Live     = "live"
	Away     = "away"
)

// Opener opens a source. It returns at once: what the source has to ask for
// comes later. An error is one of the configuration.
type Opener func(*serverconfig.Config) (Source, error)

var openers = map[string]Opener{}

// Register is called by the init functions of sources.
func Register(name string, open Opener) {
	if _, there := openers[name]; there {
		panic(fmt.Sprintf("source %q is registered twice", name))
	}
	openers[name] = open
}

// Open opens a source by its name.
func Open(name string, config *serverconfig.Config) (Source, error) {
	open, there := openers[name]
	if !there {
		return nil, fmt.Errorf("source %q is not in this server, expected its package among the imports, as in registry.go", name)
	}
	return open(config)
}
