package view

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"runtime/debug"

	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"

	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// Roads is what one kind of caller gets that fails over by itself: priorities
// (route.Route.Priorities). But for `overprovision`, the first is the list of the kind's
// View. Roads are immutable.
type Roads struct {
	Rule       *route.Rule
	Priorities []Priority
	LeftOut    LeftOut // of the instances in Priorities
	// Revision names the content: equal content has an equal revision on every node and
	// after a restart.
	Revision string

	view *View
	seq  uint64 // of the snapshot that the roads were made from

	// What the roads depend on, as of a View.
	sets       []location.SET
	everything bool
}

// Priority is a road, with the instances that no priority before it has. There is at
// least one.
type Priority struct {
	Tier, Level string                 // of the road; empty where it has no name
	Instances   []*apiservice.Instance // shared: read only; in the order of ids
}

// Roads returns the roads of a kind of caller, made from the decision of the View that
// the kind has at this moment. The pointer stays the same while nothing changes that the
// roads depend on. Refused and err are as of View. Roads notes no caller.
func (s *Store) Roads(q *Query, kind Kind) (roads *Roads, refused *apiservice.DiscoverResponse, err error) {
	snap, found, refused, err := s.find(q, kind, netip.Addr{})
	if found == nil {
		return nil, refused, err
	}
	v, err := found.build()
	if err != nil {
		return nil, nil, err
	}
	before := found.roads.Load()
	if before != nil && before.isGoodFor(snap) {
		return before, nil, nil
	}
	made, err := makeRoads(snap, kind, found.ownService, v)
	if err != nil {
		return nil, nil, err
	}
	if before != nil && before.Revision == made.Revision {
		made.Priorities = before.Priorities // equal content is there once
	}
	if found.roads.CompareAndSwap(before, made) && q.Kept {
		s.bound.grow(found, int64(made.count()-before.count())*instanceBytes)
		s.leftOut.log(q.Service, made.LeftOut)
	}
	return made, nil, nil
}

// CountSent counts a request to which the roads were sent, as one to which the list of the
// view was sent. It counts nothing for roads that no Store made.
func (r *Roads) CountSent() {
	if r.view != nil {
		r.view.CountSent()
	}
}

// isGoodFor reports whether nothing has changed in a snapshot that the roads depend on.
func (r *Roads) isGoodFor(snap *Snapshot) bool {
	return snap.lastChangeOf(r.sets, r.everything).seq <= r.seq
}

// makeRoads makes the roads of a view that is good for a snapshot.
func makeRoads(snap *Snapshot, kind Kind, ownService *Snapshot, v *View) (r *Roads, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	r = &Roads{Rule: kind.Rule, view: v, seq: snap.seq}
	content, from := sha256.New(), snap.memberOf(ownService)
	fmt.Fprintf(content, "overprovision %d;", kind.Rule.Degrade.Overprovision) // clients get that, too
	for _, p := range kind.Priorities(v.Decision, snap.callee, ownService.routable()) {
		list := Priority{Tier: p.Tier, Level: p.Level}
		sortMembers(kind, p.Members, from)
		for _, m := range p.Members {
			i, sum, err := from(m).instance(m)
			if err != nil {
				return nil, err
			}
			list.Instances = append(list.Instances, i)
			content.Write(sum[:])
		}
		fmt.Fprintf(content, "%q %q;", p.Tier, p.Level)
		r.Priorities = append(r.Priorities, list)
	}
	_, r.LeftOut = ReachableIn(r.Priorities)
	r.Revision = revisionPrefix + hex.EncodeToString(content.Sum(nil)[:20])
	sets, ok := kind.PriorityDependencies(snap.callee, v.Decision)
	r.sets, r.everything = sets, !ok
	return r, nil
}

// count returns how many instances the roads have behind the first, which the view has,
// too. It is 0 for nil.
func (r *Roads) count() (n int) {
	if r == nil {
		return 0
	}
	for _, p := range r.Priorities[min(1, len(r.Priorities)):] {
		n += len(p.Instances)
	}
	return n
}
