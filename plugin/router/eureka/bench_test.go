package eureka

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/emicklei/go-restful/v3"
)

// discard is a client that reads at once.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) WriteHeader(int)             {}
func (d discard) Write(b []byte) (int, error) { return len(b), nil }

// BenchmarkList writes 10,000 instances of 100 applications: encoded before, and anew.
func BenchmarkList(b *testing.B) {
	lists := map[string][]string{}
	r := newRegistry(b, lists)
	for n := range 10_000 {
		service, id := fmt.Sprint("app-", n%100), fmt.Sprint("i-", n)
		r.add(service, id, map[string]string{"version": "1", "env": "prod", "internal-set-name": "a.b.c"})
		lists[service] = append(lists[service], id)
	}
	f := frontOver(r)
	q := query{namespace: "default", resource: resourceApps}
	apps, _ := f.applications(q, f.servicesByApp(q))
	v := f.memory.view(apps)
	req := restful.NewRequest(httptest.NewRequest(http.MethodGet, "/", nil))
	for name, anew := range map[string]bool{"kept": false, "anew": true} {
		for _, isXML := range []bool{false, true} {
			q.isXML = isXML
			b.Run(fmt.Sprintf("%s/XML=%t", name, isXML), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if anew {
						f.fragments = newFragments()
					}
					f.send(q, answer{v.blocks(), v.hashcode}, req, restful.NewResponse(discard{http.Header{}}))
				}
			})
		}
	}
}
