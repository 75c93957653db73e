// Package wire translates places between Polaris's messages and
// package location.
package wire

import (
	apimodel "github.com/polarismesh/specification/source/go/api/v1/model"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/polaris-contrib/setrouter/plugin/location"
)

// FromProto returns the place in a message; the zero value for nil.
func FromProto(l *apimodel.Location) location.Location {
	return location.Location{
		Region: l.GetRegion().GetValue(),
		Zone:   l.GetZone().GetValue(),
		Campus: l.GetCampus().GetValue(),
	}
}

// ToProto returns a new message for a place.
func ToProto(l location.Location) *apimodel.Location {
	return &apimodel.Location{
		Region: wrapperspb.String(l.Region),
		Zone:   wrapperspb.String(l.Zone),
		Campus: wrapperspb.String(l.Campus),
	}
}
