package eureka

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/polarismesh/polaris/apiserver/eurekaserver"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
)

// newInstanceInfo returns an instance in the form in which the stock listener
// shows it. The stock listener exports no function for that; a test compares the
// two.
func newInstanceInfo(appName string, i *apiservice.Instance, modified time.Time) *eurekaserver.InstanceInfo {
	meta := i.GetMetadata()
	info := &eurekaserver.InstanceInfo{
		InstanceId:           eurekaID(i),
		AppName:              appName,
		IpAddr:               i.GetHost().GetValue(),
		HostName:             cmp.Or(meta[eurekaserver.MetadataHostName], i.GetHost().GetValue()),
		HomePageUrl:          meta[eurekaserver.MetadataHomePageUrl],
		StatusPageUrl:        meta[eurekaserver.MetadataStatusPageUrl],
		HealthCheckUrl:       meta[eurekaserver.MetadataHealthCheckUrl],
		VipAddress:           vipAddress(i, appName),
		SecureVipAddress:     meta[eurekaserver.MetadataSecureVipAddress],
		CountryId:            countryID(meta),
		DataCenterInfo:       dataCenter(meta),
		Status:               eurekaStatus(i),
		OverriddenStatus:     eurekaserver.StatusUnknown,
		Metadata:             &eurekaserver.Metadata{Meta: clientMetadata(i)},
		LastUpdatedTimestamp: strconv.FormatInt(modified.UnixMilli(), 10),
		ActionType:           eurekaserver.ActionAdded,
		LeaseInfo: &eurekaserver.LeaseInfo{
			RenewalIntervalInSecs: positive(meta, eurekaserver.MetadataRenewalInterval, eurekaserver.DefaultRenewInterval),
			DurationInSecs:        positive(meta, eurekaserver.MetadataDuration, eurekaserver.DefaultDuration),
		},
	}
	info.Port, info.SecurePort = ports(i)
	return info
}

// eurekaID returns the id that Eureka has for an instance.
func eurekaID(i *apiservice.Instance) string {
	if id, ok := i.GetMetadata()[eurekaserver.MetadataInstanceId]; ok {
		return id
	}
	return i.GetId().GetValue()
}

// vipAddress returns the VIP addresses of an instance, with a comma between two.
func vipAddress(i *apiservice.Instance, appName string) string {
	return cmp.Or(i.GetMetadata()[eurekaserver.MetadataVipAddress], appName)
}

// eurekaStatus returns the status that Eureka has for an instance.
func eurekaStatus(i *apiservice.Instance) string {
	switch {
	case !i.GetIsolate().GetValue():
		return eurekaserver.StatusUp
	case i.GetMetadata()[eurekaserver.InternalMetadataStatus] == eurekaserver.StatusDown:
		return eurekaserver.StatusDown
	}
	return eurekaserver.StatusOutOfService
}

func countryID(meta map[string]string) int {
	if id, err := strconv.Atoi(meta[eurekaserver.MetadataCountryId]); err == nil {
		return id
	}
	return eurekaserver.DefaultCountryIdInt
}

// positive returns a number of the metadata, or the default where the metadata
// have no number above 0.
func positive(meta map[string]string, key string, byDefault int) int {
	if n, err := strconv.Atoi(meta[key]); err == nil && n > 0 {
		return n
	}
	return byDefault
}

func dataCenter(meta map[string]string) *eurekaserver.DataCenterInfo {
	class, hasClass := meta[eurekaserver.MetadataDataCenterInfoClazz]
	name, hasName := meta[eurekaserver.MetadataDataCenterInfoName]
	if hasClass && hasName {
		return &eurekaserver.DataCenterInfo{Clazz: class, Name: name}
	}
	out := *eurekaserver.DefaultDataCenterInfo
	if class, ok := eurekaserver.CustomEurekaParameters[eurekaserver.CustomKeyDciClass]; ok {
		out.Clazz = class
	}
	if name, ok := eurekaserver.CustomEurekaParameters[eurekaserver.CustomKeyDciName]; ok {
		out.Name = name
	}
	return &out
}

// clientMetadata returns the metadata that clients see: without Polaris's own,
// and with the location of the instance, unless it has metadata of these names.
func clientMetadata(i *apiservice.Instance) map[string]any {
	place := i.GetLocation()
	out := map[string]any{}
	for key, value := range map[string]string{
		"region": place.GetRegion().GetValue(), "zone": place.GetZone().GetValue(), "campus": place.GetCampus().GetValue(),
	} {
		if value != "" {
			out[key] = value
		}
	}
	for key, value := range i.GetMetadata() {
		if !strings.HasPrefix(key, "internal-") {
			out[key] = value
		}
	}
	return out
}

// ports returns the plain and the secure port. A Eureka client registers both;
// any other instance has one.
func ports(i *apiservice.Instance) (plain, secure *eurekaserver.PortWrapper) {
	meta := i.GetMetadata()
	plain = &eurekaserver.PortWrapper{Enabled: "false", Port: eurekaserver.DefaultInsecurePort}
	secure = &eurekaserver.PortWrapper{Enabled: "false", Port: eurekaserver.DefaultSSLPort}
	switch {
	case hasAll(meta, eurekaserver.MetadataInsecurePort, eurekaserver.MetadataInsecurePortEnabled,
		eurekaserver.MetadataSecurePort, eurekaserver.MetadataSecurePortEnabled):
		plain.Port, plain.Enabled = parsePort(meta[eurekaserver.MetadataInsecurePort], meta[eurekaserver.MetadataInsecurePortEnabled])
		secure.Port, secure.Enabled = parsePort(meta[eurekaserver.MetadataSecurePort], meta[eurekaserver.MetadataSecurePortEnabled])
	case i.GetProtocol().GetValue() == eurekaserver.SecureProtocol:
		secure.Port, secure.Enabled = int(i.GetPort().GetValue()), "true"
		if port, _ := strconv.Atoi(meta[eurekaserver.MetadataInsecurePort]); port > 0 {
			plain.Port, plain.Enabled = port, "true"
		}
	default:
		plain.Port, plain.Enabled = int(i.GetPort().GetValue()), "true"
	}
	return plain, secure
}

func hasAll(meta map[string]string, keys ...string) bool {
	return !slices.ContainsFunc(keys, func(key string) bool {
		_, ok := meta[key]
		return !ok
	})
}

func parsePort(port, enabled string) (int, bool) {
	n, _ := strconv.Atoi(port)
	on, _ := strconv.ParseBool(enabled)
	return n, on
}
