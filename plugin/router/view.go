package router

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync"
	"time"

	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/polaris-contrib/setrouter/internal/observe"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// viewKey is a kind of caller of one service.
type viewKey struct {
	kind        route.Route
	onlyHealthy bool
}

// view is the answer for one kind of caller. It is immutable.
type view struct {
	resp     *apiservice.DiscoverResponse // shared: read only
	revision string
	decision route.Decision
	usable   int // instances in the answer

	sent, unchanged prometheus.Counter
	size            prometheus.Observer
	countShadow     func()
}

// viewCell is the place of a view, which is built once.
type viewCell struct {
	own   *snapshot // of the own service of a lane address, for which it was built
	build func() (*view, error)
}

// maxViews bounds the views kept of one service. There are as many as there
// are SETs and locations of callers; clients report locations, so that their
// number is not the operators' alone to decide.
const maxViews = 4096

// revisionPrefix keeps revisions of views apart from the stock ones, which are
// hex digits or a UUID.
const revisionPrefix = "setrouter-"

// view returns the view for a kind of caller. Concurrent requests for one that
// is not there yet wait for one build of it.
func (s *snapshot) view(r *request, key viewKey, own *snapshot) (*view, error) {
	old, there := s.views.Load(key)
	if there && old.(*viewCell).own == own {
		return old.(*viewCell).build()
	}
	fresh := &viewCell{own: own, build: sync.OnceValues(func() (*view, error) {
		v, err := s.build(r, key, own)
		if err == nil && !key.onlyHealthy && r.keeps() {
			r.changes.note(r.asked, key.kind, v, s, r.now())
		}
		return v, err
	})}
	switch {
	case there:
		if !s.views.CompareAndSwap(key, old, fresh) {
			return fresh.build()
		}
	case s.viewCount.Load() >= maxViews:
		return fresh.build()
	default:
		first, there := s.views.LoadOrStore(key, fresh)
		if there && first.(*viewCell).own == own {
			return first.(*viewCell).build()
		}
		if !there {
			s.viewCount.Add(1)
		}
	}
	return fresh.build()
}

// peek is view for those who only look: it keeps nothing and notes nothing.
func (s *snapshot) peek(r *request, key viewKey, own *snapshot) (*view, error) {
	if old, there := s.views.Load(key); there && old.(*viewCell).own == own {
		return old.(*viewCell).build()
	}
	return s.build(r, key, own)
}

func (s *snapshot) build(r *request, key viewKey, own *snapshot) (*view, error) {
	start := time.Now()
	var ownInstances []route.Instance
	if own != nil {
		ownInstances = own.instances
	}
	decision, members := r.choose(key.kind, s.instances, ownInstances)
	v := &view{decision: decision, resp: &apiservice.DiscoverResponse{
		Code:     s.answer.Code,
		Info:     s.answer.Info,
		Type:     s.answer.Type,
		Service:  copyOf(s.answer.Service),
		AliasFor: s.answer.AliasFor,
	}}
	for _, m := range members {
		from := s
		if m.Own {
			from = own
		}
		i := from.instances[m.Index]
		if key.onlyHealthy && !i.Healthy {
			continue
		}
		if i.Usable() {
			v.usable++
		}
		v.resp.Instances = append(v.resp.Instances, withWeight(from.protos[m.Index], m.Weight))
	}
	var err error
	if v.revision, err = contentRevision(v.resp); err != nil {
		return nil, fmt.Errorf("revision: %w", err)
	}
	v.resp.Service.Revision = wrapperspb.String(v.revision)
	v.bindMetrics(key.kind.Rule, s.stockAnswer(own))
	observe.BuildSeconds.Observe(time.Since(start).Seconds())
	return v, nil
}

// stockAnswer is the instances that a caller would get without routing.
func (s *snapshot) stockAnswer(own *snapshot) []route.Instance {
	if own != nil {
		return own.instances
	}
	return s.instances
}

// withWeight returns the instance itself where its weight stays.
func withWeight(p *apiservice.Instance, weight uint32) *apiservice.Instance {
	if p.GetWeight().GetValue() == weight {
		return p
	}
	c := *p
	c.Weight = wrapperspb.UInt32(weight)
	return &c
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

// contentRevision names all that the client receives, the revision itself left
// out: equal content has an equal revision on every node and after a restart.
func contentRevision(resp *apiservice.DiscoverResponse) (string, error) {
	content, err := proto.MarshalOptions{Deterministic: true}.Marshal(protoadapt.MessageV2Of(resp))
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(content)
	return revisionPrefix + hex.EncodeToString(sum[:20]), nil
}
