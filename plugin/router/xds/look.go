package xds

import (
	"iter"
	"maps"
	"slices"
	"strings"

	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/polaris-contrib/setrouter/plugin/router/view"
)

// state is what a client should have under a name.
type state struct {
	resource *resource // nil: nothing
	keep     bool      // the client keeps what it has, for want of an answer
	roads    *view.Roads
}

// differs reports whether a client that has the versions lacks the state.
func (s state) differs(versions map[string]string, name string) bool {
	version, ok := versions[name]
	switch {
	case s.keep:
		return false
	case s.resource == nil:
		return ok
	}
	return version != s.resource.version
}

// wanted returns the names that a subscription is for.
func (m *moment) wanted(s *subscription) iter.Seq[string] {
	return func(yield func(string) bool) {
		for name := range s.names {
			if !yield(name) {
				return
			}
		}
		if !s.all {
			return
		}
		for name := range m.namesFor(s) {
			if _, ok := s.names[name]; !ok && !yield(name) {
				return
			}
		}
	}
}

// unwanted returns the names that a client has and that are not there any more.
func (m *moment) unwanted(s *subscription) iter.Seq[string] {
	return func(yield func(string) bool) {
		if !s.all {
			return
		}
		for name := range s.versions {
			if _, ok := s.names[name]; !ok && !m.hasName(s, name) && !yield(name) {
				return
			}
		}
	}
}

// hasNews reports whether a client lacks something.
func (m *moment) hasNews(s *subscription) bool {
	for name := range m.wanted(s) {
		state := m.find(s, name)
		if state.differs(s.versions, name) && (state.resource != nil || s.tellsRemoval()) {
			return true
		}
	}
	for range m.unwanted(s) {
		return s.tellsRemoval()
	}
	return false
}

// found is what a client should have, and what of it is new.
type found struct {
	current map[string]state
	changed []string // sorted, as removed
	removed []string
	had     map[string]string // versions
}

// collect returns what a client should have.
func (m *moment) collect(s *subscription) found {
	f := found{current: map[string]state{}, had: s.versions}
	for name := range m.wanted(s) {
		state := m.find(s, name)
		switch {
		case state.resource == nil && !state.keep:
			if _, ok := s.versions[name]; ok {
				f.removed = append(f.removed, name)
			}
			continue
		case state.differs(s.versions, name):
			f.changed = append(f.changed, name)
		}
		f.current[name] = state
	}
	f.removed = slices.AppendSeq(f.removed, m.unwanted(s))
	slices.Sort(f.changed)
	slices.Sort(f.removed)
	return f
}

// versions returns what the client has with the answer.
func (f found) versions() map[string]string {
	out := make(map[string]string, len(f.current))
	for name, state := range f.current {
		if !state.keep {
			out[name] = state.resource.version
		} else if version, ok := f.had[name]; ok {
			out[name] = version
		}
	}
	return out
}

// answer returns the answer in the state of the world.
func (f found) answer(s *subscription) *discovery.DiscoveryResponse {
	names := f.changed
	if hasFullState(s.typeURL) {
		names = slices.Sorted(maps.Keys(f.current))
	}
	out := &discovery.DiscoveryResponse{TypeUrl: s.typeURL, VersionInfo: versionOf(f.versions())}
	for _, name := range names {
		out.Resources = append(out.Resources, f.packed(name))
	}
	return out
}

// deltaAnswer returns the answer of the delta variant.
func (f found) deltaAnswer(s *subscription) *discovery.DeltaDiscoveryResponse {
	out := &discovery.DeltaDiscoveryResponse{TypeUrl: s.typeURL, RemovedResources: f.removed, SystemVersionInfo: versionOf(f.versions())}
	for _, name := range f.changed {
		out.Resources = append(out.Resources, &discovery.Resource{Name: name, Version: f.current[name].resource.version, Resource: f.packed(name)})
	}
	return out
}

func (f found) packed(name string) *anypb.Any { return f.current[name].resource.packed }

// countSent counts the lists that are new to the client.
func (f found) countSent() {
	for _, name := range f.changed {
		if roads := f.current[name].roads; roads != nil {
			roads.CountSent()
		}
	}
}

// tellsRemoval reports whether an answer can say that a resource is gone.
func (s *subscription) tellsRemoval() bool { return s.delta || hasFullState(s.typeURL) }

// clip returns a text of a client for people.
func clip(text string) string {
	const most = 200
	if len(text) > most {
		text = text[:most] + "..."
	}
	return strings.ToValidUTF8(text, "?")
}
