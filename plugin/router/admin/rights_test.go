package admin

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/serverconfig"
)

// newHandler returns the handler of a listener with a token, or without one.
func newHandler(b backend, token string) http.Handler {
	return handlerFor(b, serverconfig.Admin{Token: token})
}

// rights says of each operation in docs/openapi.yaml whether the readToken may ask for it.
// A new operation needs its right here.
var rights = map[string]bool{
	"get status": true, "get callers": true, "get nodes": true, "get dump": true, "get explain": true, "get who": true, "get lookup": true,
	"get services": true, "get changes": true, "get configfile": true,
	"get matrix": true, "post matrix": true, "get servicestates": true, "get drill": true, "get timeline": true,
	"post reload": false, "post nodes/reload": false, "post configfile": false,
	"get configfile/release": true, "get configfile/history": true, "post configfile/rollback": false, "post configfile/stop-gray": false,
}

// The readToken reads everything, and changes nothing.
func TestRights(t *testing.T) {
	documented := map[string]bool{}
	d := loadOpenAPI(t)
	for path, operations := range d.find(d, "paths") {
		for method := range d.find(operations) {
			documented[method+" "+strings.TrimPrefix(path, "/setrouter/v1/")] = true
		}
	}
	if want := slices.Sorted(maps.Keys(documented)); !slices.Equal(slices.Sorted(maps.Keys(rights)), want) {
		t.Errorf("docs/openapi.yaml has %q,\nand there are rights for %q", want, slices.Sorted(maps.Keys(rights)))
	}
	count := 0
	h := handlerFor(countingBackend{pageBackend{t: t}, &count}, serverconfig.Admin{Token: "all", ReadToken: "read"})
	ask := func(operation, token string) (code int, body string) {
		method, path, _ := strings.Cut(operation, " ")
		rec := call(h, strings.ToUpper(method), "127.0.0.1", "/setrouter/v1/"+path, strings.NewReader(`{"release": "r"}`),
			"Authorization", token, "Content-Type", "application/json")
		return rec.Code, rec.Body.String()
	}
	for operation, mayRead := range rights {
		before := count
		code, body := ask(operation, "Bearer read")
		if refused := code == http.StatusForbidden && strings.Contains(body, "the token is the readToken"); refused == mayRead || code == http.StatusUnauthorized {
			t.Errorf("%s with the readToken: %d %s", operation, code, body)
		}
		if count != before {
			t.Errorf("%s with the readToken changed something", operation)
		}
		if code, body := ask(operation, "Bearer all"); code == http.StatusForbidden || code == http.StatusUnauthorized {
			t.Errorf("%s with the token: %d %s", operation, code, body)
		}
		for _, token := range []string{"", "Bearer ", "Bearer READ", "read", "Basic read", "Bearer read all"} {
			if code, _ := ask(operation, token); code != http.StatusUnauthorized {
				t.Errorf("%s with %q: %d", operation, token, code)
			}
		}
	}
	for _, method := range []string{"PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"} {
		if code, _ := ask(method+" reload", "Bearer read"); code != http.StatusForbidden {
			t.Errorf("%s: %d", method, code)
		}
	}
	// Without a readToken nobody has the empty one.
	closed := newHandler(pageBackend{t: t}, "all")
	if rec := call(closed, "GET", "127.0.0.1", "/setrouter/v1/services", nil, "Authorization", "Bearer "); rec.Code != http.StatusUnauthorized {
		t.Errorf("the empty token: %d", rec.Code)
	}
}
