package eureka

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// Clients choose namespaces and paths. However many they think of, the cache keeps
// few answers.
func TestDocumentCacheIsBounded(t *testing.T) {
	var c documentCache
	body := []byte(bodies["JSON of applications"].in + strings.Repeat(" ", minCachedBytes))
	for n := range 100 * maxCachedDocuments {
		if _, err := c.parse(body, documentKey{namespace: fmt.Sprint("made-up-", n)}); err != nil {
			t.Fatal(err)
		}
		if len(c.answers) > maxCachedDocuments {
			t.Fatalf("%d answers are kept, want %d at most", len(c.answers), maxCachedDocuments)
		}
	}
}

// The stock listener answers for the namespace that the answer is filtered for,
// also where a client makes the front drop the header that names the namespace.
func TestNamespaceIsNotDropped(t *testing.T) {
	r := newRegistry(t, map[string][]string{"App": {"a"}}, "App", "Other")
	for id := range strings.FieldsSeq("a b o") {
		r.add(id, true, false, nil)
	}
	r.registered["o"].ServiceID = "Other"
	frontAddr, _ := serve(t, r, func(w http.ResponseWriter, req *http.Request) {
		body := `{"applications":{"versions__delta":"1","apps__hashcode":"","application":[]}}`
		if namespace := req.Header.Get("x-namespace"); namespace == "" || namespace == "default" {
			body = stockBody("a:UP", "b:UP")
		}
		answerWith(http.Header{"Content-Type": {"application/json"}}, body)(w, req)
	})
	for _, header := range []http.Header{
		{},
		{"X-Namespace": {"default"}},
		{"X-Namespace": {"nowhere"}},
		{"X-Namespace": {"nowhere"}, "Connection": {"x-namespace"}},
	} {
		req, err := http.NewRequest(http.MethodGet, "http://"+frontAddr+"/eureka/apps", nil)
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
