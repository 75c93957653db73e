package xds

import (
	"strings"
	"sync"

	endpoint "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"

	"github.com/polaris-contrib/setrouter/internal/observe"
	"github.com/polaris-contrib/setrouter/plugin/router/view"
)

// assignments are the assignments that callers have: one for all callers of a kind. They
// are safe for concurrent use. The zero value is ready for use.
type assignments struct {
	mu   sync.Mutex
	used map[assignmentKey]*resource // since the last age
	old  map[assignmentKey]*resource
}

// assignmentKey is an assignment by its content.
type assignmentKey struct{ cluster, revision string }

// of returns the assignment of a cluster with the roads of a kind of caller.
func (a *assignments) of(cluster string, roads *view.Roads) (*resource, error) {
	return a.make(assignmentKey{cluster, roads.Revision}, func() *endpoint.ClusterLoadAssignment {
		return newAssignment(cluster, roads.Priorities, roads.Overprovision)
	})
}

// make returns the assignment of a key, which build builds if nobody has it. A panic in
// build is an error.
func (a *assignments) make(key assignmentKey, build func() *endpoint.ClusterLoadAssignment) (made *resource, err error) {
	defer observe.Recovered(&err)
	a.mu.Lock()
	defer a.mu.Unlock()
	if made = a.used[key]; made == nil {
		made = a.old[key]
	}
	if made == nil {
		if made, err = newResource(build()); err != nil {
			return nil, err
		}
	}
	if a.used == nil {
		a.used = map[assignmentKey]*resource{}
	}
	a.used[key] = made
	return made, nil
}

// age forgets what nobody has asked for since the last call but one.
func (a *assignments) age() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.old, a.used = a.used, nil
}

// namespaceIn returns the namespace in the name of a cluster.
func namespaceIn(cluster string) string {
	_, rest, _ := strings.Cut(cluster, "|")
	namespace, _, _ := strings.Cut(rest, "|")
	return namespace
}
