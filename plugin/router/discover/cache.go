package discover

import (
	"github.com/polarismesh/polaris/apiserver/grpcserver"
	apimodel "github.com/polarismesh/specification/source/go/api/v1/model"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
)

// cachedTypes are the types of answers whose encoded form is kept.
var cachedTypes = map[apiservice.DiscoverResponse_DiscoverResponseType]bool{
	apiservice.DiscoverResponse_INSTANCE:        true,
	apiservice.DiscoverResponse_ROUTING:         true,
	apiservice.DiscoverResponse_RATE_LIMIT:      true,
	apiservice.DiscoverResponse_CIRCUIT_BREAKER: true,
	apiservice.DiscoverResponse_FAULT_DETECTOR:  true,
	apiservice.DiscoverResponse_SERVICES:        true,
}

func cachedTypeNames() []string {
	var names []string
	for t := range cachedTypes {
		names = append(names, t.String())
	}
	return names
}

// cacheObject returns the key under which the encoded form of an answer is kept.
// It returns nil for an answer that is not kept, also for one without a revision.
// The key has the revision: the revision of a view is a hash of all that is sent,
// so that two lists never share encoded bytes.
func cacheObject(message any) *grpcserver.CacheObject {
	resp, ok := message.(*apiservice.DiscoverResponse)
	if !ok || resp.GetCode().GetValue() != uint32(apimodel.Code_ExecuteSuccess) || !cachedTypes[resp.GetType()] {
		return nil
	}
	s := resp.GetService()
	if s.GetRevision().GetValue() == "" {
		return nil
	}
	return &grpcserver.CacheObject{
		OriginVal: resp,
		CacheType: resp.GetType().String(),
		Key:       s.GetNamespace().GetValue() + "/" + s.GetName().GetValue() + "/" + s.GetRevision().GetValue(),
	}
}
