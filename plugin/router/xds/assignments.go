package xds

import (
	"strings"
	"sync"

	"github.com/polaris-contrib/setrouter/internal/observe"
	"github.com/polaris-contrib/setrouter/plugin/router/view"
)

// assignments are the assignments that callers have: one for all callers of a kind. They
// are safe for concurrent use. The zero value is ready for use.
type assignments struct {
	most int // how many are kept until the next age; 0: all

	mu   sync.Mutex
	used map[assignmentKey]*resource // since the last age
	old  map[assignmentKey]*resource
}

// assignmentKey is an assignment by its content.
type assignmentKey struct{ cluster, revision string }

// of returns the assignment of a cluster with the roads of a kind of caller.
func (a *assignments) of(cluster string, roads *view.Roads) (*resource, error) {
	return a.make(assignmentKey{cluster, roads.Revision}, func() (*resource, error) {
		return newResource(newAssignment(cluster, roads.Priorities, roads.Rule.Degrade.Overprovision))
	})
}

// make returns the assignment of a key, which build builds if nobody has it. A panic in
// build is an error.
func (a *assignments) make(key assignmentKey, build func() (*resource, error)) (made *resource, err error) {
	defer observe.Recovered(&err)
	a.mu.Lock()
	defer a.mu.Unlock()
	if made = a.used[key]; made == nil {
		made = a.old[key]
	}
	if made == nil {
		if made, err = build(); err != nil {
			return nil, err
		}
	}
	if a.most > 0 && len(a.used) >= a.most {
		a.old, a.used = a.used, nil
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
