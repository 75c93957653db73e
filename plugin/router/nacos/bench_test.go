package nacos

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
)

// BenchmarkList is one poll of a client of Nacos 1.
func BenchmarkList(b *testing.B) {
	for _, size := range []int{10, 200, 10_000} {
		b.Run(fmt.Sprint(size, " instances"), func(b *testing.B) {
			list := make([]*apiservice.Instance, size)
			for n := range list {
				list[n] = instance(fmt.Sprintf("%040x", n), 100, true, false, map[string]string{"internal-set-name": "qb.novel.h", "region": "r", "zone": "z", "campus": "c"})
			}
			s := &testRouting{lists: map[netip.Addr]*apiservice.DiscoverResponse{netip.MustParseAddr("10.1.0.1"): listOf("r", list...)}}
			h := newTestHandler(s, nil)
			for b.Loop() {
				r := httptest.NewRequest(http.MethodGet, "/nacos/v1/ns/instance/list?serviceName=DEFAULT_GROUP%40%40s&clusters=&healthyOnly=false&namespaceId=public", nil)
				r.RemoteAddr = "10.1.0.1:700"
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				if w.Code != 200 {
					b.Fatal(w.Body)
				}
			}
		})
	}
}
