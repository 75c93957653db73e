package eureka

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/polarismesh/polaris/apiserver/eurekaserver"
	"github.com/polarismesh/polaris/common/model"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
)

// describe is how the stock listener shows an instance. It has no exported
// function for that; a test compares the two.
func describe(app string, of *model.Instance) *eurekaserver.InstanceInfo {
	i, meta := of.Proto, of.Proto.GetMetadata()
	info := &eurekaserver.InstanceInfo{
		InstanceId:           idOf(i),
		AppName:              app,
		IpAddr:               i.GetHost().GetValue(),
		HostName:             cmp.Or(meta[eurekaserver.MetadataHostName], i.GetHost().GetValue()),
		HomePageUrl:          meta[eurekaserver.MetadataHomePageUrl],
		StatusPageUrl:        meta[eurekaserver.MetadataStatusPageUrl],
		HealthCheckUrl:       meta[eurekaserver.MetadataHealthCheckUrl],
		VipAddress:           cmp.Or(meta[eurekaserver.MetadataVipAddress], app),
		SecureVipAddress:     meta[eurekaserver.MetadataSecureVipAddress],
		CountryId:            eurekaserver.DefaultCountryIdInt,
		DataCenterInfo:       dataCenter(meta),
		Status:               eurekaserver.StatusUp,
		OverriddenStatus:     eurekaserver.StatusUnknown,
		Metadata:             &eurekaserver.Metadata{Meta: metadata(i)},
		LastUpdatedTimestamp: strconv.FormatInt(of.ModifyTime.UnixNano()/1e6, 10),
		ActionType:           eurekaserver.ActionAdded,
		LeaseInfo: &eurekaserver.LeaseInfo{
			RenewalIntervalInSecs: number(meta, eurekaserver.MetadataRenewalInterval, eurekaserver.DefaultRenewInterval),
			DurationInSecs:        number(meta, eurekaserver.MetadataDuration, eurekaserver.DefaultDuration),
		},
	}
	if id, err := strconv.Atoi(meta[eurekaserver.MetadataCountryId]); err == nil {
		info.CountryId = id
	}
	if i.GetIsolate().GetValue() {
		info.Status = eurekaserver.StatusOutOfService
		if meta[eurekaserver.InternalMetadataStatus] == eurekaserver.StatusDown {
			info.Status = eurekaserver.StatusDown
		}
	}
	info.Port, info.SecurePort = ports(i)
	return info
}

// number is a number above 0 of the metadata, or the default.
func number(meta map[string]string, key string, otherwise int) int {
	if n, err := strconv.Atoi(meta[key]); err == nil && n > 0 {
		return n
	}
	return otherwise
}

func dataCenter(meta map[string]string) *eurekaserver.DataCenterInfo {
	class, ok1 := meta[eurekaserver.MetadataDataCenterInfoClazz]
	name, ok2 := meta[eurekaserver.MetadataDataCenterInfoName]
	if ok1 && ok2 {
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

// metadata is that of clients, with the location where it has none.
func metadata(i *apiservice.Instance) map[string]any {
	l := i.GetLocation()
	out := map[string]any{}
	for key, value := range map[string]string{
		"region": l.GetRegion().GetValue(), "zone": l.GetZone().GetValue(), "campus": l.GetCampus().GetValue(),
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

// ports are the plain and the secure one: both as a Eureka client registered
// them, or the one that the instance has.
func ports(i *apiservice.Instance) (plain, secure *eurekaserver.PortWrapper) {
	meta := i.GetMetadata()
	plain = &eurekaserver.PortWrapper{Enabled: "false", Port: eurekaserver.DefaultInsecurePort}
	secure = &eurekaserver.PortWrapper{Enabled: "false", Port: eurekaserver.DefaultSSLPort}
	plainPort, ok1 := meta[eurekaserver.MetadataInsecurePort]
	plainOn, ok2 := meta[eurekaserver.MetadataInsecurePortEnabled]
	securePort, ok3 := meta[eurekaserver.MetadataSecurePort]
	secureOn, ok4 := meta[eurekaserver.MetadataSecurePortEnabled]
	switch {
	case ok1 && ok2 && ok3 && ok4:
		plain.Port, plain.Enabled = parsed(plainPort, plainOn)
		secure.Port, secure.Enabled = parsed(securePort, secureOn)
	case i.GetProtocol().GetValue() == eurekaserver.SecureProtocol:
		secure.Port, secure.Enabled = int(i.GetPort().GetValue()), "true"
		if port, _ := strconv.Atoi(plainPort); port > 0 {
			plain.Port, plain.Enabled = port, "true"
		}
	default:
		plain.Port, plain.Enabled = int(i.GetPort().GetValue()), "true"
	}
	return plain, secure
}

func parsed(port, enabled string) (int, bool) {
	n, _ := strconv.Atoi(port)
	on, _ := strconv.ParseBool(enabled)
	return n, on
}
