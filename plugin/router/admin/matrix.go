package admin

import (
	"context"

	"github.com/polaris-contrib/setrouter/plugin/router"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
	"github.com/polaris-contrib/setrouter/plugin/router/matrix"
)

// Matrix says from which instances callers are served.
func (b serverBackend) Matrix(_ context.Context, q matrix.Query) (api.Matrix, error) {
	groups, complete := b.AskedNow()
	w := b.World()
	w.Seen = matrix.Seen(groups)
	if q.Service.Name != "" && !w.HasService(q.Service) {
		return api.Matrix{}, router.NotFound{Service: q.Service}
	}
	m := matrix.Now(w, groups, q)
	m.Complete = complete
	return m, nil
}
