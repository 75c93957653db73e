package eureka

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

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

// Twelve clients that ask at once for a namespace of more than 64 MiB, and read
// slowly, take little memory. Nobody gets what the view does not have.
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
	addr := serve(t, r)
	var peak uint64
	var mu sync.Mutex
	measure := func() {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		mu.Lock()
		defer mu.Unlock()
		peak = max(peak, m.HeapInuse)
	}
	var clients sync.WaitGroup
	for n := range 12 {
		clients.Go(func() {
			req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+"/eureka/apps", nil)
			req.Header.Set("Accept", []string{"application/json", "application/xml"}[n%2])
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			var size int64
			for buffer := make([]byte, 1<<20); ; {
				n, err := io.ReadFull(resp.Body, buffer)
				size += int64(n)
				if bytes.Contains(buffer[:n], []byte("foreign-")) {
					t.Error("an instance of another caller")
				}
				if size%(16<<20) == 0 {
					measure()
				}
				if err != nil {
					break
				}
			}
			if size < 64<<20 {
				t.Errorf("%d bytes: the namespace is not large", size)
			}
		})
	}
	clients.Wait()
	t.Logf("%d MiB of heap at most", peak>>20)
	if peak > most {
		t.Errorf("%d MiB of heap, want %d at most", peak>>20, most>>20)
	}
}
