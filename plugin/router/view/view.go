package view

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"time"

	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/polaris-contrib/setrouter/internal/observe"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// View is the answer for one kind of caller. It is immutable.
type View struct {
	Answer   *apiservice.DiscoverResponse // shared: read only
	Revision string
	Decision route.Decision
	// GivesEveryBusiness is true if nothing is known of the caller's SET, and the rule
	// gives such callers the instances of every business, of which the service has
	// several.
	GivesEveryBusiness bool

	memory   route.Memory
	usable   int // instances in the answer
	weighted int // instances in the answer whose weight is another one

	// What the view depends on: the instances of these SETs and which SETs there
	// are, or everything.
	sets       []location.SET
	everything bool

	got *got // for the callers that have the view
	counters
}

// revisionPrefix keeps revisions of views apart from the stock revisions, which
// are hex digits or a UUID. The rest is a digest of all that the client receives
// except the revision itself: equal content has an equal revision on every node
// and after a restart.
const revisionPrefix = "setrouter-"

// build decides for a kind of caller and makes its list. A fault in it, also a
// panic, becomes an error, so that the kind is tried again with the next snapshot.
func (s *Store) build(snap *Snapshot, kind Kind, ownService *Snapshot, before route.Memory) (v *View, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	start := time.Now()
	decision, members, memory := s.Decide(kind.Route, snap.callee, ownService.routable(), before, s.Now())
	v = &View{Decision: decision, memory: memory, Answer: copyAnswer(snap.answer)}
	if err := v.list(snap, kind, ownService, members); err != nil {
		return nil, err
	}
	v.GivesEveryBusiness = decision.CallerUnknown() && kind.Rule.SET.Unknown == route.UnknownAll && snap.callee.Businesses() > 1
	sets, ok := kind.Dependencies(snap.callee, decision)
	v.sets, v.everything = sets, !ok || kind.Rule.Shadow
	v.got = newGot(kind, v)
	v.counters = newCounters(v, kind.Rule, stockOf(snap, ownService))
	observe.BuildSeconds.Observe(time.Since(start).Seconds())
	return v, nil
}

// list puts the members of the answer into the view, and names its content.
func (v *View) list(snap *Snapshot, kind Kind, ownService *Snapshot, members []route.Member) error {
	from := snap.memberOf(ownService)
	sortMembers(kind, members, from)
	content := sha256.New()
	content.Write(snap.header[:])
	v.Answer.Instances = make([]*apiservice.Instance, 0, len(members))
	if kind.Rule.Nearby != nil && v.dropNearbySwitch() {
		content.Write([]byte(nearbySwitch))
	}
	for _, m := range members {
		i := from(m).callee.Instances[m.Index]
		if kind.OnlyHealthy && !i.Healthy {
			continue
		}
		if i.Usable() {
			v.usable++
		}
		p, sum, err := from(m).instance(m)
		if err != nil {
			return err
		}
		if p != from(m).protos[m.Index] {
			v.weighted++
		}
		v.Answer.Instances = append(v.Answer.Instances, p)
		content.Write(sum[:])
	}
	if len(v.Answer.Instances) == 0 {
		why := explain.WhyEmpty(kind.Route, v.Decision)
		v.Answer.Info = wrapperspb.String(why)
		content.Write([]byte(why))
	}
	v.Revision = revisionPrefix + hex.EncodeToString(content.Sum(nil)[:20])
	v.Answer.Service.Revision = wrapperspb.String(v.Revision)
	return nil
}

// bytes is about what the view takes.
func (v *View) bytes() int64 {
	return viewBytes + int64(len(v.Answer.Instances))*instanceBytes + int64(v.weighted)*weightedBytes
}

// memberOf returns the snapshot that a member of an answer is in.
func (s *Snapshot) memberOf(ownService *Snapshot) func(route.Member) *Snapshot {
	return func(m route.Member) *Snapshot {
		if m.OwnService {
			return ownService
		}
		return s
	}
}

// sortMembers puts the members of an answer into the order of their ids. Only where a rule
// blends, they are in another order: the routed instances, and then the others.
func sortMembers(kind Kind, members []route.Member, from func(route.Member) *Snapshot) {
	if kind.Rule.Blends() {
		id := func(m route.Member) string { return from(m).protos[m.Index].GetId().GetValue() }
		slices.SortFunc(members, func(a, b route.Member) int { return cmp.Compare(id(a), id(b)) })
	}
}

// nearbySwitch is the key in a service's metadata that switches the nearby router
// of SDKs on.
const nearbySwitch = "internal-enable-nearby"

// dropNearbySwitch leaves the switch out of the answer: an SDK that narrows a list
// once more undoes what the rule has decided (docs/design.md, 5.4). It reports
// whether the service has the switch. The metadata are shared, and not written.
func (v *View) dropNearbySwitch() bool {
	service := v.Answer.Service
	if _, ok := service.Metadata[nearbySwitch]; !ok {
		return false
	}
	service.Metadata = maps.Clone(service.Metadata)
	delete(service.Metadata, nearbySwitch)
	return true
}

// dependency returns the last change in a snapshot of what the view depends on.
func (v *View) dependency(snap *Snapshot) stamp { return snap.lastChangeOf(v.sets, v.everything) }

// lastChangeOf returns the last change of the instances of SETs and of which SETs there
// are, or of everything.
func (s *Snapshot) lastChangeOf(sets []location.SET, everything bool) stamp {
	if everything {
		return s.lastChange
	}
	last := s.setsChange
	for _, set := range sets {
		if change := s.setChange[set]; change.seq > last.seq {
			last = change
		}
	}
	return last
}

// state returns the view in short.
func (v *View) state(kind Kind) explain.State {
	return explain.State{
		Answer: explain.AnswerOf(kind.Rule), Rule: kind.Rule.Name, Tier: v.Decision.Tier(), Level: v.Decision.Level(),
		Instances: len(v.Answer.Instances), Usable: v.usable, Revision: v.Revision,
	}
}

// instance returns a member of an answer as it is sent, and the digest of it.
func (s *Snapshot) instance(m route.Member) (*apiservice.Instance, [sha256.Size]byte, error) {
	p := s.protos[m.Index]
	if p.GetWeight().GetValue() == m.Weight {
		return p, s.digests[m.Index], nil
	}
	c := *p
	c.Weight = wrapperspb.UInt32(m.Weight)
	sum, err := digest(&c)
	return &c, sum, err
}

// routable returns the instances of a snapshot as routing sees them; nil for no
// snapshot.
func (s *Snapshot) routable() []route.Instance {
	if s == nil {
		return nil
	}
	return s.callee.Instances
}

// stockOf returns the instances that a caller would get without routing: of the
// own service of a lane address, or of the service really read.
func stockOf(snap, ownService *Snapshot) []route.Instance {
	if ownService != nil {
		return ownService.routable()
	}
	return snap.routable()
}

// copyAnswer returns a shallow copy, whose service and instances may be set.
func copyAnswer(a *apiservice.DiscoverResponse) *apiservice.DiscoverResponse {
	service := *a.Service
	return &apiservice.DiscoverResponse{Code: a.Code, Info: a.Info, Type: a.Type, Service: &service, AliasFor: a.AliasFor}
}
