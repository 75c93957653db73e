package matrix

import (
	"slices"

	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// Registry gives instances numbers. Columns are made of the instances. The zero value is
// ready for use. It is not safe for concurrent use.
type Registry struct {
	instances []instance
	services  map[route.Service][]int
}

// instance is an instance of the registry.
type instance struct {
	set       string
	place     location.Location
	usable    bool
	evacuated bool
}

// Numbers returns the numbers of the instances of a service, in their order. The slice is
// shared: read only.
func (r *Registry) Numbers(service route.Service, list []explain.Callee) []int {
	if numbers, ok := r.services[service]; ok || len(list) == 0 {
		return numbers
	}
	numbers := make([]int, len(list))
	for n, c := range list {
		numbers[n] = len(r.instances)
		r.instances = append(r.instances, instance{string(c.SET), c.Location, c.Usable(), c.Evacuated})
	}
	if r.services == nil {
		r.services = map[route.Service][]int{}
	}
	r.services[service] = numbers
	return numbers
}

// hasEvacuated reports whether one of some instances is evacuated.
func (r *Registry) hasEvacuated(numbers []int) bool {
	return slices.ContainsFunc(numbers, func(n int) bool { return r.instances[n].evacuated })
}
