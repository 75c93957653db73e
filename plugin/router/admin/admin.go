package admin

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"

	"github.com/polaris-contrib/setrouter/internal/configcenter"
	"github.com/polaris-contrib/setrouter/internal/livefile"
	"github.com/polaris-contrib/setrouter/internal/nodes"
	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/internal/world"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
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
		if errors.Is(err, livefile.ErrAbsent) {
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

func explainFor(state State, r *http.Request) (any, error) {
	addr, err := netip.ParseAddr(strings.TrimSpace(r.FormValue("caller")))
	if err != nil {
		return nil, badRequest("caller %q is not an address", r.FormValue("caller"))
	}
	service, err := serviceOf(r)
	if err != nil {
		return nil, err
	}
	q := world.Request{Addr: addr, Service: service}
	if set := r.FormValue("set"); set != "" {
		if q.SET, err = location.ParseSET(set); err != nil {
			return nil, badRequest("%v", err)
		}
	}
	return state.Explain(q)
}

// Looked is what the sources know of an address as a caller's.
type Looked struct {
	Address string         `json:"address"`
	Facts   []explain.Fact `json:"facts"`
}

func lookupFor(state State, r *http.Request) (any, error) {
	addr, err := netip.ParseAddr(strings.TrimSpace(r.FormValue("address")))
	if err != nil {
		return nil, badRequest("address %q is not an address", r.FormValue("address"))
	}
	addr = location.Normalize(addr)
	return Looked{addr.String(), explain.FactsOf(state.Caller(addr))}, nil
}

func whoFor(state State, r *http.Request) (any, error) {
	service, err := serviceOf(r)
	if err != nil {
		return nil, err
	}
	w := state.World()
	if !w.Has(service) {
		return nil, router.NotFound{Service: service}
	}
	return w.Who(service, r.FormValue("host")), nil
}

func changesFor(state State, r *http.Request) (any, error) {
	limit, name := 1000, ""
	if text := r.FormValue("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return nil, badRequest("limit %q is not a number above 0", text)
		}
		limit = n
	}
	if r.FormValue("service") != "" {
		service, err := serviceOf(r)
		if err != nil {
			return nil, err
		}
		name = service.String()
	}
	list := state.Changes(name)
	return list[:min(len(list), limit)], nil
}

func serviceOf(r *http.Request) (route.Service, error) {
	service, err := route.ParseService(strings.TrimSpace(r.FormValue("service")))
	if err != nil {
		return route.Service{}, badRequest("%v", err)
	}
	return service, nil
}

func servicesOf(w *world.World) []string {
	out := []string{}
	for _, s := range w.Services() {
		out = append(out, s.String())
	}
	return out
}

func reload(state State, r *http.Request) (any, error) {
	force := r.FormValue("force")
	if force != "" && force != "true" && force != "false" {
		return nil, badRequest("force %q is not true or false", force)
	}
	return state.Reload(force == "true"), nil
}

// polarisToken is the header in which Polaris takes the token of a user.
const polarisToken = "x-polaris-token"

// publish takes nothing but JSON, which no form of another site can send.
func publish(state State, r *http.Request) (any, error) {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return nil, badRequest("the body is %q, expected application/json", r.Header.Get("Content-Type"))
	}
	var e configcenter.Edit
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&e); err != nil {
		return nil, badRequest("the body is not as in docs/openapi.yaml: %v", err)
	}
	return state.PublishConfigFile(r.FormValue("name"), e, configcenter.Operator{Token: r.Header.Get(polarisToken), Address: r.RemoteAddr})
}
