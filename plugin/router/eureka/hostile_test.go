package eureka

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// Clients choose namespaces and paths: however many they think of, few answers
// are kept.
func TestMemoIsBounded(t *testing.T) {
	var m memo
	body := []byte(bodies["JSON of applications"].in + strings.Repeat(" ", memoBytes))
	for n := range 100 * memoDocs {
		if _, err := m.parse(body, memoKey{namespace: fmt.Sprint("made-up-", n)}); err != nil {
			t.Fatal(err)
		}
		if len(m.docs) > memoDocs {
			t.Fatalf("%d answers are kept, want %d at most", len(m.docs), memoDocs)
		}
	}
}

// The stock listener answers for the namespace that the answer is filtered for,
// also where a client has the front drop the header that names it.
func TestNamespaceIsNotDropped(t *testing.T) {
	r := newRegistry(t, map[string][]string{"App": {"a"}}, "App", "Other")
	for id := range strings.FieldsSeq("a b o") {
		r.add(id, true, false, nil)
	}
	r.cached["o"].ServiceID = "Other"
	outer, _ := serve(t, r, func(w http.ResponseWriter, req *http.Request) {
		body := `{"applications":{"versions__delta":"1","apps__hashcode":"","application":[]}}`
		if namespace := req.Header.Get("x-namespace"); namespace == "" || namespace == "default" {
			body = shown("a:UP", "b:UP")
		}
		answerWith(http.Header{"Content-Type": {"application/json"}}, body)(w, req)
	})
	for _, header := range []http.Header{
		{},
		{"X-Namespace": {"default"}},
		{"X-Namespace": {"nowhere"}},
		{"X-Namespace": {"nowhere"}, "Connection": {"x-namespace"}},
	} {
		req, err := http.NewRequest(http.MethodGet, "http://"+outer+"/eureka/apps", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header = header
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if got := summary(string(body)); strings.Contains(got, "b:UP") {
			t.Errorf("%v: %s", header, got)
		}
	}
}
