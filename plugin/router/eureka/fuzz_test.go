package eureka

import (
	"encoding/json"
	"encoding/xml"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/emicklei/go-restful/v3"

	"github.com/polaris-contrib/setrouter/internal/test/fuzztest"
)

// FuzzAnswer writes instances with metadata of any kind in both forms. Each document
// can be read, and has the instances of the view and no others.
func FuzzAnswer(f *testing.F) {
	f.Add("App", "app.kubernetes.io/name", "v", "build time", "v")
	f.Add("a<&>", "@class", "c", "-class", "d")
	f.Add("A", "", "\x00", "a:b", "]]>")
	f.Add("A", "xmlns", "u", "-xmlns", "v")
	f.Add("A", "!--", "", "?x", "")
	f.Add("\xff", "k", "\xff", "版本", "1")
	f.Fuzz(func(t *testing.T, service, key, value, key2, value2 string) {
		metadata := map[string]string{key: value, key2: value2}
		if strings.HasPrefix(key, "internal-") || strings.HasPrefix(key2, "internal-") || service == "" {
			return
		}
		r := newRegistry(t, map[string][]string{service: {"a", "b"}})
		r.add(service, "a", metadata)
		r.add(service, "b", nil)
		r.add(service, "c", metadata)
		front := frontOver(r)
		for _, isXML := range []bool{false, true} {
			q := query{namespace: "default", resource: resourceApps, isXML: isXML}
			rec := httptest.NewRecorder()
			fuzztest.Bounded(t, len(service)+len(key)+len(value)+len(key2)+len(value2), func() {
				apps, err := front.applications(q, front.servicesByApp(q))
				if err != nil {
					t.Fatal(err)
				}
				v := front.memory.view(apps)
				front.send(q, answer{v.blocks(), v.hashcode}, restful.NewRequest(httptest.NewRequest(http.MethodGet, "/", nil)), restful.NewResponse(rec))
			})
			checkDocument(t, rec.Body.Bytes(), isXML, service)
		}
	})
}

// checkDocument checks a document that has one application with the instances a and b.
func checkDocument(t *testing.T, body []byte, isXML bool, service string) {
	type application struct {
		Name     string `json:"name" xml:"name"`
		Instance []struct {
			InstanceID string         `json:"instanceId" xml:"instanceId"`
			Metadata   map[string]any `json:"metadata" xml:"-"`
		} `json:"instance" xml:"instance"`
	}
	var apps struct {
		Hashcode    string        `json:"apps__hashcode" xml:"apps__hashcode"`
		Application []application `json:"application" xml:"application"`
	}
	var err error
	if isXML {
		err = xml.Unmarshal(body, &apps)
	} else {
		err = json.Unmarshal(body, &struct{ Applications any }{&apps})
	}
	switch {
	case err != nil:
		t.Fatalf("%v in\n%s", err, body)
	case len(apps.Application) != 1 || len(apps.Application[0].Instance) != 2 || apps.Hashcode != "UP_2_":
		t.Fatalf("%+v of\n%s", apps, body)
	}
	app := apps.Application[0]
	if a, b := app.Instance[0].InstanceID, app.Instance[1].InstanceID; a != "a" || b != "b" {
		t.Errorf("instances %s and %s in\n%s", a, b, body)
	}
	if !isXML && utf8.ValidString(service) && app.Name != strings.ToUpper(service) {
		t.Errorf("application %q of %q", app.Name, service)
	}
}
