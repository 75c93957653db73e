package router

import (
	"cmp"
	"crypto/sha256"
	"maps"
	"slices"

	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"

	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// instances are those of a service at one moment, in the order of their ids.
// They are immutable, and hold on to nothing that came before.
type instances struct {
	protos  []*apiservice.Instance // as they are sent
	digests [][sha256.Size]byte    // of the protos
	place   map[string]int         // by id
	pods    []location.Found       // of the hosts; nil without the source kubernetes
	callee  *route.Callee

	// When and why each SET, which SETs there are, and anything at all last
	// changed.
	sets       map[location.SET]stamp
	names, any stamp
}

// stamp is a change: the number of the snapshot that it came with, and why.
type stamp struct {
	seq uint64
	why string
}

// Why the list of a kind of caller changes.
const (
	whyInstances  = "instances changed"
	whyMapping    = "mapping files changed"
	whyRouting    = "routing files changed"
	whyEvacuation = "an evacuation ended"
	whyOwn        = "instances of the lane address's own service changed"
	whyFirst      = "asked for the first time"
	whyPods       = "pods changed"
	whyHeld       = "a narrower tier or level was satisfied for the hold-down"
	whyService    = "the service's own record changed"
)

// renewal is what instances are made from.
type renewal struct {
	old   *instances
	state inForce
	pods  podSource
	why   string // all are resolved anew; empty: only what changed
	seq   uint64
}

// newInstances takes over a stock answer's list: copies made for it, of which
// only the fields are shared with the server's cache. What stayed the same since
// the snapshot before, which may be nil, is taken from that, the rest resolved.
func newInstances(list []*apiservice.Instance, state inForce, pods podSource, before *snapshot, seq uint64) (*instances, error) {
	from := renewal{old: &instances{callee: route.NewCallee(nil), sets: map[location.SET]stamp{}}, state: state, pods: pods, seq: seq}
	if before != nil {
		from.old, from.why = before.instances, before.inForce.whyNot(state)
	}
	s := &instances{sets: maps.Clone(from.old.sets), names: from.old.names, any: from.old.any}
	s.protos, s.place = from.old.order(list)
	s.digests = make([][sha256.Size]byte, len(s.protos))
	s.pods = pods.ofAll(s.protos)
	resolved := make([]route.Instance, len(s.protos))
	for i := range s.protos {
		if err := s.renew(i, &resolved[i], &from); err != nil {
			return nil, err
		}
	}
	for id, was := range from.old.place {
		if _, there := s.place[id]; !there {
			s.touch(from.old.callee.Instances[was].SET, stamp{seq, whyInstances})
		}
	}
	s.index(resolved, from.old)
	return s, nil
}

// renew takes one instance over, or resolves it and marks its SETs as changed.
func (s *instances) renew(i int, resolved *route.Instance, from *renewal) (err error) {
	p, old, why := s.protos[i], from.old, from.why
	was, there := old.place[p.GetId().GetValue()]
	hosts := location.Hosts{Table: from.state.table, PodsFirst: from.pods.first}
	same := there && sameRecord(old.protos[was], p)
	if s.pods != nil {
		hosts.Pods = oneHost{s.pods[i]}
		if same && s.pods[i] != old.pods[was] {
			why = whyPods
		}
	}
	if same && why == "" {
		*resolved, s.protos[i], s.digests[i] = old.callee.Instances[was], old.protos[was], old.digests[was]
		return nil
	}
	*resolved = resolve(p, from.state, hosts)
	if s.digests[i], err = digest(p); err != nil {
		return err
	}
	if there && *resolved == old.callee.Instances[was] && s.digests[i] == old.digests[was] {
		return nil // the server's cache reads what is new several times
	}
	if !same {
		why = whyInstances
	}
	s.touch(resolved.SET, stamp{from.seq, why})
	if there {
		s.touch(old.callee.Instances[was].SET, stamp{from.seq, why})
	}
	return nil
}

func (s *instances) touch(set location.SET, by stamp) { s.any, s.sets[set] = by, by }

// index groups the instances, unless they are as before.
func (s *instances) index(resolved []route.Instance, old *instances) {
	if s.any == old.any {
		s.callee = old.callee
		return
	}
	s.callee = route.NewCallee(resolved)
	if slices.Equal(s.callee.SETs(), old.callee.SETs()) {
		return
	}
	s.names = s.any
	maps.DeleteFunc(s.sets, func(set location.SET, _ stamp) bool {
		_, there := slices.BinarySearch(s.callee.SETs(), set)
		return !there
	})
}

// order sorts by id: cheaply where the ids are the same as before.
func (old *instances) order(list []*apiservice.Instance) ([]*apiservice.Instance, map[string]int) {
	if sorted := old.reorder(list); sorted != nil {
		return sorted, old.place
	}
	slices.SortFunc(list, func(a, b *apiservice.Instance) int { return cmp.Compare(a.GetId().GetValue(), b.GetId().GetValue()) })
	place := make(map[string]int, len(list))
	for i, p := range list {
		place[p.GetId().GetValue()] = i
	}
	return list, place
}

// reorder puts each instance where it was, and is nil where ids came or went.
func (old *instances) reorder(list []*apiservice.Instance) []*apiservice.Instance {
	if len(list) != len(old.protos) {
		return nil
	}
	out := make([]*apiservice.Instance, len(list))
	for _, p := range list {
		was, there := old.place[p.GetId().GetValue()]
		if !there {
			return nil
		}
		out[was] = p
	}
	return out
}

// sameRecord tells whether two copies are of one record of the server's cache:
// a change puts another one in its place, with fields of its own.
func sameRecord(a, b *apiservice.Instance) bool {
	return a.Id == b.Id && a.Revision == b.Revision && a.Healthy == b.Healthy && a.Isolate == b.Isolate && a.Weight == b.Weight
}

// digest names the content of a message.
func digest(m protoadapt.MessageV1) ([sha256.Size]byte, error) {
	content, err := proto.MarshalOptions{Deterministic: true}.Marshal(protoadapt.MessageV2Of(m))
	return sha256.Sum256(content), err
}
