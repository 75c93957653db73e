// Package sources is the register of identity sources that are packages of their
// own. Such a package registers its source; package router opens the sources that
// the configuration names. So the router imports none of these packages.
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
// methods are safe for concurrent use, and do not block. Facts is called for
// callers and for instances alike.
type Source interface {
	location.Source
	// Generation returns a number that goes up after each change of what Facts
	// returns. While the number stays, so does every Found.
	Generation() uint64
	// All iterates over the addresses that the source knows.
	All() iter.Seq2[netip.Addr, *location.Facts]
	// Status returns the state of the source at the time now.
	Status(now time.Time) Status
}

// Status is the state of the source kubernetes. Its JSON is in the answers of the
// admin listener.
type Status struct {
	Addresses int       `json:"addresses"`
	Ambiguous int       `json:"ambiguous"` // addresses in several clusters
	Clusters  []Cluster `json:"clusters"`
}

// Cluster is what is known of a cluster, and since when.
type Cluster struct {
	Name  string `json:"name"`
	State string `json:"state"` // one of the states below
	// Heard is when the API server last said something; zero: never. While the
	// copy on disk counts, it is when the API server last said something before
	// the copy was written.
	Heard      time.Time `json:"heard"`
	AgeSeconds float64   `json:"ageSeconds"`
	Pods       int       `json:"pods"`
	Nodes      int       `json:"nodes"`
	Snapshot   bool      `json:"snapshot"` // pods or nodes come from the copy on disk
	Invalid    int       `json:"invalid"`  // pods whose SET is not a SET name
	First      []Invalid `json:"firstInvalid"`
	Problems   []string  `json:"problems"`
}

// Invalid is a pod whose SET is not a SET name.
type Invalid struct {
	Pod string `json:"pod"` // namespace/name
	Why string `json:"why"`
}

// The states of a cluster.
const (
	StateStarting = "starting" // nothing is known yet
	StateSnapshot = "snapshot" // pods or nodes come from the copy on disk
	StateLive     = "live"     // the API server answers
	StateAway     = "away"     // the API server does not answer: its last words count
)

// Opener opens a source. It returns at once: the source asks for what it needs
// later. An error means that the configuration is wrong.
type Opener func(*serverconfig.Config) (Source, error)

var openers = map[string]Opener{}

// Register adds a source. The init functions of the packages of sources call it.
func Register(name string, open Opener) {
	if _, ok := openers[name]; ok {
		panic(fmt.Sprintf("source %q is registered twice", name))
	}
	openers[name] = open
}

// Openers returns what is registered, by name. Callers do not change the map.
func Openers() map[string]Opener { return openers }

// Open opens a source by its name.
func Open(name string, config *serverconfig.Config) (Source, error) {
	open, ok := openers[name]
	if !ok {
		return nil, fmt.Errorf("source %q is not in this server, expected its package among the imports, as in registry.go", name)
	}
	return open(config)
}
