package xds

import (
	"maps"
	"slices"

	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
)

// wildcard is the name that stands for all resources of a type.
const wildcard = "*"

// subscription is what a stream asks for of a type. It belongs to the goroutine of the
// stream, and to the cache while a watch of it is open.
type subscription struct {
	typeURL string
	stream  *stream

	delta bool
	all   bool                // every resource of the node's namespace
	names map[string]struct{} // asked for by name
	// versions are what the client has, by name. They are not changed, but replaced.
	versions map[string]string
	count    int // of names in the server's own record of a delta stream

	// Of the state of the world:
	isOld bool   // there was a request before
	named bool   // the client has named a resource, so that no names do not mean all
	nonce string // of the last request
}

// update takes a request of the state of the world in. It reports whether an answer is due
// even if nothing has changed.
func (s *subscription) update(r *discovery.DiscoveryRequest, exists func(name string) bool) (due bool) {
	again := s.isOld && r.ErrorDetail == nil && r.ResponseNonce != "" && r.ResponseNonce == s.nonce
	before, wasAll := s.names, s.all
	s.named = s.named || len(r.ResourceNames) > 0
	s.all = !s.named || slices.Contains(r.ResourceNames, wildcard)
	s.names = bounded(r.ResourceNames, exists)
	versions := maps.Clone(s.versions)
	if !s.all {
		maps.DeleteFunc(versions, func(name, _ string) bool { _, ok := s.names[name]; return !ok })
	}
	if again && wasAll == s.all && maps.Equal(before, s.names) && !hasFullState(s.typeURL) {
		// A client that asks once more for what it has waits for an answer: so does an
		// Envoy whose cluster was replaced.
		clear(versions)
	}
	s.versions = versions
	due = !s.isOld && s.all
	s.isOld, s.nonce = true, r.ResponseNonce
	return due
}

// bounded returns names as a set, without those beyond the bound that are no service.
func bounded(names []string, exists func(name string) bool) map[string]struct{} {
	out, absent := make(map[string]struct{}, min(len(names), 2*maxAbsent)), 0
	for _, name := range names {
		if _, ok := out[name]; ok || name == wildcard {
			continue
		}
		if !exists(name) {
			if absent++; absent > maxAbsent {
				continue
			}
		}
		out[name] = struct{}{}
	}
	return out
}
