package caller

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/polarismesh/polaris/common/eventhub"
	"github.com/polarismesh/polaris/common/model"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/polaris-contrib/setrouter/internal/wire"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

// A bug in an event of the server's caches does not take the server down: the
// hub calls whoever listens in a goroutine that nobody guards.
func TestFaultInEvent(t *testing.T) {
	eventhub.InitEventHub()
	seen := make(chan string)
	err := subscribe(eventhub.CacheInstanceEventTopic, func(e *eventhub.CacheInstanceEvent) { seen <- e.Instance.ID() })
	if err != nil {
		t.Fatal(err)
	}
	for _, event := range []any{"of another type", &eventhub.CacheInstanceEvent{}, &eventhub.CacheInstanceEvent{Instance: &model.Instance{}}} {
		if err := eventhub.Publish(eventhub.CacheInstanceEventTopic, event); err != nil {
			t.Fatal(err)
		}
	}
	if id := <-seen; id != "" {
		t.Errorf("instance %q", id)
	}
}

// An instance counts by its health alone: one that operators isolated still says who
// calls from its host.
func TestHealthOfInstances(t *testing.T) {
	r := NewRecords()
	instance := func(id, set string, healthy, isolated bool) *model.Instance {
		return &model.Instance{Proto: &apiservice.Instance{
			Id: wrapperspb.String(id), Host: wrapperspb.String("[2001:db8::1]"), Healthy: wrapperspb.Bool(healthy), Isolate: wrapperspb.Bool(isolated),
			Metadata: map[string]string{location.MetaSetName: set, location.MetaSetEnable: "y"},
		}}
	}
	for _, step := range []struct {
		name string
		put  *model.Instance
		want string
	}{
		{"unhealthy", instance("1", "a.b.c", false, false), "[a.b.c]"},
		{"a healthy one beside it", instance("2", "a.b.d", true, false), "[a.b.d]"},
		{"which is isolated", instance("2", "a.b.d", true, true), "[a.b.d]"},
		{"both healthy", instance("1", "a.b.c", true, false), "[a.b.c a.b.d]"},
		{"the isolated one dies", instance("2", "a.b.d", false, true), "[a.b.c]"},
	} {
		r.putInstance(step.put.ID(), step.put)
		found, _ := r.Registry().Facts(netip.MustParseAddr("2001:db8::1"))
		if got := fmt.Sprint(found.AllSETs()); got != step.want {
			t.Errorf("%s: %s, want %s", step.name, got, step.want)
		}
	}
	r.putInstance("1", nil)
	r.putInstance("2", nil)
	if _, ok := r.Registry().Facts(netip.MustParseAddr("2001:db8::1")); ok {
		t.Error("instances that are gone are known")
	}
}

// Clients at one address that report different places are known as far as they agree.
func TestReports(t *testing.T) {
	r := NewRecords()
	for id, zone := range map[string]string{"1": "z", "2": "y", "3": ""} {
		r.putClient(id, model.NewClient(&apiservice.Client{
			Id: wrapperspb.String(id), Host: wrapperspb.String("10.0.0.1"), Location: wire.ToProto(location.Location{Region: "r", Zone: zone}),
		}))
	}
	found, _ := r.Report().Facts(netip.MustParseAddr("10.0.0.1"))
	if facts := found.Facts(); facts.Location.String() != "r" || facts.RegionFrom != reportOrigin {
		t.Errorf("%s from %s", facts.Location, facts.RegionFrom)
	}
}
