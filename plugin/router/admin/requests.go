package admin

import (
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/polaris-contrib/setrouter/internal/configcenter"
	"github.com/polaris-contrib/setrouter/internal/configcenter/release"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

func answerExplain(b backend, r *http.Request) (any, error) {
	addr, err := netip.ParseAddr(strings.TrimSpace(r.FormValue("caller")))
	if err != nil {
		return nil, badRequest("caller %q is not an address", r.FormValue("caller"))
	}
	service, err := serviceParameter(r)
	if err != nil {
		return nil, err
	}
	request := world.Request{Addr: addr, Service: service}
	if set := r.FormValue("set"); set != "" {
		if request.SET, err = location.ParseSET(set); err != nil {
			return nil, badRequest("%v", err)
		}
	}
	e, err := b.Explain(request)
	if err != nil {
		return nil, err
	}
	addr = location.Normalize(addr)
	e.Asked = askedBy(b.Callers(r.Context(), api.CallerQuery{Address: addr}), e.Service)
	return e, nil
}

// shownServices is how many services an explanation names that a caller asked for.
const shownServices = 5

// askedBy returns when a caller asked for a service. The list has the kinds of that caller
// alone.
func askedBy(list api.CallerList, service string) *explain.Asked {
	asked := &explain.Asked{Since: list.Since, Others: []string{}, Notes: append([]string{}, list.Notes...)}
	if oldest := list.Now.Add(-time.Duration(list.RememberSeconds) * time.Second); oldest.After(asked.Since) {
		asked.Since = oldest
	}
	for _, k := range list.Kinds {
		switch {
		case k.Service != service:
			if !slices.Contains(asked.Others, k.Service) && len(asked.Others) < shownServices {
				asked.Others = append(asked.Others, k.Service)
			}
			continue
		case asked.Last == nil || k.Last.After(*asked.Last):
			last := k.Last
			asked.Last = &last
		}
		for _, a := range k.Addresses {
			asked.Requests += a.Requests
		}
	}
	return asked
}

// maxCallers is how many kinds, addresses of each and names a list of callers has, where
// the request sets no limit.
const maxCallers = 1000

func answerCallers(b backend, r *http.Request) (any, error) {
	limit, err := limitOf(r, maxCallers)
	if err != nil {
		return nil, err
	}
	var q api.CallerQuery
	if r.FormValue("service") != "" {
		service, err := serviceParameter(r)
		if err != nil {
			return nil, err
		}
		q.Service = service.String()
		list := b.Callers(r.Context(), q)
		isQuiet := slices.ContainsFunc(list.Quiet, func(n api.QuietName) bool { return n.Name == q.Service })
		if len(list.Kinds) == 0 && !isQuiet && !b.World().HasService(service) {
			return nil, router.NotFound{Service: service}
		}
		list.Cut(limit)
		return list, nil
	}
	list := b.Callers(r.Context(), q)
	list.Cut(limit)
	return list, nil
}

// limitOf returns the limit of a request, a number above 0.
func limitOf(r *http.Request, byDefault int) (int, error) {
	text := r.FormValue("limit")
	if text == "" {
		return byDefault, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, badRequest("limit %q is not a number above 0", text)
	}
	return n, nil
}

func answerLookup(b backend, r *http.Request) (any, error) {
	addr, err := netip.ParseAddr(strings.TrimSpace(r.FormValue("address")))
	if err != nil {
		return nil, badRequest("address %q is not an address", r.FormValue("address"))
	}
	return b.Caller(location.Normalize(addr)), nil
}

func answerWho(b backend, r *http.Request) (any, error) {
	service, err := serviceParameter(r)
	if err != nil {
		return nil, err
	}
	w := b.World()
	if !w.HasService(service) {
		return nil, router.NotFound{Service: service}
	}
	return w.Who(service, r.FormValue("host")), nil
}

// defaultChanges is how many changes are sent where the request sets no limit.
const defaultChanges = 1000

func answerChanges(b backend, r *http.Request) (any, error) {
	limit, err := limitOf(r, defaultChanges)
	if err != nil {
		return nil, err
	}
	name := ""
	if r.FormValue("service") != "" {
		service, err := serviceParameter(r)
		if err != nil {
			return nil, err
		}
		name = service.String()
	}
	changes := b.Changes(name)
	return changes[:min(len(changes), limit)], nil
}

func serviceParameter(r *http.Request) (route.Service, error) {
	service, err := route.ParseService(strings.TrimSpace(r.FormValue("service")))
	if err != nil {
		return route.Service{}, badRequest("%v", err)
	}
	return service, nil
}

func serviceNames(w *world.World) []string {
	out := []string{}
	for _, s := range w.Services() {
		out = append(out, s.String())
	}
	return out
}

func answerReload(b backend, r *http.Request) (any, error) {
	force, err := forceParameter(r)
	if err != nil {
		return nil, err
	}
	return b.Reload(force), nil
}

func answerReloadAll(b backend, r *http.Request) (any, error) {
	force, err := forceParameter(r)
	if err != nil {
		return nil, err
	}
	return b.ReloadAll(r.Context(), force), nil
}

func forceParameter(r *http.Request) (bool, error) {
	return boolParameter("force", r.FormValue("force"))
}

// headerPolarisToken is the header in which Polaris takes the token of a user.
const headerPolarisToken = "x-polaris-token"

// answerPublish publishes the text in the body.
func answerPublish(b backend, r *http.Request) (any, error) {
	var edit release.Edit
	if err := readJSON(r, &edit); err != nil {
		return nil, err
	}
	return b.PublishConfigFile(r.FormValue("name"), edit, operatorOf(r))
}

// answerSwitch puts the release in the body in force, or ends it.
func answerSwitch(put func(string, release.Switch, configcenter.Operator) (release.Published, error), r *http.Request) (any, error) {
	var to release.Switch
	if err := readJSON(r, &to); err != nil {
		return nil, err
	}
	return put(r.FormValue("name"), to, operatorOf(r))
}

// operatorOf returns who sends a request.
func operatorOf(r *http.Request) configcenter.Operator {
	return configcenter.Operator{Token: r.Header.Get(headerPolarisToken), Address: r.RemoteAddr}
}
