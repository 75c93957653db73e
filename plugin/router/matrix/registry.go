package matrix

import (
	"slices"

	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// Registry has the instances of a world by their numbers. Columns are made of them. It is
// not safe for concurrent use.
type Registry struct {
	instances []instance
	numbering *numbering
}

// numbering gives instances their numbers. Registries of worlds with the same instances
// share one.
type numbering struct {
	services map[route.Service][]int
	count    int
}

// instance is an instance of a registry. The zero value has not been told of.
type instance struct {
	set       string
	place     location.Location
	usable    bool
	evacuated bool
	told      bool
}

// NewRegistry returns a registry without instances.
func NewRegistry() *Registry {
	return &Registry{numbering: &numbering{services: map[route.Service][]int{}}}
}

// withNumbers returns a registry without instances that gives the same numbers.
func (r *Registry) withNumbers() *Registry { return &Registry{numbering: r.numbering} }

// Numbers returns the numbers of the instances of a service, in their order. The slice is
// shared: read only.
func (r *Registry) Numbers(service route.Service, list []explain.Callee) []int {
	numbers := r.numbering.of(service, len(list))
	if len(list) == 0 || numbers[0] < len(r.instances) && r.instances[numbers[0]].told {
		return numbers
	}
	if missing := r.numbering.count - len(r.instances); missing > 0 {
		r.instances = append(r.instances, make([]instance, missing)...)
	}
	for n, c := range list {
		r.instances[numbers[n]] = instance{string(c.SET), c.Location, c.Usable(), c.Evacuated, true}
	}
	return numbers
}

// of returns the numbers of so many instances of a service.
func (n *numbering) of(service route.Service, count int) []int {
	numbers := n.services[service]
	for len(numbers) < count {
		numbers = append(numbers, n.count)
		n.count++
	}
	n.services[service] = numbers
	return numbers[:count:count]
}

// hasEvacuated reports whether one of some instances is evacuated.
func (r *Registry) hasEvacuated(numbers []int) bool {
	return slices.ContainsFunc(numbers, func(n int) bool { return r.instances[n].evacuated })
}
