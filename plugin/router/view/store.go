// Package view keeps the lists that callers get. A snapshot is a service as the
// stock server told it, at one moment and under one state of the files. A view
// is the list that one kind of caller gets of a snapshot. Store hands out views,
// makes them when they are first asked for, and lets a view stand for as long as
// nothing changes that it depends on.
//
// docs/design.md, 5.4 says what an answer is; docs/decisions/0002 says why views are
// kept in this way.
//
// The package knows Polaris's messages and nothing of a Polaris server: Stock
// stands for the server. Package route decides what is in a view.
package view

import (
	"net/netip"
	"sync"
	"time"

	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"

	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// Stock is the stock server, asked on behalf of one caller.
type Stock interface {
	// Answer returns the stock server's answer for a service to a client that
	// has the given revision; auth comes first. The answer is the asker's to
	// change, except that fields of its instances are shared.
	Answer(source route.Service, revision string) *apiservice.DiscoverResponse
	// Revision returns the stock revision of a service at this moment. It is
	// empty where the revision is not known.
	Revision(source route.Service) string
}

// Query asks for a view, or for a snapshot.
type Query struct {
	route.Resolved
	// Kept says that snapshots under this name are kept for later requests. The
	// number of such names must not be up to clients.
	Kept  bool
	Rules *route.Rules    // in force
	Table *location.Table // in force
	Stock Stock
}

// Decide is route.Route.Settle.
type Decide func(r route.Route, callee *route.Callee, ownService []route.Instance, before route.Memory, now time.Time) (route.Decision, []route.Member, route.Memory)

// Store keeps the views of all services. Its exported fields are set before the
// first use. It is safe for concurrent use.
type Store struct {
	Now    func() time.Time // for evacuations and the hold-down
	Pods   Pods             // the source kubernetes
	Decide Decide           // tests force faults by it

	bound     bound
	snapshots sync.Map // snapshotKey to *Snapshot
	gates     sync.Map // snapshotKey to *sync.Mutex, held while a snapshot is made
	changes   changeLog
	asked     askedLog
	leftOut   leftOutLog
}

// NewStore returns a store without views, which keeps views of so many bytes. Pods may be the
// zero value.
func NewStore(now func() time.Time, pods Pods, limit int64) *Store {
	return &Store{Now: now, Pods: pods, Decide: route.Route.Settle, bound: bound{limit: limit}}
}

// View returns the view of a kind of caller, for the service that q resolves to. The
// address is the caller's, for Asked; the zero value is not noted.
// Where the stock server does not give the service to this caller, View returns
// the stock server's answer, refused, in place of a view. A fault in making the
// view is an error, also a panic.
func (s *Store) View(q *Query, addr netip.Addr, kind Kind) (v *View, refused *apiservice.DiscoverResponse, err error) {
	_, found, refused, err := s.find(q, kind, addr)
	if found == nil {
		return nil, refused, err
	}
	v, err = found.build()
	switch {
	case !q.Kept:
	case err != nil:
		s.asked.note(q.Service, addr, s.Now()).give(&got{kind: kind, failed: true})
	default:
		s.asked.note(q.Service, addr, s.Now()).give(v.got)
	}
	return v, nil, err
}

// find returns where the view of a kind of caller stands, and the snapshot that the view
// is good for. If the stock server refuses the service, both are nil. The address is the
// caller's.
func (s *Store) find(q *Query, kind Kind, addr netip.Addr) (snap *Snapshot, found *cell, refused *apiservice.DiscoverResponse, err error) {
	snap, refused, err = s.Snapshot(q, q.Source())
	if snap == nil {
		return nil, nil, refused, err
	}
	var ownService *Snapshot
	if q.HasOwnService() {
		// The answer may not depend on the own service. The caller must be allowed
		// to read it all the same.
		ownService, refused, err = s.Snapshot(q, q.Service)
		if ownService == nil {
			return nil, nil, refused, err
		}
	}
	return snap, s.cell(q, snap, kind, ownService.ifNeeded(kind.Rule), addr), nil, nil
}

// Peek returns the view that View would return, but keeps nothing and notes no
// change: it is for those who only look.
func (s *Store) Peek(snap *Snapshot, kind Kind, ownService *Snapshot) (*View, error) {
	ownService = ownService.ifNeeded(kind.Rule)
	before := snap.kinds.inheritedMemory(kind)
	if v, ok := snap.kinds.cells.Load(kind); ok {
		old := v.(*cell)
		if old.stale(snap, ownService, s.Now()) == "" {
			return old.build()
		}
		before = old.memory()
	}
	return s.build(snap, kind, ownService, before)
}

// Changes returns the last changes of what callers get, the latest first: of one
// service, as namespace/name, or of all services where the name is empty.
func (s *Store) Changes(service string) []api.Change { return s.changes.list(service) }

// Prune drops the snapshots and views that nobody asks for. One goroutine calls
// it, every few seconds; what nobody asked for in idleTicks calls goes.
func (s *Store) Prune() {
	s.snapshots.Range(func(key, v any) bool {
		if kinds := v.(*Snapshot).kinds; kinds.prune(&s.bound) && s.snapshots.CompareAndDelete(key, v) {
			s.bound.retire(kinds)
			s.gates.Delete(key)
		}
		return true
	})
	s.bound.tick(s.Now())
	s.asked.prune(s.Now())
	s.gates.Range(func(key, _ any) bool { // of names that nobody was allowed to read
		if _, ok := s.snapshots.Load(key); !ok {
			s.gates.Delete(key)
		}
		return true
	})
}
