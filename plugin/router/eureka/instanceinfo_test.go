package eureka

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/golang/mock/gomock"
	"github.com/google/go-cmp/cmp"
	"github.com/polarismesh/polaris/apiserver/eurekaserver"
	"github.com/polarismesh/polaris/cache"
	cachetypes "github.com/polarismesh/polaris/cache/api"
	cachemock "github.com/polarismesh/polaris/cache/mock"
	"github.com/polarismesh/polaris/common/model"
	"github.com/polarismesh/polaris/service"
	storemock "github.com/polarismesh/polaris/store/mock"
	apimodel "github.com/polarismesh/specification/source/go/api/v1/model"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// instanceKinds returns an instance of each kind that the stock listener tells
// apart.
func instanceKinds() []*model.Instance {
	everything := map[string]string{
		eurekaserver.MetadataInsecurePort: "80", eurekaserver.MetadataInsecurePortEnabled: "true",
		eurekaserver.MetadataSecurePort: "443", eurekaserver.MetadataSecurePortEnabled: "false",
		eurekaserver.MetadataInstanceId: "host:app:80", eurekaserver.MetadataHostName: "host", eurekaserver.MetadataVipAddress: "v",
		eurekaserver.MetadataSecureVipAddress: "s", eurekaserver.MetadataHomePageUrl: "h", eurekaserver.MetadataStatusPageUrl: "p",
		eurekaserver.MetadataHealthCheckUrl: "c", eurekaserver.MetadataCountryId: "0", eurekaserver.MetadataRenewalInterval: "10",
		eurekaserver.MetadataDuration: "20", eurekaserver.MetadataDataCenterInfoClazz: "class", eurekaserver.MetadataDataCenterInfoName: "name",
		"k": "v", "internal-x": "y", "zone": "own",
	}
	kinds := []*apiservice.Instance{
		{},
		{Metadata: everything, Location: &apimodel.Location{Region: wrapperspb.String("east"), Zone: wrapperspb.String("z"), Campus: wrapperspb.String("c")}},
		{Isolate: wrapperspb.Bool(true)},
		{Isolate: wrapperspb.Bool(true), Metadata: map[string]string{eurekaserver.InternalMetadataStatus: "DOWN"}},
		{Isolate: wrapperspb.Bool(true), Metadata: map[string]string{eurekaserver.InternalMetadataStatus: "STARTING"}},
		{Protocol: wrapperspb.String("HTTPS")},
		{Protocol: wrapperspb.String("HTTPS"), Metadata: map[string]string{eurekaserver.MetadataInsecurePort: "81", eurekaserver.MetadataCountryId: "x"}},
		{Metadata: map[string]string{eurekaserver.MetadataDataCenterInfoName: "alone", eurekaserver.MetadataDuration: "-1"}},
	}
	var out []*model.Instance
	for n, i := range kinds {
		i.Id, i.Host, i.Port = wrapperspb.String(string(rune('a'+n))), wrapperspb.String("10.0.0.1"), wrapperspb.UInt32(8000)
		i.Healthy = wrapperspb.Bool(true)
		out = append(out, &model.Instance{Proto: i, ModifyTime: time.UnixMilli(1700000000123)})
	}
	return out
}

// stockNaming has one service for the stock listener.
type stockNaming struct {
	service.DiscoverServer
	cache *cache.CacheManager
}

func (s stockNaming) Cache() *cache.CacheManager { return s.cache }
func (s stockNaming) GetServiceInstanceRevision(string, []*model.Instance) (string, error) {
	return "1", nil
}

// An instance that is written anew looks as the stock listener shows it.
func TestInstanceInfoIsAsTheStockListener(t *testing.T) {
	ctrl := gomock.NewController(t)
	caches, err := cache.TestCacheInitialize(t.Context(), &cache.Config{}, storemock.NewMockStore(ctrl))
	if err != nil {
		t.Fatal(err)
	}
	services, instances := cachemock.NewMockServiceCache(ctrl), cachemock.NewMockInstanceCache(ctrl)
	caches.RegisterCacher(cachetypes.CacheService, services)
	caches.RegisterCacher(cachetypes.CacheInstance, instances)
	services.EXPECT().IteratorServices(gomock.Any()).DoAndReturn(func(each cachetypes.ServiceIterProc) error {
		_, err := each("1", &model.Service{ID: "1", Name: "app", Namespace: "default"})
		return err
	}).AnyTimes()
	instances.EXPECT().IteratorInstancesWithService("1", gomock.Any()).DoAndReturn(func(_ string, each cachetypes.InstanceIterProc) error {
		for _, i := range instanceKinds() {
			_, _ = each("", i)
		}
		return nil
	}).AnyTimes()
	for _, custom := range []map[string]string{{}, {"dataCenterInfoName": "n"}, {"dataCenterInfoName": "n", "dataCenterInfoClass": "c"}} {
		eurekaserver.CustomEurekaParameters = custom
		worker := eurekaserver.NewApplicationsWorker(time.Hour, time.Hour, true, stockNaming{cache: caches}, nil, "default")
		stock := worker.GetCachedAppsWithLoad().AppsResp.Applications.GetApplication("APP")
		worker.Stop()
		if stock == nil || len(stock.Instance) != len(instanceKinds()) {
			t.Fatalf("the stock listener shows %v", stock)
		}
		for n, i := range instanceKinds() {
			want, _ := json.MarshalIndent(stock.Instance[n], "", " ")
			got, _ := json.MarshalIndent(newInstanceInfo("APP", i.Proto, i.ModifyTime), "", " ")
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("instance %d with %v: (-want +got)\n%s", n, custom, diff)
			}
		}
	}
	eurekaserver.CustomEurekaParameters = map[string]string{}
}
