package router

import (
	"crypto/sha256"
	"fmt"
	"sync"
	"sync/atomic"

	apimodel "github.com/polarismesh/specification/source/go/api/v1/model"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// snapshotKey is a name asked for and the service that is read for it.
type snapshotKey struct {
	asked, source route.Service
}

// snapshot is a service as the stock server told it, with the identity of each
// instance resolved, under one state of the files and evacuations. It is
// immutable but for its views, which are built when they are first asked for,
// and handed on from one snapshot to the next.
type snapshot struct {
	seq      uint64 // counts the snapshots that share views
	revision string // the stock one
	inForce
	*instances

	answer *apiservice.DiscoverResponse // without instances and revision
	header [sha256.Size]byte            // names the content of answer
	views  *views

	// generation is one of the source kubernetes at which it still said of the
	// instances' hosts what it did.
	generation atomic.Uint64
	look       sync.Mutex
}

// inForce is a state of the files, and of the evacuations in them.
type inForce struct {
	rules       *route.Rules
	table       *location.Table
	evacuations route.Evacuations
}

// whyNot says what is new in another state, in which instances are resolved
// anew; it is empty where nothing is.
func (f inForce) whyNot(other inForce) string {
	switch {
	case f.table != other.table:
		return whyMapping
	case f.rules != other.rules:
		return whyRouting
	case len(f.evacuations) != len(other.evacuations):
		return whyEvacuation
	}
	return ""
}

// snapshot asks the stock server, whose auth is thereby asked for each caller:
// cheaply while the service is unchanged. A nil snapshot comes with the answer
// to send, which holds no instances.
func (r *request) snapshot(source route.Service) (*snapshot, *apiservice.DiscoverResponse, error) {
	key := snapshotKey{r.asked, source}
	state := inForce{r.rules, r.table, r.rules.Evacuations(r.now())}
	if r.keeps() && r.stale(key, state) {
		gate, _ := r.gates.LoadOrStore(key, &sync.Mutex{})
		gate.(*sync.Mutex).Lock()
		defer gate.(*sync.Mutex).Unlock()
	}
	old := r.current(key, state)
	req := r.requestFor(key.source)
	req.Revision = nil
	if old != nil {
		req.Revision = wrapperspb.String(old.revision)
	}
	resp := r.inner.ServiceInstancesCache(r.ctx, &apiservice.DiscoverFilter{}, req)
	switch apimodel.Code(resp.GetCode().GetValue()) {
	case apimodel.Code_DataNoChange:
		return old, resp, nil
	case apimodel.Code_ExecuteSuccess:
		next, err := r.keep(key, resp, state)
		return next, nil, err
	case apimodel.Code_NotFoundResource:
		r.snapshots.Delete(key)
		r.gates.Delete(key)
	}
	return nil, resp, nil
}

// keep makes the snapshot of a stock answer, and has it follow the one before.
func (r *request) keep(key snapshotKey, resp *apiservice.DiscoverResponse, state inForce) (*snapshot, error) {
	v, there := r.snapshots.Load(key)
	before, _ := v.(*snapshot)
	if !r.keeps() {
		before = nil // only one may follow it
	}
	next, err := newSnapshot(r.named(resp), state, r.pods, before)
	if err != nil || !r.keeps() {
		return next, err
	}
	if !there {
		v, there = r.snapshots.LoadOrStore(key, next)
	} else {
		there = !r.snapshots.CompareAndSwap(key, v, next)
	}
	if there { // another request was faster: two snapshots must not follow the same one
		alone := newViews()
		alone.inherit(next.views, state.rules)
		next.views = alone
	}
	return next, nil
}

// stale tells whether the snapshot will have to be made anew, as far as that
// can be known beforehand. Then requests go one by one: the first makes it, and
// those who waited find it.
func (r *request) stale(key snapshotKey, state inForce) bool {
	old := r.current(key, state)
	if old == nil {
		return true
	}
	now := r.stockRevision(key.source)
	return now != "" && now != old.revision
}

// stockRevision is the revision that the stock server has of a service now, or
// empty where it has none yet.
func (r *request) stockRevision(source route.Service) string {
	if r.revisionOf == nil {
		return ""
	}
	found := r.services().GetServiceByName(source.Name, source.Namespace)
	switch {
	case found == nil:
		return ""
	case found.IsAlias():
		return r.revisionOf(found.Reference)
	}
	return r.revisionOf(found.ID)
}

// keeps tells whether snapshots of the name are kept. A service that is exported
// to all namespaces has a name in each that a client can think of; those are
// made anew for each request, as the stock server does.
func (r *request) keeps() bool {
	if r.exists {
		return true
	}
	_, is := r.rules.Address(r.asked, nil)
	return is
}

// current returns the snapshot in use, unless other files or evacuations are in
// force since. Its instances are not used on: a location that the stock server filled in
// from the mapping of then looks like a registered one.
func (r *request) current(key snapshotKey, state inForce) *snapshot {
	v, ok := r.snapshots.Load(key)
	if !ok {
		return nil
	}
	old := v.(*snapshot)
	old.views.use.note()
	if old.inForce.whyNot(state) != "" || !old.follows(r.pods) {
		return nil
	}
	return old
}

// follows tells whether the pods at the instances' hosts are what they were.
func (s *snapshot) follows(pods podSource) bool {
	if pods.Source == nil {
		return true
	}
	generation := pods.Generation() // before the look: a later change makes another
	if s.generation.Load() == generation || !s.look.TryLock() {
		return true // or another request is looking: who asks after it has what it finds
	}
	defer s.look.Unlock()
	for i, p := range s.protos {
		if pods.of(p.GetHost().GetValue()) != s.pods[i] {
			return false
		}
	}
	s.generation.Store(generation)
	return true
}

// newSnapshot takes resp over, and what stayed the same since the snapshot
// before, if there is one.
func newSnapshot(resp *apiservice.DiscoverResponse, state inForce, pods podSource, before *snapshot) (*snapshot, error) {
	s := &snapshot{seq: 1, revision: resp.GetService().GetRevision().GetValue(), inForce: state, answer: resp, views: newViews()}
	if before != nil {
		s.seq = before.seq + 1
		if before.rules == state.rules { // kinds of callers are kinds of a rule
			s.views = before.views
		} else {
			s.views.inherit(before.views, state.rules)
		}
	}
	list := resp.Instances
	resp.Instances, resp.Service.Revision = nil, nil
	var err error
	if s.header, err = digest(resp); err != nil {
		return nil, fmt.Errorf("revision: %w", err)
	}
	if pods.Source != nil {
		s.generation.Store(pods.Generation()) // before the look: a later change makes another
	}
	if s.instances, err = newInstances(list, state, pods, before, s.seq); err != nil {
		return nil, fmt.Errorf("revision: %w", err)
	}
	if before != nil && before.header != s.header {
		s.any = stamp{s.seq, whyService}
		s.names = s.any
	}
	return s, nil
}
