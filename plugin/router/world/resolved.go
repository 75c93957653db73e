package world

import (
	"sync"

	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// resolved are the instances of services with their identities. The instances of a service
// are resolved when somebody asks for them: most questions are about few services. It is
// safe for concurrent use.
type resolved struct {
	hosts       location.Hosts
	evacuations route.Evacuations

	mu        sync.Mutex
	numbers   map[route.Service][]int32 // of the instances that are not resolved yet
	byService map[route.Service][]explain.Callee
}

func newResolved(instances []Instance, hosts location.Hosts, evacuations route.Evacuations) *resolved {
	r := &resolved{hosts: hosts, evacuations: evacuations, numbers: map[route.Service][]int32{}, byService: map[route.Service][]explain.Callee{}}
	for n := range instances {
		r.numbers[instances[n].Service] = append(r.numbers[instances[n].Service], int32(n))
	}
	return r
}

// of returns the instances of a service, nil if it has none.
func (r *resolved) of(service route.Service, instances []Instance) []explain.Callee {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.resolve(service, instances)
	return r.byService[service]
}

// all returns the instances of all services that have any.
func (r *resolved) all(instances []Instance) map[route.Service][]explain.Callee {
	r.mu.Lock()
	defer r.mu.Unlock()
	for service := range r.numbers {
		r.resolve(service, instances)
	}
	return r.byService
}

// resolve resolves the instances of a service, once.
func (r *resolved) resolve(service route.Service, instances []Instance) {
	numbers, ok := r.numbers[service]
	if !ok {
		return
	}
	delete(r.numbers, service)
	list := make([]explain.Callee, len(numbers))
	for n, number := range numbers {
		list[n] = r.callee(&instances[number])
	}
	r.byService[service] = list
}

// callee resolves an instance.
func (r *resolved) callee(i *Instance) explain.Callee {
	registered, ignored := location.Registered(i.Location, i.Metadata)
	facts := r.hosts.Instance(i.Host, &registered)
	_, isOut := r.evacuations.TakingOut(facts.Location, facts.SET)
	return explain.Callee{
		ID: i.ID, Host: i.Host, Port: i.Port, Ignored: ignored,
		Instance: route.Instance{
			Location: facts.Location, SET: facts.SET, Evacuated: isOut,
			Healthy: i.Healthy, Isolate: i.Isolate, Weight: i.Weight,
		},
	}
}
