package nodes

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/polaris-contrib/setrouter/internal/events"
	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/router"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
)

const (
	// reloadPatience is how long a node may take to reload: setctl waits for a minute.
	reloadPatience = 45 * time.Second
	// maxReloadAnswer bounds what is read of a node's answer: a hundred problems.
	maxReloadAnswer = 1 << 18
)

// Reload loads the mapping and routing files of this node now. With force no guard
// refuses files for what would be lost with the files in force.
func Reload(s *router.Server, force bool) []api.Reloaded {
	out := []api.Reloaded{}
	for _, files := range s.Files() {
		if force {
			events.Noted.Note(events.Event{At: s.Now(), Code: events.CodeReloadForced, Severity: events.SeverityInfo,
				Text: "an operator forces a reload of the " + files.Kind + " files", Args: map[string]string{"kind": files.Kind}})
		}
		err := files.Reload(force)
		status := files.Status()
		out = append(out, api.Reloaded{Kind: files.Kind, OK: err == nil, Entries: status.Count, Problems: strict.Lines(status.Err)})
	}
	return out
}

// ReloadAll is Reload on all nodes that Polaris knows, this node included, at the same
// time. It takes as long as the slowest node, 45 s at most.
func ReloadAll(ctx context.Context, s *router.Server, force bool) api.ClusterReload {
	list, left, found := membersOf(s)
	out := api.ClusterReload{OK: found && left == 0, Notes: []string{}}
	if left > 0 {
		out.Notes = append(out.Notes, leftOut(s.Config().NodesService, left))
	}
	if !found {
		out.Notes = append(out.Notes, notFound(s.Config().NodesService))
	}
	out.Nodes = reloadAll(ctx, list, reloadRequest{s.Config().Admin.Token, s.Config().GRPCTLS, s.Now(), force}, func() []api.Reloaded { return Reload(s, force) })
	for _, n := range out.Nodes {
		out.OK = out.OK && n.Reloaded()
	}
	return out
}

// reloadRequest is what the other nodes are asked for.
type reloadRequest struct {
	token   string
	withTLS bool
	now     time.Time
	force   bool
}

// reloadAll has the nodes of a list reload at the same time. This node reloads by own.
func reloadAll(ctx context.Context, list []api.Node, r reloadRequest, own func() []api.Reloaded) []api.NodeReload {
	out := make([]api.NodeReload, len(list))
	var all sync.WaitGroup
	for i, n := range list {
		out[i] = api.NodeReload{Address: n.Address, Self: n.Self, Healthy: n.Healthy, Files: []api.Reloaded{}}
		all.Go(func() {
			defer func() {
				if p := recover(); p != nil { // in a goroutine that nobody guards
					out[i].Problem = fmt.Sprintf("panic: %v", p)
				}
			}()
			if n.Self {
				out[i].Files = own()
				return
			}
			r.ask(ctx, &out[i])
		})
	}
	all.Wait()
	return out
}

// ask has another node reload.
func (r reloadRequest) ask(ctx context.Context, n *api.NodeReload) {
	if r.token == "" {
		n.Problem = "was not asked: the set-admin listener of the node that was asked has no token, by which nodes know that an operator asks"
		return
	}
	ctx, cancel := context.WithTimeout(ctx, reloadPatience)
	defer cancel()
	message, err := json.Marshal(reloadMessage{r.force, newProof(r.token, n.Address, reloadText(r.force), r.now)})
	var files []api.Reloaded
	if err == nil {
		err = invoke(ctx, n.Address, r.withTLS, call{ReloadMethod, wrapperspb.Bytes(message), maxReloadAnswer}, &files)
	}
	if err == nil {
		if fault := api.CheckReloaded(files); fault != nil {
			err = unreadable{fault}
		}
	}
	if err != nil {
		n.Problem = problem(err, reloadPatience)
		return
	}
	n.Files = append(n.Files, files...)
}

// reloadMessage asks a node to reload.
type reloadMessage struct {
	Force bool `json:"force"`
	proof
}

// reloadText is what the proof of a reloadMessage is of.
func reloadText(force bool) string { return fmt.Sprintf("reload force=%t", force) }

// reloader answers reloadMessages.
type reloader struct {
	verifier *verifier
	now      func() time.Time
	reload   func(force bool) []api.Reloaded
}

func (r *reloader) answer(message []byte) (*wrapperspb.BytesValue, error) {
	var m reloadMessage
	if err := json.Unmarshal(message, &m); err != nil {
		return nil, status.Error(codes.InvalidArgument, "the message cannot be read")
	}
	if err := r.verifier.check(m.proof, reloadText(m.Force), r.now()); err != nil {
		return nil, status.Error(codes.PermissionDenied, err.Error())
	}
	data, err := json.Marshal(r.reload(m.Force))
	return wrapperspb.Bytes(data), err
}
