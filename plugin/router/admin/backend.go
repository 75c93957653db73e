package admin

import (
	"context"
	"maps"
	"net/netip"

	"github.com/polaris-contrib/setrouter/internal/configcenter"
	"github.com/polaris-contrib/setrouter/internal/configcenter/release"
	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/router"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/matrix"
	"github.com/polaris-contrib/setrouter/plugin/router/nodes"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// backend is what the listener asks, and tells to do something: a running server,
// or a world of a test. Its methods are called concurrently.
type backend interface {
	Status(context.Context) api.Status
	Callers(context.Context, api.CallerQuery) api.CallerList
	Explain(world.Request) (explain.Explanation, error)
	Caller(netip.Addr) explain.Caller // of a normalised address
	World() *world.World
	Dump(context.Context) world.Dump
	Changes(service string) []api.Change
	Matrix(context.Context, matrixRequest) (api.Matrix, error)
	Drill(context.Context, world.DrillQuery) (world.Drill, error)
	ServiceStates(context.Context, matrix.ServiceQuery) (api.ServiceStates, error)
	Timeline(context.Context) api.Timeline
	Reload(force bool) []api.Reloaded
	ReloadAll(ctx context.Context, force bool) api.ClusterReload
	ConfigFile(name string) (release.Saved, error)
	Nodes(context.Context) api.Cluster
	PublishConfigFile(name string, edit release.Edit, operator configcenter.Operator) (release.Published, error)
	ConfigRelease(name, releaseName string) (release.Released, error)
	ConfigHistory(name string) (release.History, error)
	RollbackConfigFile(name string, to release.Switch, operator configcenter.Operator) (release.Published, error)
	StopGrayConfigFile(name string, gray release.Switch, operator configcenter.Operator) (release.Published, error)
}

// serverBackend is the backend of a running server.
type serverBackend struct {
	*router.Server
	lints   *lints
	turns   *turns
	reaches *reaches
}

var _ backend = serverBackend{}

// Reload loads the files of this node, as nodes.Reload.
func (b serverBackend) Reload(force bool) []api.Reloaded { return nodes.Reload(b.Server, force) }

// ReloadAll loads the files of all nodes, as nodes.ReloadAll.
func (b serverBackend) ReloadAll(ctx context.Context, force bool) api.ClusterReload {
	return nodes.ReloadAll(ctx, b.Server, force)
}

// Callers returns who asked all nodes for what lately, as nodes.CallersSeen.
func (b serverBackend) Callers(ctx context.Context, q api.CallerQuery) api.CallerList {
	return nodes.CallersSeen(ctx, b.Server, q)
}

// maxDumps bounds how often Dump begins anew while files are loaded one after the
// other.
const maxDumps = 10

// Dump returns the state of the server in a form that can be read again, with the
// files in force. The rules and the mapping of the state are made from these files:
// where files are loaded while the state is read, Dump begins anew. The callers are those
// of all nodes, so that a plan is the same whichever node is asked.
func (b serverBackend) Dump(ctx context.Context) world.Dump {
	callers, notes := nodes.Addresses(ctx, b.Server)
	for _, d := range nodes.Ask(ctx, b.Server).Differences {
		if d.About == api.AboutFiles || d.About == api.AboutSettings {
			notes = append(notes, "the nodes do not agree, and this is the state of one of them: "+d.Text)
		}
	}
	for n := 0; ; n++ {
		contents, digests := b.filesInForce()
		w := b.World()
		w.WithCallers(callers)
		w.Notes = notes
		dump := world.NewDump(w, contents[api.KindMapping], contents[api.KindRouting])
		if _, now := b.filesInForce(); n == maxDumps || maps.Equal(digests, now) {
			return dump
		}
	}
}

// filesInForce returns the files of each kind, and their digest.
func (b serverBackend) filesInForce() (contents map[string][]strict.File, digests map[string]string) {
	contents, digests = map[string][]strict.File{}, map[string]string{}
	for _, files := range b.Files() {
		contents[files.Kind], digests[files.Kind] = files.Files(), files.Status().Digest
	}
	return contents, digests
}

// Nodes asks all server nodes, and says whether they agree.
func (b serverBackend) Nodes(ctx context.Context) api.Cluster { return nodes.Ask(ctx, b.Server) }

// ConfigFile returns a file of the config center as it is saved there, published
// or not. Files that the server's configuration does not name stay under the auth
// of the config center: for them the error is configcenter.ErrAbsent.
func (b serverBackend) ConfigFile(name string) (release.Saved, error) {
	if err := b.checkConfigured(name); err != nil {
		return release.Saved{}, err
	}
	return configcenter.Local.Saved(name)
}
