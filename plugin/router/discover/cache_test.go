package discover

import (
	"testing"

	api "github.com/polarismesh/polaris/common/api/v1"
	apimodel "github.com/polarismesh/specification/source/go/api/v1/model"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/polaris-contrib/setrouter/plugin/router"
)

// An answer that gives no list is never kept as the encoded answer of a revision, and
// is not what a list of that revision is found by.
func TestNoListIsNotKept(t *testing.T) {
	service := func(revision string) *apiservice.Service {
		return &apiservice.Service{Namespace: wrapperspb.String("default"), Name: wrapperspb.String("s"), Revision: wrapperspb.String(revision)}
	}
	for _, revision := range []string{"", "r"} {
		if o := cacheObject(router.KeepYours(service(revision), "a fault")); o != nil {
			t.Errorf("revision %q: kept as %s", revision, o.Key)
		}
	}
	if o := cacheObject(api.NewDiscoverInstanceResponse(apimodel.Code_ExecuteSuccess, service("r"))); o == nil || o.Key != "default/s/r" {
		t.Errorf("a list is kept as %v", o)
	}
}
