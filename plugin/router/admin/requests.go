package admin

import (
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/netip"
	"strconv"
	"strings"

	"github.com/polaris-contrib/setrouter/internal/configcenter"
	"github.com/polaris-contrib/setrouter/internal/configcenter/release"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

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

func lookupFor(state State, r *http.Request) (any, error) {
	addr, err := netip.ParseAddr(strings.TrimSpace(r.FormValue("address")))
	if err != nil {
		return nil, badRequest("address %q is not an address", r.FormValue("address"))
	}
	addr = location.Normalize(addr)
	return api.Lookup{Address: addr.String(), Facts: explain.FactsOf(state.Identify(addr))}, nil
}

func whoFor(state State, r *http.Request) (any, error) {
	service, err := serviceOf(r)
	if err != nil {
		return nil, err
	}
	w := state.World()
	if !w.HasService(service) {
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
	var e release.Edit
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&e); err != nil {
		return nil, badRequest("the body is not as in docs/openapi.yaml: %v", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, badRequest("the body goes on after its JSON object")
	}
	return state.PublishConfigFile(r.FormValue("name"), e, configcenter.Operator{Token: r.Header.Get(polarisToken), Address: r.RemoteAddr})
}
