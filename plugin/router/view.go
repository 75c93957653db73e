package router

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/polaris-contrib/setrouter/internal/observe"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// view is the answer for one kind of caller. It is immutable.
type view struct {
	resp     *apiservice.DiscoverResponse // shared: read only
	revision string
	decision route.Decision
	held     route.Held
	usable   int // instances in the answer

	// What it depends on: those SETs and which SETs there are, or everything.
	reads      []location.SET
	everything bool

	sent, unchanged prometheus.Counter
	size            prometheus.Observer
	countShadow     func()
}

// revisionPrefix keeps revisions of views apart from the stock ones, which are
// hex digits or a UUID. The rest names all that the client receives, the
// revision itself left out: equal content has an equal revision on every node
// and after a restart.
const revisionPrefix = "setrouter-"

// build decides for a kind of caller and makes its list. A fault in it becomes
// an error, so that the next snapshot is tried again.
func (s *snapshot) build(r *request, key viewKey, own *snapshot, before route.Held) (v *view, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	start := time.Now()
	decision, members, held := r.choose(key.kind, s.callee, own.stock(nil), before, r.now())
	v = &view{decision: decision, held: held, resp: copyOfAnswer(s.answer)}
	content := sha256.New()
	content.Write(s.header[:])
	if key.kind.Rule.Blends() { // the routed ones, and then the others
		slices.SortFunc(members, func(a, b route.Member) int { return cmp.Compare(s.idOf(a, own), s.idOf(b, own)) })
	}
	for _, m := range members {
		from := s.of(m, own)
		i := from.callee.Instances[m.Index]
		if key.onlyHealthy && !i.Healthy {
			continue
		}
		if i.Usable() {
			v.usable++
		}
		p, sum, err := from.instance(m)
		if err != nil {
			return nil, err
		}
		v.resp.Instances = append(v.resp.Instances, p)
		content.Write(sum[:])
	}
	v.revision = revisionPrefix + hex.EncodeToString(content.Sum(nil)[:20])
	v.resp.Service.Revision = wrapperspb.String(v.revision)
	sets, ok := key.kind.Reads(s.callee, decision)
	v.reads, v.everything = sets, !ok || key.kind.Rule.Shadow
	v.bindMetrics(key.kind.Rule, own.stock(s))
	observe.BuildSeconds.Observe(time.Since(start).Seconds())
	return v, nil
}

// dependsOn is the last change in a snapshot of what the view depends on.
func (v *view) dependsOn(s *snapshot) stamp {
	if v.everything {
		return s.any
	}
	last := s.names
	for _, set := range v.reads {
		if changed := s.sets[set]; changed.seq > last.seq {
			last = changed
		}
	}
	return last
}

// of is the snapshot that has a member of an answer.
func (s *snapshot) of(m route.Member, own *snapshot) *snapshot {
	if m.Own {
		return own
	}
	return s
}

func (s *snapshot) idOf(m route.Member, own *snapshot) string {
	return s.of(m, own).protos[m.Index].GetId().GetValue()
}

// instance is a member of an answer as it is sent, and the digest of that.
func (s *snapshot) instance(m route.Member) (*apiservice.Instance, [sha256.Size]byte, error) {
	p := s.protos[m.Index]
	if p.GetWeight().GetValue() == m.Weight {
		return p, s.digests[m.Index], nil
	}
	c := *p
	c.Weight = wrapperspb.UInt32(m.Weight)
	sum, err := digest(&c)
	return &c, sum, err
}

// stock is the instances that a caller would get without routing: those of the
// own service of a lane address, else those of the service really read.
func (own *snapshot) stock(read *snapshot) []route.Instance {
	switch {
	case own != nil:
		return own.callee.Instances
	case read != nil:
		return read.callee.Instances
	}
	return nil
}

// copyOfAnswer is a shallow copy, whose service and instances may be set.
func copyOfAnswer(a *apiservice.DiscoverResponse) *apiservice.DiscoverResponse {
	return &apiservice.DiscoverResponse{Code: a.Code, Info: a.Info, Type: a.Type, Service: copyOf(a.Service), AliasFor: a.AliasFor}
}

// bindMetrics looks the view's counters up, once for all of its requests.
func (v *view) bindMetrics(rule *route.Rule, stock []route.Instance) {
	d := v.decision
	result := observe.Routed
	if len(v.resp.Instances) == 0 {
		result = observe.Empty
	}
	v.sent = observe.Requests.WithLabelValues(rule.Name, d.Tier, d.Level, result)
	v.unchanged = observe.Requests.WithLabelValues(rule.Name, d.Tier, d.Level, observe.Unchanged)
	v.size = observe.ListSize.WithLabelValues(rule.Name)
	if !rule.Shadow {
		return
	}
	outcome, usable := "same", 0
	for _, i := range stock {
		if i.Usable() {
			usable++
		}
	}
	switch n := len(v.resp.Instances); {
	case n == 0 && len(stock) > 0:
		outcome = "empty"
	case v.usable == 0 && usable > 0:
		outcome = "unusable"
	case n < len(stock):
		outcome = "narrower"
	}
	requests := observe.Requests.WithLabelValues(rule.Name, d.Tier, d.Level, observe.Shadow)
	outcomes := observe.ShadowRequests.WithLabelValues(rule.Name, outcome)
	sent, decided := observe.ShadowSent.WithLabelValues(rule.Name), observe.ShadowDecided.WithLabelValues(rule.Name)
	v.countShadow = func() {
		requests.Inc()
		outcomes.Inc()
		sent.Add(float64(len(stock)))
		decided.Add(float64(len(v.resp.Instances)))
	}
}
