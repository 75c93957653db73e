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
	"github.com/polaris-contrib/setrouter/internal/nodes"
	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/internal/world"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
)

//go:embed page.html
var page []byte

// State is what the listener shows: *router.Server.
type State interface {
	Status() router.Status
	Explain(world.Request) (explain.Explanation, error)
	Caller(netip.Addr) location.Facts
	World() *world.World
	Dump() world.Dump
	Changes(service string) []router.Change
	Reload(force bool) []router.Reloaded
	ConfigFile(name string) (configcenter.Saved, error)
	Nodes(context.Context) nodes.Cluster
	PublishConfigFile(name string, e configcenter.Edit, by configcenter.Operator) (configcenter.Published, error)
}

var _ State = (*router.Server)(nil)

// Error is the JSON of an error.
type Error struct {
	Code    string `json:"code"` // unauthorized, bad-request, not-found, refused, conflict or internal
	Message string `json:"message"`
	status  int
}

func (e Error) Error() string { return e.Message }

func badRequest(format string, args ...any) Error {
	return Error{"bad-request", fmt.Sprintf(format, args...), http.StatusBadRequest}
}

// newHandler serves the API and the page. The page holds no data: it asks the
// API, with the token that its user types in.
func newHandler(state State, token string) http.Handler {
	api := http.NewServeMux()
	get := func(path string, answer func(*http.Request) (any, error)) {
		api.Handle("GET /setrouter/v1/"+path, reply(answer))
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
	api.Handle("POST /setrouter/v1/reload", reply(func(r *http.Request) (any, error) { return reload(state, r) }))
	api.Handle("POST /setrouter/v1/configfile", reply(func(r *http.Request) (any, error) { return publish(state, r) }))
	api.Handle("/setrouter/", reply(func(r *http.Request) (any, error) {
		return nil, Error{"not-found", fmt.Sprintf("there is nothing at %s %q, see docs/openapi.yaml", r.Method, r.URL.Path), http.StatusNotFound}
	}))
	mux := http.NewServeMux()
	// A page of another site must not reach the listener of an operator who
	// visits it.
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(reply(func(*http.Request) (any, error) {
		return nil, Error{"refused", "the request comes from a page of another site", http.StatusForbidden}
	}))
	mux.Handle("/setrouter/", protection.Handler(known(token, authorized(token, bounded(api)))))
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
		send(w, http.StatusForbidden, Error{Code: "refused", Message: fmt.Sprintf("the listener has no token and is asked as %q, expected localhost or an address", r.Host)})
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
		send(w, http.StatusUnauthorized, Error{Code: "unauthorized", Message: "the token is missing or wrong, expected Authorization: Bearer and the token of the set-admin listener"})
	})
}

func reply(answer func(*http.Request) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, err := answer(r)
		if err == nil {
			send(w, http.StatusOK, v)
			return
		}
		fault := Error{"internal", err.Error(), http.StatusInternalServerError}
		if missing, is := errors.AsType[router.NotFound](err); is {
			fault = Error{"not-found", missing.Error(), http.StatusNotFound}
		}
		if errors.Is(err, configcenter.ErrAbsent) {
			fault = Error{"not-found", err.Error(), http.StatusNotFound}
		}
		if faults, is := errors.AsType[strict.Error](err); is {
			fault = badRequest("%s", strings.Join(faults.Lines(), "; "))
		}
		if denied, is := errors.AsType[configcenter.Denied](err); is {
			fault = Error{"refused", denied.Error(), http.StatusForbidden}
		}
		if conflict, is := errors.AsType[configcenter.Conflict](err); is {
			fault = Error{"conflict", conflict.Error(), http.StatusConflict}
		}
		if own, is := errors.AsType[Error](err); is {
			fault = own
		}
		send(w, fault.status, fault)
	})
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
