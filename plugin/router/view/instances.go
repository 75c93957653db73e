package view

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

// instances are the instances of a service at one moment, in the order of their
// ids. They are immutable, and hold on to nothing that came before.
type instances struct {
	protos  []*apiservice.Instance // as they are sent
	digests [][sha256.Size]byte    // of the protos
	index   map[string]int         // into protos, by id
	pods    []location.Found       // at the hosts; nil without the source kubernetes
	callee  *route.Callee
	// ignored are the names of SETs that instances registered and that do not count, by
	// the id of the instance.
	ignored map[string][]location.IgnoredSET

	setChange  map[location.SET]stamp // the last change of an instance of each SET
	setsChange stamp                  // the last time that a SET came or went
	lastChange stamp                  // the last change of all
}

// stamp is a change: the number of the snapshot that brought it, and the cause.
type stamp struct {
	seq   uint64
	cause string
}

// The causes of a change of the list of a kind of caller.
const (
	causeInstances  = "instances changed"
	causeMapping    = "mapping files changed"
	causeRouting    = "routing files changed"
	causeEvacuation = "an evacuation began or ended"
	causeOwnService = "instances of the lane address's own service changed"
	causeFirst      = "asked for the first time"
	causePods       = "pods changed"
	causeHoldDown   = "an earlier road was chosen for the hold-down"
	causeService    = "the service's own record changed"
)

// renewal makes instances from the instances before and a state of the files.
type renewal struct {
	old   *instances
	state inForce
	pods  Pods
	cause string // every instance is resolved anew, for this reason; empty: only what changed
	seq   uint64
}

// newInstances takes over a stock answer's list. The list has copies made for
// this answer, of which only the fields are shared with the server's cache. What
// stayed the same since the snapshot before, which may be nil, is taken from
// that snapshot; the rest is resolved.
func newInstances(list []*apiservice.Instance, state inForce, pods Pods, before *Snapshot, seq uint64) (*instances, error) {
	r := renewal{old: &instances{callee: route.NewCallee(nil), setChange: map[location.SET]stamp{}}, state: state, pods: pods, seq: seq}
	if before != nil {
		r.old, r.cause = before.instances, before.inForce.difference(state)
	}
	s := &instances{setChange: maps.Clone(r.old.setChange), setsChange: r.old.setsChange, lastChange: r.old.lastChange}
	s.ignored = map[string][]location.IgnoredSET{}
	s.protos, s.index = r.old.sorted(list)
	s.digests = make([][sha256.Size]byte, len(s.protos))
	s.pods = pods.atHosts(s.protos)
	resolved := make([]route.Instance, len(s.protos))
	for n := range s.protos {
		if err := s.renew(n, &resolved[n], &r); err != nil {
			return nil, err
		}
	}
	for id, n := range r.old.index {
		if _, ok := s.index[id]; !ok {
			s.touch(r.old.callee.Instances[n].SET, stamp{seq, causeInstances})
		}
	}
	s.group(resolved, r.old)
	return s, nil
}

// renew takes one instance over, or resolves it and marks its SETs as changed.
func (s *instances) renew(n int, resolved *route.Instance, r *renewal) (err error) {
	p, old, cause := s.protos[n], r.old, r.cause
	before, ok := old.index[p.GetId().GetValue()]
	hosts := location.Hosts{Table: r.state.table, PodsFirst: r.pods.First}
	same := ok && sameRecord(old.protos[before], p)
	if s.pods != nil {
		hosts.Pods = knownPod{s.pods[n]}
		if same && s.pods[n] != old.pods[before] {
			cause = causePods
		}
	}
	if same && cause == "" {
		*resolved, s.protos[n], s.digests[n] = old.callee.Instances[before], old.protos[before], old.digests[before]
		s.ignore(p, old.ignored[p.GetId().GetValue()])
		return nil
	}
	var ignored []location.IgnoredSET
	*resolved, ignored = resolve(p, r.state, hosts)
	s.ignore(p, ignored)
	if s.digests[n], err = digest(p); err != nil {
		return err
	}
	sameContent := ok && s.digests[n] == old.digests[before] // the server's cache reads what is new several times
	if sameContent && *resolved == old.callee.Instances[before] {
		return nil
	}
	if cause == "" || !same && !sameContent {
		cause = causeInstances
	}
	s.touch(resolved.SET, stamp{r.seq, cause})
	if ok {
		s.touch(old.callee.Instances[before].SET, stamp{r.seq, cause})
	}
	return nil
}

// ignore keeps the names of SETs of an instance that do not count.
func (s *instances) ignore(p *apiservice.Instance, names []location.IgnoredSET) {
	if len(names) > 0 {
		s.ignored[p.GetId().GetValue()] = names
	}
}

// touch marks a SET as changed.
func (s *instances) touch(set location.SET, change stamp) {
	s.lastChange, s.setChange[set] = change, change
}

// group groups the instances by SET, unless nothing changed.
func (s *instances) group(resolved []route.Instance, old *instances) {
	if s.lastChange == old.lastChange {
		s.callee = old.callee
		return
	}
	s.callee = route.NewCallee(resolved)
	if slices.Equal(s.callee.SETs(), old.callee.SETs()) {
		return
	}
	s.setsChange = s.lastChange
	maps.DeleteFunc(s.setChange, func(set location.SET, _ stamp) bool {
		_, ok := slices.BinarySearch(s.callee.SETs(), set)
		return !ok
	})
}

// sorted returns the list in the order of ids, and the index of each id. Where
// the ids are the same as before, that takes no sorting.
func (s *instances) sorted(list []*apiservice.Instance) ([]*apiservice.Instance, map[string]int) {
	if reordered := s.reordered(list); reordered != nil {
		return reordered, s.index
	}
	slices.SortFunc(list, func(a, b *apiservice.Instance) int { return cmp.Compare(a.GetId().GetValue(), b.GetId().GetValue()) })
	index := make(map[string]int, len(list))
	for n, p := range list {
		index[p.GetId().GetValue()] = n
	}
	return list, index
}

// reordered puts each instance of the list where it was before. It returns nil
// where ids came or went.
func (s *instances) reordered(list []*apiservice.Instance) []*apiservice.Instance {
	if len(list) != len(s.protos) {
		return nil
	}
	out := make([]*apiservice.Instance, len(list))
	for _, p := range list {
		n, ok := s.index[p.GetId().GetValue()]
		if !ok {
			return nil
		}
		out[n] = p
	}
	return out
}

// sameRecord reports whether two copies are of one record of the server's cache.
// A change puts another record in its place, with fields of its own.
func sameRecord(a, b *apiservice.Instance) bool {
	return a.Id == b.Id && a.Revision == b.Revision && a.Healthy == b.Healthy && a.Isolate == b.Isolate && a.Weight == b.Weight
}

// digest names the content of a message.
func digest(m protoadapt.MessageV1) ([sha256.Size]byte, error) {
	content, err := proto.MarshalOptions{Deterministic: true}.Marshal(protoadapt.MessageV2Of(m))
	return sha256.Sum256(content), err
}
