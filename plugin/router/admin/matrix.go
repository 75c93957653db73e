package admin

import (
	"context"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/polaris-contrib/setrouter/internal/clock"
	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
	"github.com/polaris-contrib/setrouter/plugin/router/matrix"
	"github.com/polaris-contrib/setrouter/plugin/router/nodes"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// matrixRequest asks for a matrix: of now, or of a what-if.
type matrixRequest struct {
	matrix.Query
	suppose matrix.Supposition // without files
	files   api.MatrixFiles
}

// isWhatIf reports whether something is supposed.
func (r *matrixRequest) isWhatIf() bool { return !r.suppose.IsEmpty() || len(r.files.Files) > 0 }

// Matrix says from which instances callers are served, or would be.
func (b serverBackend) Matrix(ctx context.Context, r matrixRequest) (api.Matrix, error) {
	leave, err := b.turns.enter(ctx)
	if err != nil {
		return api.Matrix{}, err
	}
	defer leave()
	state := b.turns.stateOf(ctx, b)
	w := state.world
	if r.Service.Name != "" && !w.HasService(r.Service) {
		return api.Matrix{}, router.NotFound{Service: r.Service}
	}
	if len(r.files.Files) > 0 {
		contents, _ := b.filesInForce()
		if r.suppose.World, err = withFiles(w, contents, r.files); err != nil {
			return api.Matrix{}, err
		}
		for _, f := range r.files.Files {
			r.suppose.Files = append(r.suppose.Files, f.Name)
		}
	}
	m := matrixOf(w, state.groups, r)
	m.Complete, m.Notes = state.complete, append(m.Notes, state.notes...)
	return m, nil
}

// matrixOf returns a matrix of a world.
func matrixOf(w *world.World, groups []matrix.Asked, r matrixRequest) api.Matrix {
	if r.isWhatIf() {
		return matrix.Suppose(w, groups, r.Query, r.suppose)
	}
	return matrix.Now(w, groups, r.Query)
}

// withFiles returns the state of a world under other files. Faults of the files are a
// strict.Error.
func withFiles(w *world.World, inForce map[string][]strict.File, candidates api.MatrixFiles) (*world.World, error) {
	var problems strict.Problems
	files := map[string][]strict.File{}
	for _, f := range candidates.Files {
		file := strict.File{Name: f.Name, Data: []byte(f.Content)}
		if err := strict.CheckText(file.Data); err != nil {
			problems.Add(strict.Problem{File: f.Name, Message: err.Error()})
		}
		files[f.Kind] = append(files[f.Kind], file)
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	table, rules := w.Table, w.Rules
	if list := replaced(inForce[api.KindMapping], files[api.KindMapping], candidates.Replace); list != nil {
		table = location.LoadMapping(list, &problems)
	}
	if list := replaced(inForce[api.KindRouting], files[api.KindRouting], candidates.Replace); list != nil {
		rules = route.Load(list, clock.Now(), &problems)
	}
	if problems.Err() == nil {
		rules.CheckPlaces(table, &problems)
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	return w.WithFiles(table, rules), nil
}

// replaced returns the files of a kind with candidates in the place of those in force; nil
// without candidates.
func replaced(inForce, candidates []strict.File, how string) []strict.File {
	isNamed := func(name string) bool {
		return slices.ContainsFunc(inForce, func(f strict.File) bool { return f.Name == name })
	}
	allNamed := !slices.ContainsFunc(candidates, func(f strict.File) bool { return !isNamed(f.Name) })
	if len(candidates) == 0 || how == replaceAll || how == "" && !allNamed {
		return candidates
	}
	others := slices.DeleteFunc(slices.Clone(inForce), func(f strict.File) bool {
		return slices.ContainsFunc(candidates, func(c strict.File) bool { return c.Name == f.Name })
	})
	return append(others, candidates...)
}

// ServiceStates returns services and what their callers have now.
func (b serverBackend) ServiceStates(ctx context.Context, q matrix.ServiceQuery) (api.ServiceStates, error) {
	leave, err := b.turns.enter(ctx)
	if err != nil {
		return api.ServiceStates{}, err
	}
	defer leave()
	state := b.turns.stateOf(ctx, b)
	out := matrix.Services(state.world, state.groups, q)
	out.Complete, out.Notes = state.complete, append(out.Notes, state.notes...)
	return out, nil
}

// Timeline returns what happened in the last hour on all nodes.
func (b serverBackend) Timeline(ctx context.Context) api.Timeline {
	return nodes.TimelineOfAll(ctx, b.Server)
}

// turns lets one request at a time through, of those that cost much, and few wait.
type turns struct {
	queue atomic.Int64
	turn  chan struct{}

	state callersState // of whoever has the turn
}

// callersState is a state with the callers of all nodes that asked lately.
type callersState struct {
	world    *world.World
	groups   []matrix.Asked
	complete bool
	notes    []string
	at       time.Time // when it was read
}

// stateAge is how old a state can be that answers a request: a page asks for several
// things at once.
const stateAge = 2 * time.Second

// stateOf returns the state of a server. Whoever calls has the turn.
func (t *turns) stateOf(ctx context.Context, b serverBackend) *callersState {
	if t.state.world == nil || time.Since(t.state.at) > stateAge {
		s := callersState{at: time.Now()}
		s.groups, s.complete, s.notes = nodes.AskedNow(context.WithoutCancel(ctx), b.Server)
		s.world = b.World()
		s.world.Seen = matrix.Seen(s.groups)
		t.state = s
	}
	return &t.state
}

// The bounds of turns: requests that run or wait, and for how long one waits.
const (
	maxTurns = 8
	maxWait  = 20 * time.Second
)

func newTurns() *turns { return &turns{turn: make(chan struct{}, 1)} }

// errBusy is the error where too many requests wait.
func errBusy() error {
	return newHTTPError(http.StatusServiceUnavailable, "busy", "%d other requests that cost much are under way, try again", maxTurns)
}

// enter waits for the turn of a request. Leave ends it.
func (t *turns) enter(ctx context.Context) (leave func(), err error) {
	defer func() {
		if err != nil {
			t.queue.Add(-1)
		}
	}()
	if t.queue.Add(1) > maxTurns {
		return nil, errBusy()
	}
	timeout := time.NewTimer(maxWait)
	defer timeout.Stop()
	select {
	case t.turn <- struct{}{}:
		return func() { <-t.turn; t.queue.Add(-1) }, nil
	case <-timeout.C:
		return nil, errBusy()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
