package view

import (
	"maps"

	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"

	"github.com/polaris-contrib/setrouter/internal/wire"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// resolve finds the identity of an instance and writes it into the copy that
// will be sent, so that an SDK's own routers see the same truth. The metadata are
// shared with the server's cache: resolve replaces them, and never writes them. It also
// returns the names of SETs that do not count.
func resolve(p *apiservice.Instance, state inForce, hosts location.Hosts) (route.Instance, []location.IgnoredSET) {
	registered, ignored := location.Registered(wire.FromProto(p.GetLocation()), p.GetMetadata())
	facts := hosts.Instance(p.GetHost().GetValue(), &registered)
	if facts.Location != (location.Location{}) {
		p.Location = wire.ToProto(facts.Location)
	}
	p.Metadata = withIdentity(p.GetMetadata(), facts.Location, facts.SET)
	_, evacuated := state.evacuations.TakingOut(facts.Location, facts.SET)
	return route.Instance{
		Location:  facts.Location,
		SET:       facts.SET,
		Healthy:   p.GetHealthy().GetValue(),
		Isolate:   p.GetIsolate().GetValue(),
		Weight:    p.GetWeight().GetValue(),
		Evacuated: evacuated,
	}, ignored
}

// The keys of a location in an instance's metadata, as Polaris writes them.
const (
	metaRegion = "region"
	metaZone   = "zone"
	metaCampus = "campus"
)

// withIdentity returns metadata that say the place and the SET that the decision
// used, whatever the instance registered: an SDK's own routers read them
// (docs/design.md, 5.4). An instance without a SET has no SET keys. An instance
// without a location keeps what it says of its place. The metadata given are never
// written; they are returned where they say all that already.
func withIdentity(metadata map[string]string, place location.Location, set location.SET) map[string]string {
	want := map[string]string{}
	if place != (location.Location{}) {
		want[metaRegion], want[metaZone], want[metaCampus] = place.Region, place.Zone, place.Campus
	}
	if set != "" {
		want[location.MetaSetName], want[location.MetaSetEnable] = string(set), "Y"
	}
	_, named := metadata[location.MetaSetName]
	_, enabled := metadata[location.MetaSetEnable]
	if holds(metadata, want) && (set != "" || !named && !enabled) {
		return metadata
	}
	out := make(map[string]string, len(metadata)+len(want))
	maps.Copy(out, metadata)
	if set == "" {
		delete(out, location.MetaSetName)
		delete(out, location.MetaSetEnable)
	}
	maps.Copy(out, want)
	return out
}

// holds reports whether metadata have all wanted keys with their values.
func holds(metadata, want map[string]string) bool {
	for key, value := range want {
		if got, ok := metadata[key]; !ok || got != value {
			return false
		}
	}
	return true
}
