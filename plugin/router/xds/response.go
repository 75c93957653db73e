package xds

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"

	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	cachev3 "github.com/envoyproxy/go-control-plane/pkg/cache/v3"
)

// response is an answer in the state of the world.
type response struct {
	request *discovery.DiscoveryRequest
	answer  *discovery.DiscoveryResponse
	sent    func() // is called when the answer is sent: the server drops answers that a new request overtook
}

var _ cachev3.Response = (*response)(nil)

// GetDiscoveryResponse implements cachev3.Response. The server calls it once, when it sends
// the answer.
func (r *response) GetDiscoveryResponse() (*discovery.DiscoveryResponse, error) {
	r.sent()
	return r.answer, nil
}

// GetRequest implements cachev3.Response.
func (r *response) GetRequest() *discovery.DiscoveryRequest { return r.request }

// GetVersion implements cachev3.Response.
func (r *response) GetVersion() (string, error) { return r.answer.VersionInfo, nil }

// GetContext implements cachev3.Response.
func (r *response) GetContext() context.Context { return context.Background() }

// deltaResponse is an answer of the delta variant.
type deltaResponse struct {
	request  *discovery.DeltaDiscoveryRequest
	answer   *discovery.DeltaDiscoveryResponse
	versions map[string]string // that the client has with this answer
	sent     func()            // as of response
}

var _ cachev3.DeltaResponse = (*deltaResponse)(nil)

// GetDeltaDiscoveryResponse implements cachev3.DeltaResponse. The server calls it once,
// when it sends the answer.
func (r *deltaResponse) GetDeltaDiscoveryResponse() (*discovery.DeltaDiscoveryResponse, error) {
	r.sent()
	return r.answer, nil
}

// GetDeltaRequest implements cachev3.DeltaResponse.
func (r *deltaResponse) GetDeltaRequest() *discovery.DeltaDiscoveryRequest { return r.request }

// GetSystemVersion implements cachev3.DeltaResponse.
func (r *deltaResponse) GetSystemVersion() (string, error) { return r.answer.SystemVersionInfo, nil }

// GetNextVersionMap implements cachev3.DeltaResponse.
func (r *deltaResponse) GetNextVersionMap() map[string]string { return r.versions }

// GetContext implements cachev3.DeltaResponse.
func (r *deltaResponse) GetContext() context.Context { return context.Background() }

// versionOf returns the version of resources together, by their names and versions.
func versionOf(versions map[string]string) string {
	sum := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(versions)) {
		sum.Write([]byte(name))
		sum.Write([]byte{0})
		sum.Write([]byte(versions[name]))
		sum.Write([]byte{0})
	}
	return hex.EncodeToString(sum.Sum(nil)[:versionBytes])
}
