package router

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync"

	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// viewKey is a kind of caller of one service.
type viewKey struct {
	kind        route.Route
	onlyHealthy bool
}

// view is the answer for one kind of caller, built once.
type view struct {
	build func() (*apiservice.DiscoverResponse, error)
}

// maxViews bounds the views kept of one service. There are as many as there
// are SETs and locations of callers; clients report locations, so that their
// number is not the operators' alone to decide.
const maxViews = 4096

// revisionPrefix keeps revisions of views apart from the stock ones, which are
// hex digits or a UUID.
const revisionPrefix = "setrouter-"

// view returns the answer to send, which is shared: read only. Concurrent
// requests for a view that is not there yet wait for one build of it.
func (s *snapshot) view(key viewKey, choose func(route.Route, []route.Instance) route.Decision) (*apiservice.DiscoverResponse, error) {
	if v, ok := s.views.Load(key); ok {
		return v.(*view).build()
	}
	fresh := &view{build: sync.OnceValues(func() (*apiservice.DiscoverResponse, error) {
		return s.build(key, choose)
	})}
	if s.viewCount.Load() >= maxViews {
		return fresh.build()
	}
	v, there := s.views.LoadOrStore(key, fresh)
	if !there {
		s.viewCount.Add(1)
	}
	return v.(*view).build()
}

func (s *snapshot) build(key viewKey, choose func(route.Route, []route.Instance) route.Decision) (*apiservice.DiscoverResponse, error) {
	resp := &apiservice.DiscoverResponse{
		Code:     s.answer.Code,
		Info:     s.answer.Info,
		Type:     s.answer.Type,
		Service:  copyOf(s.answer.Service),
		AliasFor: s.answer.AliasFor,
	}
	for _, i := range choose(key.kind, s.instances).Chosen {
		if !key.onlyHealthy || s.instances[i].Healthy {
			resp.Instances = append(resp.Instances, s.protos[i])
		}
	}
	revision, err := contentRevision(resp)
	if err != nil {
		return nil, fmt.Errorf("revision: %w", err)
	}
	resp.Service.Revision = wrapperspb.String(revision)
	return resp, nil
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
