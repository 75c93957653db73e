package admin

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router"
	"github.com/polaris-contrib/setrouter/plugin/router/nodes"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// Drill says what would be without the instances of each place or SET, by the callers of
// all nodes. In a large company that takes many seconds of all cores: Drill ends where ctx
// does.
func (b serverBackend) Drill(ctx context.Context, q world.DrillQuery) (world.Drill, error) {
	leave, err := b.turns.enter(ctx)
	if err != nil {
		return world.Drill{}, err
	}
	defer leave()
	w := b.World()
	callers, notes := nodes.Addresses(ctx, b.Server)
	w.WithCallers(callers)
	w.Notes = notes
	q.Stopped = func() bool { return ctx.Err() != nil }
	return w.Drill(q), ctx.Err()
}

// The bounds of the lists of each loss.
const (
	defaultDrillRows = 20
	maxDrillRows     = 1000
)

// answerDrill answers a drill.
func answerDrill(b backend, r *http.Request) (any, error) {
	q := world.DrillQuery{Each: r.FormValue("each"), Only: r.FormValue("place")}
	limit, err := numberParameter("limit", r.FormValue("limit"), 1, maxDrillRows, defaultDrillRows)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(world.DrillKinds, q.Each) {
		return nil, badRequest("each %q is nothing to lose, expected one of %s", q.Each, strings.Join(world.DrillKinds, ", "))
	}
	if err := checkDrillPlace(q.Each, q.Only); err != nil {
		return nil, badRequest("place: %v", err)
	}
	if q.Gone, err = boolParameter("gone", r.FormValue("gone")); err != nil {
		return nil, err
	}
	if r.FormValue("service") != "" {
		service, err := serviceParameter(r)
		if err != nil {
			return nil, err
		}
		if !b.World().HasService(service) {
			return nil, router.NotFound{Service: service}
		}
		q.Services = func(s route.Service) bool { return s == service }
	}
	drill, err := b.Drill(r.Context(), q)
	drill.Cut(limit)
	return drill, err
}

// checkDrillPlace returns an error for a text that is no place, or no SET.
func checkDrillPlace(each, text string) (err error) {
	switch {
	case text == "":
	case each == "set":
		_, err = location.ParseSET(text)
	default:
		_, err = route.ParsePlace(each, text)
	}
	return err
}
