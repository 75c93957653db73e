package nacos

import (
	"strings"
	"testing"

	nacosmodel "github.com/polarismesh/polaris/apiserver/nacosserver/model"

	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// What a client names, what that is in Polaris, and how Nacos clients name what Polaris has.
func TestServiceNames(t *testing.T) {
	for _, c := range []struct {
		name                      string
		namespace, group, service string
		want                      query
		polaris                   route.Service
		back                      query // zero: the same
	}{
		{name: "nothing said", service: "s",
			want: query{namespace: "public", group: "DEFAULT_GROUP", service: "s"}, polaris: route.Service{Namespace: "default", Name: "s"}},
		{name: "the default group", namespace: "public", group: "DEFAULT_GROUP", service: "s",
			want: query{namespace: "public", group: "DEFAULT_GROUP", service: "s"}, polaris: route.Service{Namespace: "default", Name: "s"}},
		{name: "the default group in the name", service: "DEFAULT_GROUP@@s",
			want: query{namespace: "public", group: "DEFAULT_GROUP", service: "s"}, polaris: route.Service{Namespace: "default", Name: "s"}},
		{name: "a group beside the name", group: "G", service: "s",
			want: query{namespace: "public", group: "G", service: "s"}, polaris: route.Service{Namespace: "default", Name: "G__s"}},
		{name: "a group in the name", service: "G@@s",
			want: query{namespace: "public", group: "G", service: "s"}, polaris: route.Service{Namespace: "default", Name: "G__s"}},
		{name: "the group in the name counts", group: "H", service: "G@@s",
			want: query{namespace: "public", group: "G", service: "s"}, polaris: route.Service{Namespace: "default", Name: "G__s"}},
		{name: "no group before the mark", group: "H", service: "@@s",
			want: query{namespace: "public", group: "DEFAULT_GROUP", service: "s"}, polaris: route.Service{Namespace: "default", Name: "s"}},
		{name: "another namespace", namespace: "team", group: "G", service: "s",
			want: query{namespace: "team", group: "G", service: "s"}, polaris: route.Service{Namespace: "team", Name: "G__s"}},
		{name: "Polaris's own name of the namespace", namespace: "default", service: "s",
			want: query{namespace: "default", group: "DEFAULT_GROUP", service: "s"}, polaris: route.Service{Namespace: "default", Name: "s"},
			back: query{namespace: "public", group: "DEFAULT_GROUP", service: "s"}},
		{name: "blanks", namespace: " ", group: " G ", service: "  s ",
			want: query{namespace: "public", group: "G", service: "s"}, polaris: route.Service{Namespace: "default", Name: "G__s"}},
		{name: "the mark of Polaris in the name", service: "a__b__c",
			want: query{namespace: "public", group: "DEFAULT_GROUP", service: "a__b__c"}, polaris: route.Service{Namespace: "default", Name: "a__b__c"},
			back: query{namespace: "public", group: "a", service: "b__c"}},
		{name: "the mark at an end", service: "__s__",
			want: query{namespace: "public", group: "DEFAULT_GROUP", service: "__s__"}, polaris: route.Service{Namespace: "default", Name: "__s__"}},
		{name: "two marks", service: "G@@a@@b",
			want: query{namespace: "public", group: "G", service: "a@@b"}, polaris: route.Service{Namespace: "default", Name: "G__a__b"},
			back: query{namespace: "public", group: "G", service: "a__b"}},
		{name: "no name", service: "G@@", want: query{namespace: "public", group: "G", service: ""}, polaris: route.Service{Namespace: "default", Name: "G__"},
			back: query{namespace: "public", group: "DEFAULT_GROUP", service: "G__"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := newQuery(c.namespace, c.group, c.service)
			if got != c.want || got.polaris() != c.polaris {
				t.Errorf("%v, in Polaris %v, want %v, %v", got, got.polaris(), c.want, c.polaris)
			}
			back := c.back
			if back == (query{}) {
				back = c.want
			}
			if got := queryFor(c.polaris); got != back {
				t.Errorf("back: %v, want %v", got, back)
			}
		})
	}
}

// The option defaultNamespace is the namespace public, in both directions.
func TestDefaultNamespace(t *testing.T) {
	before := nacosmodel.ConvertPolarisNamespaceVal
	nacosmodel.ConvertPolarisNamespaceVal = "team"
	defer func() { nacosmodel.ConvertPolarisNamespaceVal = before }()
	for _, namespace := range []string{"", "public", "team"} {
		if got := newQuery(namespace, "", "s").polaris(); got != (route.Service{Namespace: "team", Name: "s"}) {
			t.Errorf("%q: %v", namespace, got)
		}
	}
	if got := queryFor(route.Service{Namespace: "team", Name: "s"}); got.namespace != "public" {
		t.Errorf("back: %v", got)
	}
}

// Whatever a client names is one service of Polaris, and the name that Nacos has for that
// service leads to the same one.
func FuzzNames(f *testing.F) {
	f.Add("public", "DEFAULT_GROUP", "s")
	f.Add("", "", "G@@s")
	f.Add("team", "G__H", "a__b@@c")
	f.Add(" ", "@@", "@@@@ ")
	f.Fuzz(func(t *testing.T, namespace, group, service string) {
		name := newQuery(namespace, group, service)
		polaris := name.polaris()
		if polaris.Namespace == "" {
			t.Fatalf("%+v has no namespace", name)
		}
		legal := name.service != "" && !strings.Contains(name.group, "@") // Nacos has no such groups
		if again := newQuery(name.namespace, "", name.grouped()); legal && again.polaris() != polaris {
			t.Fatalf("%+v by its whole name is %v, not %v", name, again.polaris(), polaris)
		}
		if back := queryFor(polaris); polaris.Name != "" && !strings.Contains(polaris.Name, "@") && back.polaris() != polaris {
			t.Fatalf("%v is %+v in Nacos, which is %v", polaris, back, back.polaris())
		}
	})
}
