package eureka

import (
	"strings"
	"testing"

	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// What comes stands before what goes, so that no application is without instances in
// between; what is replaced at its host and port goes before that.
func TestOrderOfChanges(t *testing.T) {
	for _, tt := range []struct {
		name     string
		old, now string // ids at hosts
		want     string
	}{
		{"nothing", "a@1", "a@1", ""},
		{"another SET", "a@1 b@2", "c@3 d@4", "ADDED c d, DELETED a b"},
		{"one comes", "a@1", "a@1 b@2", "ADDED b"},
		{"one goes", "a@1 b@2", "b@2", "DELETED a"},
		{"all go", "a@1 b@2", "", "DELETED a b"},
		{"one is replaced at its host", "a@1 b@2", "b@2 c@1", "DELETED a, ADDED c"},
		{"one is replaced, one goes, one comes, one changes", "a@1 b@2 m@5", "c@1 d@4 m@6", "DELETED a, MODIFIED m, ADDED c d, DELETED b"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, b := range changes([]*view{viewOf(tt.old)}, viewOf(tt.now), func(_ string, a, b *apiservice.Instance) bool {
				return a.GetHost().GetValue() == b.GetHost().GetValue()
			}) {
				said := b.action
				for _, i := range b.instances {
					said += " " + i.GetId().GetValue()
				}
				got = append(got, said)
			}
			if strings.Join(got, ", ") != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// viewOf is a view with an application of instances, each as id@host.
func viewOf(instances string) *view {
	a := application{name: "APP"}
	for _, one := range strings.Fields(instances) {
		id, host, _ := strings.Cut(one, "@")
		a.instances = append(a.instances, &apiservice.Instance{
			Id: wrapperspb.String(id), Host: wrapperspb.String(host), Port: wrapperspb.UInt32(80), Healthy: wrapperspb.Bool(true),
		})
	}
	return &view{apps: []*appView{newAppView(a)}}
}
