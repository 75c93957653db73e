package admin

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/polaris-contrib/setrouter/internal/configcenter"
	"github.com/polaris-contrib/setrouter/internal/configcenter/release"
	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

//go:embed page.html
var page []byte

// State is what the listener shows, and what it can do.
type State interface {
	Status() api.Status
	Explain(world.Request) (explain.Explanation, error)
	Identify(netip.Addr) location.Facts
	World() *world.World
	Dump() world.Dump
	Changes(service string) []api.Change
	Reload(force bool) []api.Reloaded
	ConfigFile(name string) (release.Saved, error)
	Nodes(context.Context) api.Cluster
	PublishConfigFile(name string, e release.Edit, by configcenter.Operator) (release.Published, error)
}

var _ State = state{}

// fault is an error with its HTTP status.
type fault struct {
	body   api.Error
	status int
}

func (f fault) Error() string { return f.body.Message }

func newFault(status int, code, format string, args ...any) fault {
	return fault{api.Error{Code: code, Message: fmt.Sprintf(format, args...)}, status}
}

func badRequest(format string, args ...any) fault {
	return newFault(http.StatusBadRequest, "bad-request", format, args...)
}

// newHandler serves the API and the page. The page holds no data: it asks the
// API, with the token that its user types in.
func newHandler(state State, token string) http.Handler {
	calls := http.NewServeMux()
	get := func(path string, answer func(*http.Request) (any, error)) {
		calls.Handle("GET /setrouter/v1/"+path, reply(answer))
	}
	get("status", func(*http.Request) (any, error) { return state.Status(), nil })
	get("nodes", func(r *http.Request) (any, error) { return state.Nodes(r.Context()), nil })
	get("dump", func(*http.Request) (any, error) { return state.Dump(), nil })
	get("explain", func(r *http.Request) (any, error) { return explainFor(state, r) })
	get("who", func(r *http.Request) (any, error) { return whoFor(state, r) })
	get("lookup", func(r *http.Request) (any, error) { return lookupFor(state, r) })
	get("services", func(*http.Request) (any, error) { return servicesOf(state.World()), nil })
	get("changes", func(r *http.Request) (any, error) { return changesFor(state, r) })
	get("configfile", func(r *http.Request) (any, error) { return state.ConfigFile(r.FormValue("name")) })
	calls.Handle("POST /setrouter/v1/reload", reply(func(r *http.Request) (any, error) { return reload(state, r) }))
	calls.Handle("POST /setrouter/v1/configfile", reply(func(r *http.Request) (any, error) { return publish(state, r) }))
	calls.Handle("/setrouter/", reply(func(r *http.Request) (any, error) {
		return nil, newFault(http.StatusNotFound, "not-found", "there is nothing at %s %q, see docs/openapi.yaml", r.Method, r.URL.Path)
	}))
	mux := http.NewServeMux()
	// A page of another site must not reach the listener of an operator who
	// visits it.
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(reply(func(*http.Request) (any, error) {
		return nil, newFault(http.StatusForbidden, "refused", "the request comes from a page of another site")
	}))
	mux.Handle("/setrouter/", protection.Handler(known(token, authorized(token, bounded(calls)))))
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'")
		_, _ = w.Write(page)
	})
	return mux
}

// known refuses what asks for the listener by a name, where no token is asked
// for: a page of another site whose name has just become 127.0.0.1 (DNS
// rebinding) is to its browser of the same site.
func known(token string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		_, err := netip.ParseAddr(strings.Trim(host, "[]"))
		if token != "" || err == nil || strings.EqualFold(host, "localhost") {
			next.ServeHTTP(w, r)
			return
		}
		send(w, http.StatusForbidden, api.Error{Code: "refused", Message: fmt.Sprintf("the listener has no token and is asked as %q, expected localhost or an address", r.Host)})
	})
}

// These bound what is read of a request's body: but for a file to publish there
// is nothing to send in one.
const (
	maxBody = 1 << 12
	maxFile = 16 << 20
)

func bounded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		limit := int64(maxBody)
		if r.Method == http.MethodPost && r.URL.Path == "/setrouter/v1/configfile" {
			limit = maxFile
		}
		r.Body = http.MaxBytesReader(w, r.Body, limit)
		next.ServeHTTP(w, r)
	})
}

// authorized asks for the bearer token, where one is set.
func authorized(token string, next http.Handler) http.Handler {
	if token == "" {
		return next
	}
	want := sha256.Sum256([]byte("Bearer " + token))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got := sha256.Sum256([]byte(r.Header.Get("Authorization")))
		if subtle.ConstantTimeCompare(got[:], want[:]) == 1 {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("WWW-Authenticate", "Bearer")
		send(w, http.StatusUnauthorized, api.Error{Code: "unauthorized", Message: "the token is missing or wrong, expected Authorization: Bearer and the token of the set-admin listener"})
	})
}

func reply(answer func(*http.Request) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, err := answer(r)
		if err == nil {
			send(w, http.StatusOK, v)
			return
		}
		f := faultOf(err)
		send(w, f.status, f.body)
	})
}

// faultOf returns an error as the listener answers it.
func faultOf(err error) fault {
	if f, ok := errors.AsType[fault](err); ok {
		return f
	}
	if conflict, ok := errors.AsType[configcenter.Conflict](err); ok {
		return newFault(http.StatusConflict, "conflict", "%v", conflict)
	}
	if denied, ok := errors.AsType[configcenter.Denied](err); ok {
		return newFault(http.StatusForbidden, "refused", "%v", denied)
	}
	if faults, ok := errors.AsType[strict.Error](err); ok {
		return badRequest("%s", strings.Join(faults.Lines(), "; "))
	}
	if errors.Is(err, configcenter.ErrAbsent) {
		return newFault(http.StatusNotFound, "not-found", "%v", err)
	}
	if missing, ok := errors.AsType[router.NotFound](err); ok {
		return newFault(http.StatusNotFound, "not-found", "%v", missing)
	}
	return newFault(http.StatusInternalServerError, "internal", "%v", err)
}

func send(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	_ = enc.Encode(v)
}
