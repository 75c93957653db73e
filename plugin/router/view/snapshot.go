package view

import (
	"crypto/sha256"
	"fmt"
	"sync"
	"sync/atomic"

	apimodel "github.com/polarismesh/specification/source/go/api/v1/model"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"

	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// snapshotKey is a name asked for and the service that is read for it.
type snapshotKey struct {
	asked, source route.Service
}

// Snapshot is a service as the stock server told it, with the identity of each
// instance resolved, under one state of the files and evacuations. It is
// immutable, except for its views: they are built when they are first asked
// for, and the next snapshot takes them over.
type Snapshot struct {
	seq      uint64 // counts the snapshots that share views
	revision string // the stock revision
	inForce
	*instances

	answer *apiservice.DiscoverResponse // without instances and revision
	header [sha256.Size]byte            // digest of answer
	kinds  *kinds

	// podsSeen is a generation of the source kubernetes at which the hosts of the
	// instances still had the same pods. One request at a time compares them.
	podsSeen atomic.Uint64
	compare  sync.Mutex
}

// inForce is a state of the files, and of the evacuations in them.
type inForce struct {
	rules       *route.Rules
	table       *location.Table
	evacuations route.Evacuations
}

// difference says what differs in another state, so that instances have to be
// resolved anew. It is empty where nothing does.
func (f inForce) difference(other inForce) string {
	switch {
	case f.table != other.table:
		return causeMapping
	case f.rules != other.rules:
		return causeRouting
	case !f.evacuations.Same(other.evacuations):
		return causeEvacuation
	}
	return ""
}

// Snapshot asks the stock server for a service, and thereby its auth, for each
// caller; while the service is unchanged that is cheap. Where the stock server
// gives no list to this caller, the snapshot is nil, and refused is the stock
// server's answer, without instances.
func (s *Store) Snapshot(q *Query, source route.Service) (snap *Snapshot, refused *apiservice.DiscoverResponse, err error) {
	var key any = snapshotKey{q.Service, source}
	state := inForce{q.Rules, q.Table, q.Rules.Evacuations(s.Now())}
	current, revision := s.current(key, state), ""
	if q.Kept && isStale(q, source, current) {
		gate, _ := s.gates.LoadOrStore(key, &sync.Mutex{})
		gate.(*sync.Mutex).Lock()
		defer gate.(*sync.Mutex).Unlock()
		current = s.current(key, state)
	}
	if current != nil {
		revision = current.revision
	}
	resp := q.Stock.Answer(source, revision)
	switch apimodel.Code(resp.GetCode().GetValue()) {
	case apimodel.Code_DataNoChange:
		return current, resp, nil
	case apimodel.Code_ExecuteSuccess:
		snap, err = s.take(q, key, resp, state)
		return snap, nil, err
	case apimodel.Code_NotFoundResource:
		if v, ok := s.snapshots.LoadAndDelete(key); ok {
			s.bound.retire(v.(*Snapshot).kinds)
		}
		s.gates.Delete(key)
	}
	return nil, resp, nil
}

// take makes a snapshot of a stock answer, which takes over the views of the
// snapshot before it.
func (s *Store) take(q *Query, key any, resp *apiservice.DiscoverResponse, state inForce) (*Snapshot, error) {
	if !q.Kept {
		return newSnapshot(resp, state, s.Pods, nil)
	}
	v, ok := s.snapshots.Load(key)
	before, _ := v.(*Snapshot)
	next, err := newSnapshot(resp, state, s.Pods, before)
	if err != nil {
		return nil, err
	}
	if !ok {
		_, ok = s.snapshots.LoadOrStore(key, next)
	} else {
		ok = !s.snapshots.CompareAndSwap(key, v, next)
	}
	if ok { // another request was faster: two snapshots must not follow the same one
		alone := newKinds()
		alone.group.retired = true
		alone.inherit(next.kinds, state.rules)
		next.kinds = alone
	} else if before != nil && before.kinds != next.kinds {
		s.bound.retire(before.kinds)
	}
	return next, nil
}

// isStale reports whether the current snapshot, if there is one, will have to be made
// anew, as far as that can be known beforehand. Then requests go one by one: the first
// makes the snapshot, and those who waited find it.
func isStale(q *Query, source route.Service, current *Snapshot) bool {
	if current == nil {
		return true
	}
	revision := q.Stock.Revision(source)
	return revision != "" && revision != current.revision
}

// current returns the snapshot that is kept under a snapshotKey, and notes that somebody asks for it. It
// returns nil where other files or evacuations are in force since, or other pods are
// at the hosts. Then the stock server has to be asked anew: it writes the location
// of the mapping into instances that have none, and an old one would pass for a
// location that the instance registered.
func (s *Store) current(key any, state inForce) *Snapshot {
	v, ok := s.snapshots.Load(key)
	if !ok {
		return nil
	}
	snap := v.(*Snapshot)
	snap.kinds.use.note()
	if snap.inForce.difference(state) != "" || !snap.hasPods(s.Pods) {
		return nil
	}
	return snap
}

// hasPods reports whether the pods at the instances' hosts are still the same.
func (s *Snapshot) hasPods(pods Pods) bool {
	if pods.Source == nil {
		return true
	}
	generation := pods.Generation() // before the comparison: a later change makes another generation
	if s.podsSeen.Load() == generation || !s.compare.TryLock() {
		return true // or another request compares: whoever asks after it has what it finds
	}
	defer s.compare.Unlock()
	for n, p := range s.protos {
		if pods.at(p.GetHost().GetValue()) != s.pods[n] {
			return false
		}
	}
	s.podsSeen.Store(generation)
	return true
}

// newSnapshot takes resp over, and what stayed the same since the snapshot
// before, if there is one.
func newSnapshot(resp *apiservice.DiscoverResponse, state inForce, pods Pods, before *Snapshot) (*Snapshot, error) {
	s := &Snapshot{seq: 1, revision: resp.GetService().GetRevision().GetValue(), inForce: state, answer: resp, kinds: newKinds()}
	if before != nil {
		s.seq = before.seq + 1
		if before.rules == state.rules { // kinds of callers are kinds of a rule
			s.kinds = before.kinds
		} else {
			s.kinds.inherit(before.kinds, state.rules)
		}
	}
	list := resp.Instances
	resp.Instances, resp.Service.Revision = nil, nil
	var err error
	if s.header, err = digest(resp); err != nil {
		return nil, fmt.Errorf("revision: %w", err)
	}
	if pods.Source != nil {
		s.podsSeen.Store(pods.Generation()) // before the pods are read: a later change makes another generation
	}
	if s.instances, err = newInstances(list, state, pods, before, s.seq); err != nil {
		return nil, fmt.Errorf("revision: %w", err)
	}
	if before != nil && before.header != s.header {
		s.lastChange = stamp{s.seq, causeService}
		s.setsChange = s.lastChange
	}
	return s, nil
}

// Callee returns the instances of the service as routing sees them.
func (s *Snapshot) Callee() *route.Callee { return s.callee }

// Callees returns the instances of the service, with their identities; nil for
// no snapshot.
func (s *Snapshot) Callees() []explain.Callee {
	if s == nil {
		return nil
	}
	out := make([]explain.Callee, len(s.protos))
	for n, p := range s.protos {
		out[n] = explain.Callee{
			ID: p.GetId().GetValue(), Host: p.GetHost().GetValue(), Port: p.GetPort().GetValue(), Instance: s.callee.Instances[n],
			Ignored: s.ignored[p.GetId().GetValue()],
		}
	}
	return out
}

// ifNeeded returns nil where the answers of a lane address do not depend on its
// own service, which s is a snapshot of.
func (s *Snapshot) ifNeeded(rule *route.Rule) *Snapshot {
	if rule.Blends() || rule.Shadow {
		return s
	}
	return nil
}
