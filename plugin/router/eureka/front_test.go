package eureka

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/polaris-contrib/setrouter/internal/observe"
)

// stockBody returns the JSON of two applications: APP with instances, each given
// as id:status, and OTHER.
func stockBody(instances ...string) string {
	application := func(name string, instances []string) string {
		for n, i := range instances {
			id, status, _ := strings.Cut(i, ":")
			instances[n] = fmt.Sprintf(`{"instanceId":%q,"app":%q,"status":%q}`, id, name, status)
		}
		return fmt.Sprintf(`{"name":%q,"instance":[%s]}`, name, strings.Join(instances, ","))
	}
	return `{"applications":{"versions__delta":"1","apps__hashcode":"stock","application":[` +
		application("APP", instances) + `,` + application("OTHER", []string{"o:UP"}) + `]}}`
}

var (
	idAndStatus = regexp.MustCompile(`"instanceId":"([^"]+)".*?"status":"([^"]+)"`)
	hashcodeKey = regexp.MustCompile(`"apps__hashcode":"([^"]*)"`)
	unreachable = regexp.MustCompile(`ROUTED_\d+_`)
)

// summary returns the instances in a body, each as id:status, and its hashcode.
func summary(body string) string {
	var out []string
	for _, m := range idAndStatus.FindAllStringSubmatch(body, -1) {
		out = append(out, m[1]+":"+m[2])
	}
	slices.Sort(out)
	if m := hashcodeKey.FindStringSubmatch(body); m != nil {
		out = append(out, "hash="+m[1])
	}
	return strings.Join(out, " ")
}

func TestFilter(t *testing.T) {
	stock := stockBody("a:UP", "b:UP", "App-1:OUT_OF_SERVICE")
	tests := []struct {
		name  string
		lists map[string][]string
		path  string
		want  string
	}{
		{"not routed", nil, "/eureka/apps", "App-1:OUT_OF_SERVICE a:UP b:UP o:UP hash=stock"},
		{"one is kept", map[string][]string{"App": {"a"}}, "/eureka/apps", "a:UP o:UP hash=UP_2_"},
		{"all are kept", map[string][]string{"App": {"b", "a", "App-1"}}, "/eureka/apps", "App-1:OUT_OF_SERVICE a:UP b:UP o:UP hash=stock"},
		{"none is left", map[string][]string{"App": {}}, "/eureka/apps", "o:UP hash=UP_1_"},
		{"new ones are put in", map[string][]string{"App": {"a", "new"}}, "/eureka/apps", "a:UP new:UP o:UP hash=UP_3_"},
		{"instances of another status are put in", map[string][]string{"App": {"back", "out"}}, "/eureka/apps", "back:UP o:UP out:OUT_OF_SERVICE hash=OUT_OF_SERVICE_1_UP_2_"},
		{"unhealthy ones are not put in", map[string][]string{"App": {"a", "sick"}}, "/eureka/apps", "a:UP o:UP hash=UP_2_"},
		{"nor those of another VIP", map[string][]string{"App": {"a", "new", "vip"}}, "/eureka/vips/V", "a:UP o:UP vip:UP hash=UP_3_"},
		{"a delta makes clients fetch all", map[string][]string{"App": {"a"}}, "/eureka/v2/apps/delta/", "hash=ROUTED_*_"},
		{"a delta passes where all lists are whole", map[string][]string{"Other": {"o"}}, "/eureka/apps/delta", "App-1:OUT_OF_SERVICE a:UP b:UP o:UP hash=stock"},
		{"a list of another service is not whole", map[string][]string{"Other": {"a"}}, "/eureka/apps/delta", "hash=ROUTED_*_"},
		{"a stock delta", nil, "/eureka/apps/delta", "App-1:OUT_OF_SERVICE a:UP b:UP o:UP hash=stock"},
		{"names differ in case only", map[string][]string{"APP": {"b"}}, "/eureka/apps", "App-1:OUT_OF_SERVICE b:UP o:UP hash=OUT_OF_SERVICE_1_UP_2_"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRegistry(t, tt.lists, "App", "APP", "Other")
			for id := range strings.FieldsSeq("a b new back o") {
				r.add(id, true, false, nil)
			}
			r.registered["o"].ServiceID = "Other"
			r.add("App-1", true, true, nil)
			r.add("APP-1", true, false, nil)
			r.add("out", true, true, nil)
			r.add("sick", false, false, nil)
			r.add("vip", true, false, map[string]string{"internal-eureka-vip": "U,V"})
			body := stock
			if slices.Contains(tt.lists["App"], "back") {
				body = stockBody("a:UP", "back:OUT_OF_SERVICE", "out:UP")
			}
			frontAddr, _ := serve(t, r, answerWith(http.Header{"Content-Type": {"application/json"}, "Etag": {"x"}}, body))
			resp, first := get(t, frontAddr, tt.path)
			if got := unreachable.ReplaceAllString(summary(first), "ROUTED_*_"); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if _, second := get(t, frontAddr, tt.path); strings.Contains(tt.want, "ROUTED") == (summary(second) == summary(first)) {
				t.Errorf("then got %s", summary(second))
			}
			if resp.ContentLength != int64(len(first)) || (resp.Header.Get("Etag") == "x") != (first == body) {
				t.Errorf("headers %v of %d bytes", resp.Header, len(first))
			}
		})
	}
}

