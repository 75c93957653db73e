package view

import (
	"cmp"
	"fmt"
	"math"
	"net/netip"
	"strings"
	"sync"

	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"go.uber.org/zap"

	"github.com/polaris-contrib/setrouter/internal/observe"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// LeftOut is what does not go out to clients that fail over by themselves, though it is in
// their lists and in service. Such clients refuse a whole list for one instance of these
// (docs/design.md, 6.1). The zero value is nothing.
type LeftOut struct {
	Names     int    // instances whose host is no IP address
	Twins     int    // instances of an address and port that another instance has
	NameOfOne string // host and port of the first of Names
	TwinOfOne string // host and port of the first of Twins
}

// String says what is left out, for operators. It is empty for the zero value.
func (l LeftOut) String() string {
	var parts []string
	if l.Names > 0 {
		parts = append(parts, fmt.Sprintf("%d whose host is no IP address, as %q", l.Names, l.NameOfOne))
	}
	if l.Twins > 0 {
		parts = append(parts, fmt.Sprintf("%d with the address and port of another instance, as %q", l.Twins, l.TwinOfOne))
	}
	return strings.Join(parts, ", and ")
}

// larger returns the one that has more, and of equal ones the one that is first in order.
func (l LeftOut) larger(other LeftOut) LeftOut {
	if cmp.Or(cmp.Compare(other.Names+other.Twins, l.Names+l.Twins), strings.Compare(l.String(), other.String())) > 0 {
		return other
	}
	return l
}

// leftOut returns what the cell's roads do not have of its list, if anybody asks for them.
func (c *cell) leftOut() LeftOut {
	if roads := c.roads.Load(); roads != nil {
		return roads.LeftOut
	}
	return LeftOut{}
}

// leftOutLog is what the log has said already of instances that are left out. The zero value
// is ready for use. It is safe for concurrent use.
type leftOutLog struct {
	mu   sync.Mutex
	said map[leftOutKey]bool
}

// leftOutKey is what the log says once: the first instances of their kinds in a service.
type leftOutKey struct {
	service    route.Service
	name, twin string
}

// maxLeftOutSaid bounds what is remembered. When it is reached, the log may say again what
// it has said.
const maxLeftOutSaid = 1000

// log says in the log what is left out of a service, once for the same instances.
func (l *leftOutLog) log(service route.Service, left LeftOut) {
	key := leftOutKey{service, left.NameOfOne, left.TwinOfOne}
	l.mu.Lock()
	defer l.mu.Unlock()
	if left == (LeftOut{}) || l.said[key] {
		return
	}
	if l.said == nil || len(l.said) >= maxLeftOutSaid {
		l.said = map[leftOutKey]bool{}
	}
	l.said[key] = true
	observe.Log.Warn("[SetRouter] xDS clients do not get every instance: "+explain.Plain(left.String()), zap.Stringer("service", service))
}

// Reachable is an instance that goes out, with its address, normalised.
type Reachable struct {
	*apiservice.Instance
	Addr netip.AddrPort
}

// ReachableIn returns the instances of priorities that go out, without the priorities that
// have none, and what is left out. Isolated instances and those of weight 0 never go out,
// and are not counted. An address and port goes out once: with the first instance by id,
// in whichever priority that instance is.
func ReachableIn(priorities []Priority) (out [][]Reachable, left LeftOut) {
	first := map[netip.AddrPort]*apiservice.Instance{}
	each := func(do func(n int, i *apiservice.Instance, addr netip.AddrPort)) {
		for n, p := range priorities {
			for _, i := range p.Instances {
				if !i.GetIsolate().GetValue() && i.GetWeight().GetValue() > 0 {
					do(n, i, addrPort(i))
				}
			}
		}
	}
	each(func(_ int, i *apiservice.Instance, addr netip.AddrPort) {
		if other := first[addr]; other == nil || i.GetId().GetValue() < other.GetId().GetValue() {
			first[addr] = i
		}
	})
	last := -1
	each(func(n int, i *apiservice.Instance, addr netip.AddrPort) {
		switch text := fmt.Sprintf("%s:%d", i.GetHost().GetValue(), i.GetPort().GetValue()); {
		case !addr.IsValid():
			if left.Names++; left.Names == 1 {
				left.NameOfOne = text
			}
			return
		case first[addr] != i:
			if left.Twins++; left.Twins == 1 {
				left.TwinOfOne = text
			}
			return
		}
		if n != last {
			out, last = append(out, nil), n
		}
		out[len(out)-1] = append(out[len(out)-1], Reachable{i, addr})
	})
	return out, left
}

// addrPort returns the address of an instance. It is invalid if the host is a name, or if
// there is no such port.
func addrPort(i *apiservice.Instance) netip.AddrPort {
	addr, ok := location.HostAddr(i.GetHost().GetValue())
	if !ok || i.GetPort().GetValue() > math.MaxUint16 {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(addr, uint16(i.GetPort().GetValue()))
}
