package view

import (
	"maps"

	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"

	"github.com/polaris-contrib/setrouter/internal/wire"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// resolve finds the identity of an instance and writes it into the copy that
// will be sent, so that an SDK's own routers see the same truth. The metadata is
// shared with the server's cache: resolve replaces it, and never writes it.
func resolve(p *apiservice.Instance, state inForce, hosts location.Hosts) route.Instance {
	registered, _ := location.Registered(wire.FromProto(p.GetLocation()), p.GetMetadata())
	facts := hosts.Instance(p.GetHost().GetValue(), &registered)
	if facts.Location != (location.Location{}) {
		p.Location = wire.ToProto(facts.Location)
	}
	if facts.SET != "" {
		p.Metadata = withSET(p.GetMetadata(), facts.SET)
	}
	_, evacuated := state.evacuations.TakingOut(facts.Location, facts.SET)
	return route.Instance{
		Location:  facts.Location,
		SET:       facts.SET,
		Healthy:   p.GetHealthy().GetValue(),
		Isolate:   p.GetIsolate().GetValue(),
		Weight:    p.GetWeight().GetValue(),
		Evacuated: evacuated,
	}
}

// withSET adds the SET where the instance has not said a SET itself. A name that
// is no SET name does not count as one, and SDKs would take it for one. Where the
// instance says another SET than the resolved one, nothing is switched on.
func withSET(metadata map[string]string, set location.SET) map[string]string {
	name := metadata[location.MetaSetName]
	_, enabled := metadata[location.MetaSetEnable]
	if _, err := location.ParseSET(name); err == nil && (enabled || name != string(set)) {
		return metadata
	}
	out := make(map[string]string, len(metadata)+2)
	maps.Copy(out, metadata)
	out[location.MetaSetName] = string(set)
	if !enabled {
		out[location.MetaSetEnable] = "Y"
	}
	return out
}
