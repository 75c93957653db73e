package router

import (
	"maps"
	"net/netip"

	apimodel "github.com/polarismesh/specification/source/go/api/v1/model"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// resolve finds the identity of an instance and writes it into the copy that
// will be sent, so that an SDK's own routers see the same truth. The metadata
// is shared with the server's cache and replaced, never written.
func resolve(p *apiservice.Instance, state inForce, hosts location.Hosts) route.Instance {
	registered, _ := location.Registered(fromProto(p.GetLocation()), p.GetMetadata())
	facts := hosts.Instance(p.GetHost().GetValue(), &registered)
	if facts.Location != (location.Location{}) {
		p.Location = toProto(facts.Location)
	}
	if facts.SET != "" {
		p.Metadata = withSET(p.GetMetadata(), facts.SET)
	}
	_, evacuated := state.evacuations.Has(facts.Location, facts.SET)
	return route.Instance{
		Location:  facts.Location,
		SET:       facts.SET,
		Healthy:   p.GetHealthy().GetValue(),
		Isolate:   p.GetIsolate().GetValue(),
		Weight:    p.GetWeight().GetValue(),
		Evacuated: evacuated,
	}
}

// withSET adds the SET where the instance has not said one itself: a name that
// is no SET name is none, and SDKs would take it for one. Beside another name
// than the resolved one nothing is switched on.
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

func fromProto(l *apimodel.Location) location.Location {
	return location.Location{
		Region: l.GetRegion().GetValue(),
		Zone:   l.GetZone().GetValue(),
		Campus: l.GetCampus().GetValue(),
	}
}

func toProto(l location.Location) *apimodel.Location {
	return &apimodel.Location{
		Region: wrapperspb.String(l.Region),
		Zone:   wrapperspb.String(l.Zone),
		Campus: wrapperspb.String(l.Campus),
	}
}

// hostAddr parses the host of an instance or client; one that is a name has no
// address.
func hostAddr(host string) (netip.Addr, bool) {
	addr, err := netip.ParseAddr(host)
	return location.Normalize(addr), err == nil
}
