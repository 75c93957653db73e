package kubernetes

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/polaris-contrib/setrouter/internal/serverconfig"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

func named(region, zone, campus string) serverconfig.PlaceName {
	return serverconfig.PlaceName{Location: location.Location{Region: region, Zone: zone, Campus: campus}}
}

func TestPlaceOfNode(t *testing.T) {
	names := map[string]serverconfig.PlaceName{
		"cn-shenzhen-a": named("华南", "ap-shenzhen", ""), "cn-beijing": named("华北", "ap-beijing", ""),
		"cn-hangzhou": named("华东", "", ""), "cn-hangzhou-b": named("华东", "ap-hangzhou", "ap-hangzhou-2"),
	}
	for _, tt := range []struct {
		name                 string
		region, zone, campus string
		want, unnamed        string
	}{
		{"the zone has a name", "cn-shenzhen", "cn-shenzhen-a", "", "华南/ap-shenzhen", ""},
		{"the campus follows", "cn-shenzhen", "cn-shenzhen-a", "c1", "华南/ap-shenzhen/c1", ""},
		{"the region is a zone, and the zone follows", "cn-beijing", "cn-beijing-c", "", "华北/ap-beijing/cn-beijing-c", ""},
		{"there is no fourth level", "cn-beijing", "cn-beijing-c", "c1", "华北/ap-beijing/cn-beijing-c", ""},
		{"the narrowest name wins", "cn-hangzhou", "cn-hangzhou-b", "c1", "华东/ap-hangzhou/ap-hangzhou-2", ""},
		{"the region only has a name", "cn-hangzhou", "cn-hangzhou-x", "", "华东/cn-hangzhou-x", ""},
		{"a zone without its region", "", "cn-shenzhen-a", "", "华南/ap-shenzhen", ""},
		{"a campus without its zone", "cn-hangzhou", "", "c1", "华东", ""},
		{"own names", "华南", "ap-guangzhou", "", "华南/ap-guangzhou", ""},
		{"no labels", "", "", "", "", ""},
		{"a misspelt name", "cn-shenzhen", "cn-shenzen-a", "", "cn-shenzhen/cn-shenzen-a", `zone "cn-shenzen-a", which placeNames does not have; did you mean "cn-shenzhen-a"?`},
		{"a region without a name", "eu-west", "", "", "eu-west", `region "eu-west", which placeNames does not have`},
	} {
		k := keysOf(serverconfig.Cluster{Places: serverconfig.Places{RegionLabel: "region", ZoneLabel: "az", PlaceNames: names}},
			&serverconfig.Kubernetes{Places: serverconfig.Places{ZoneLabel: "other", CampusLabel: "campus"}})
		labels := map[string]string{"region": tt.region, "az": tt.zone, "campus": tt.campus, corev1.LabelTopologyZone: "not read"}
		stripped, _ := k.strip(&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n", Labels: labels}})
		got := k.node(stripped.(*corev1.Node))
		if got.Location.String() != tt.want || got.Unnamed != tt.unnamed {
			t.Errorf("%s: %s, %s\nwant %s, %s", tt.name, got.Location, got.Unnamed, tt.want, tt.unnamed)
		}
	}
}

func TestUnnamed(t *testing.T) {
	table := NewTable()
	put := func(name, unnamed string) {
		table.PutNode("bj", Node{Name: name, Unnamed: unnamed})
	}
	say := func(want string) {
		t.Helper()
		if got := table.Unnamed("bj"); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	put("n3", "")
	say("")
	put("n2", `zone "a", which placeNames does not have`)
	say(`node "n2" is in zone "a", which placeNames does not have`)
	put("n1", `zone "b", which placeNames does not have`)
	put("n4", `zone "a", which placeNames does not have`)
	say(`3 nodes have places without a name, the first: node "n2" is in zone "a", which placeNames does not have`)
}