// A request for one application or instance, of which nothing is left, gets 404.
func TestNothingLeftIsNotFound(t *testing.T) {
	r := newRegistry(t, map[string][]string{"App": {}}, "App")
	for path, body := range map[string]string{
		"/eureka/apps/app":    `{"application":{"name":"APP","instance":[{"instanceId":"a","status":"UP"}]}}`,
		"/eureka/instances/a": `{"instance":{"instanceId":"a","app":"APP","status":"UP"}}`,
		"/eureka/apps/delta":  `{"application":{"name":"APP","instance":[{"instanceId":"a","status":"UP"}]}}`, // FuzzAnswer found it
	} {
		frontAddr, _ := serve(t, r, answerWith(http.Header{"Content-Type": {"application/json"}}, body))
		resp, got := get(t, frontAddr, path)
		if resp.StatusCode != http.StatusNotFound || got != "" || resp.Header.Get("Content-Type") != "application/xml" {
			t.Errorf("%s: %s %v %q", path, resp.Status, resp.Header, got)
		}
	}
}

// An answer that cannot be filtered is sent as it is, and the fault is counted.
func TestFaultsSendTheStockAnswer(t *testing.T) {
	old := maxBody
	maxBody = 1000
	t.Cleanup(func() { maxBody = old })
	routed := map[string][]string{"App": {"gone"}}
	tests := []struct {
		name, body string
		header     http.Header
	}{
		{"broken", `{"applications":`, http.Header{"Content-Type": {"application/json"}}},
		{"too large", stockBody("a:UP") + strings.Repeat(" ", 1000), http.Header{"Content-Type": {"application/json; charset=utf-8"}}},
		{"encoded", stockBody("a:UP"), http.Header{"Content-Type": {"application/json"}, "Content-Encoding": {"br"}}},
		{"panic", stockBody("a:UP"), http.Header{"Content-Type": {"application/json"}}}, // the registry has no instance "gone"
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := testutil.ToFloat64(observe.Failures)
			frontAddr, stockAddr := serve(t, newRegistry(t, routed, "App"), answerWith(tt.header, tt.body))
			resp, got := get(t, frontAddr, "/eureka/apps")
			want, _ := get(t, stockAddr, "/eureka/apps")
			if got != tt.body || resp.StatusCode != want.StatusCode || resp.Header.Get("Content-Type") != want.Header.Get("Content-Type") {
				t.Errorf("%s %v %q", resp.Status, resp.Header, got)
			}
			if got := testutil.ToFloat64(observe.Failures) - before; got != 1 {
				t.Errorf("counted %v faults", got)
			}
		})
	}
}

// Answers without instances pass.
func TestOthersPass(t *testing.T) {
	routed := newRegistry(t, map[string][]string{"App": {}}, "App")
	frontAddr, _ := serve(t, routed, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Query", r.Host+" "+r.URL.RawQuery)
		w.WriteHeader(map[string]int{"PUT": 200, "POST": 204, "GET": 503}[r.Method])
		if r.Method != http.MethodPost {
			_, _ = io.Copy(w, r.Body)
		}
	})
	for method, status := range map[string]int{"PUT": 200, "POST": 204, "GET": 503} {
		req, _ := http.NewRequestWithContext(t.Context(), method, "http://"+frontAddr+"/eureka/apps/app/i/status?value=UP;a&b", strings.NewReader(stockBody("a:UP")))
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != status || resp.Header.Get("X-Query") != frontAddr+" value=UP;a&b" || method != "POST" && string(body) != stockBody("a:UP") {
			t.Errorf("%s: %s %v %q", method, resp.Status, resp.Header, body)
		}
	}
}

// Without routing there is one listener, the stock one.
func TestWithoutRoutingThereIsNoFront(t *testing.T) {
	if frontAddr, stockAddr := serve(t, nil, answerWith(nil, "")); frontAddr != stockAddr {
		t.Errorf("listens at %s, and the stock listener at %s", frontAddr, stockAddr)
	}
}
