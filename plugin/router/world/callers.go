package world

import (
	"cmp"
	"errors"
	"net/netip"
	"slices"

	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// Callers are who asked lately, and for what.
type Callers struct {
	Seen  []Seen  `json:"callers"`
	Asked []Asked `json:"asked"`
	// Complete is false if there are more callers than are told.
	Complete bool `json:"complete"`
}

// Asked is a service, and the callers that asked for it lately.
type Asked struct {
	Service route.Service `json:"service"` // as asked for
	Callers []netip.Addr  `json:"callers"`
}

// Add adds the callers of another node. A caller of both nodes counts once, with all
// requests.
func (c *Callers) Add(other Callers) {
	requests := map[netip.Addr]uint64{}
	for _, s := range slices.Concat(c.Seen, other.Seen) {
		requests[s.Addr] += s.Requests
	}
	c.Seen = c.Seen[:0:0]
	for addr, n := range requests {
		c.Seen = append(c.Seen, Seen{Addr: addr, Requests: n})
	}
	byService := map[route.Service][]netip.Addr{}
	for _, a := range slices.Concat(c.Asked, other.Asked) {
		byService[a.Service] = append(byService[a.Service], a.Callers...)
	}
	c.Asked = c.Asked[:0:0]
	for service, callers := range byService {
		slices.SortFunc(callers, netip.Addr.Compare)
		c.Asked = append(c.Asked, Asked{service, slices.Compact(callers)})
	}
	c.Complete = c.Complete && other.Complete
	c.sort()
}

// Check returns an error if no node would say this.
func (c Callers) Check() error {
	for _, s := range c.Seen {
		if !s.Addr.IsValid() {
			return errors.New("a caller without an address")
		}
	}
	return nil
}

// sort orders callers by address, and services by name.
func (c *Callers) sort() {
	slices.SortFunc(c.Seen, func(a, b Seen) int { return a.Addr.Compare(b.Addr) })
	slices.SortFunc(c.Asked, func(a, b Asked) int { return a.Service.Compare(b.Service) })
}

// Cut leaves so many callers at most, those with the most requests, and so many pairs of
// service and caller.
func (c *Callers) Cut(callers, pairs int) {
	if len(c.Seen) > callers {
		slices.SortStableFunc(c.Seen, func(a, b Seen) int { return cmp.Compare(b.Requests, a.Requests) })
		c.Seen, c.Complete = c.Seen[:callers:callers], false
		c.sort()
	}
	for n := range c.Asked {
		if a := &c.Asked[n]; len(a.Callers) > pairs {
			a.Callers, c.Complete = a.Callers[:pairs:pairs], false
		}
		pairs -= len(c.Asked[n].Callers)
	}
}

// askedBy returns the function that World.Asked is.
func askedBy(list []Asked) func(route.Service) []netip.Addr {
	if list == nil {
		return nil
	}
	byService := map[route.Service][]netip.Addr{}
	for _, a := range list {
		byService[a.Service] = a.Callers
	}
	return func(service route.Service) []netip.Addr { return byService[service] }
}

// WithCallers makes other callers those that asked lately.
func (w *World) WithCallers(c Callers) {
	w.Seen, w.Asked = c.Seen, askedBy(append([]Asked{}, c.Asked...))
}

// askedList returns who asked for what, nil if that is not known.
func (w *World) askedList() []Asked {
	if w.Asked == nil {
		return nil
	}
	out := []Asked{}
	for _, service := range w.Services() {
		if callers := w.Asked(service); len(callers) > 0 {
			callers = slices.Clone(callers)
			slices.SortFunc(callers, netip.Addr.Compare)
			out = append(out, Asked{service, callers})
		}
	}
	return out
}
