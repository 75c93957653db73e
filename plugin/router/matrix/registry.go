package matrix

import (
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
)

// Registry gives instances numbers. Columns are made of the instances. It is not safe for
// concurrent use.
type Registry struct {
	instances []instance
	byID      map[string]int
}

// instance is an instance of the registry.
type instance struct {
	set       string
	place     location.Location
	usable    bool
	evacuated bool
}

// NewRegistry returns a registry without instances.
func NewRegistry() *Registry { return &Registry{byID: map[string]int{}} }

// Number returns the number of an instance, which gets one if it has none.
func (r *Registry) Number(c *explain.Callee) int {
	n, ok := r.byID[c.ID]
	if !ok {
		n = len(r.instances)
		r.byID[c.ID] = n
		r.instances = append(r.instances, instance{string(c.SET), c.Location, c.Usable(), c.Evacuated})
	}
	return n
}

// Numbers returns the numbers of instances.
func (r *Registry) Numbers(list []explain.Callee) []int {
	out := make([]int, len(list))
	for n := range list {
		out[n] = r.Number(&list[n])
	}
	return out
}

// Known returns the numbers of the instances with some ids, without those that are not in
// the registry: they were taken out just now.
func (r *Registry) Known(ids []string) []int {
	out := make([]int, 0, len(ids))
	for _, id := range ids {
		if n, ok := r.byID[id]; ok {
			out = append(out, n)
		}
	}
	return out
}

// hasEvacuated reports whether one of some instances is evacuated.
func (r *Registry) hasEvacuated(numbers []int) bool {
	for _, n := range numbers {
		if r.instances[n].evacuated {
			return true
		}
	}
	return false
}
