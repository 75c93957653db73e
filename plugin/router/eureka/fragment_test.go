package eureka

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emicklei/go-restful/v3"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

func TestFragmentsAreBounded(t *testing.T) {
	f := newFragments()
	value := strings.Repeat("x", 1<<20)
	never := func(*apiservice.Instance) time.Time { return time.Time{} }
	var first *apiservice.Instance
	for n := range 300 {
		i := &apiservice.Instance{Id: wrapperspb.String(fmt.Sprint(n)), Metadata: map[string]string{"k": value}}
		f.fragment(i, "APP", n%2 == 0, never)
		if first == nil {
			first = i
		}
		kept := 0
		for _, generation := range []map[fragmentKey][]byte{f.young, f.old} {
			for _, fragment := range generation {
				kept += len(fragment)
			}
		}
		if kept > 2*(maxFragments+2<<20) {
			t.Fatalf("%d bytes are kept after %d instances", kept, n+1)
		}
	}
	if _, ok := f.old[fragmentKey{first, "APP", true}]; ok {
		t.Error("the first instance is still kept")
	}
}

// A fragment that is asked for again outlasts the generation.
func TestFragmentsAreKept(t *testing.T) {
	f := newFragments()
	asked := 0
	modified := func(*apiservice.Instance) time.Time { asked++; return time.Time{} }
	i := &apiservice.Instance{Id: wrapperspb.String("i")}
	for range 3 {
		f.fragment(i, "APP", false, modified)
		f.size = maxFragments + 1
		f.fragment(&apiservice.Instance{}, "APP", false, func(*apiservice.Instance) time.Time { return time.Time{} })
	}
	if asked != 1 {
		t.Errorf("encoded %d times", asked)
	}
}

// Twelve clients that ask at once for a namespace of more than 64 MiB take little
// memory. Nobody gets what the view does not have.
func TestLargeNamespace(t *testing.T) {
	const instances, most = 270, 300 << 20
	r := newRegistry(t, map[string][]string{"App": nil})
	value := strings.Repeat("x", 4<<10)
	metadata := map[string]string{}
	for n := range 64 {
		metadata[fmt.Sprint("key-", n)] = value
	}
	for n := range instances {
		r.add("App", fmt.Sprint("own-", n), metadata)
		r.add("App", fmt.Sprint("foreign-", n), metadata)
		r.lists["App"] = append(r.lists["App"], fmt.Sprint("own-", n))
	}
	f := frontOver(r)
	var clients sync.WaitGroup
	readers := make([]reader, 12)
	for n := range readers {
		clients.Go(func() {
			q := query{namespace: "default", resource: resourceApps, isXML: n%2 == 0}
			apps, err := f.applications(q, f.servicesByApp(q))
			if err != nil {
				t.Error(err)
			}
			readers[n].header = http.Header{}
			req := restful.NewRequest(httptest.NewRequest(http.MethodGet, "/", nil))
			v := f.memory.view(apps)
			f.send(q, answer{v.blocks(), v.hashcode}, req, restful.NewResponse(&readers[n]))
		})
	}
	clients.Wait()
	var peak uint64
	for _, c := range readers {
		peak = max(peak, c.peak)
		if c.size < 64<<20 || c.foreign {
			t.Errorf("%d bytes, an instance of another caller: %t", c.size, c.foreign)
		}
	}
	t.Logf("%d MiB of heap at most", peak>>20)
	if peak > most {
		t.Errorf("%d MiB of heap, want %d at most", peak>>20, most>>20)
	}
}

// reader is a client that looks at what it reads, and measures the heap now and then.
type reader struct {
	discard
	size    int
	foreign bool
	peak    uint64
}

func (r *reader) Write(b []byte) (int, error) {
	if r.size/(16<<20) != (r.size+len(b))/(16<<20) {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		r.peak = max(r.peak, m.HeapInuse)
	}
	r.size, r.foreign = r.size+len(b), r.foreign || bytes.Contains(b, []byte("foreign-"))
	return len(b), nil
}
