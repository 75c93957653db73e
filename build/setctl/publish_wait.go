package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/polaris-contrib/setrouter/plugin/router/api"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
)

// post sends a body about a file of the config center, as a Polaris user.
func (r remote) post(c center, path, name string, body, into any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := r.request(http.MethodPost, path, url.Values{"name": {name}}, bytes.NewReader(data))
	if err != nil {
		return err
	}
	token := c.token
	if token == "" {
		token = os.Getenv("SETROUTER_POLARIS_TOKEN")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("x-polaris-token", token)
	err = r.send(req, into)
	if fault, ok := errors.AsType[refusal](err); ok && fault.status == http.StatusForbidden && strings.HasPrefix(fault.Error(), "Polaris refuses") {
		err = failure{fmt.Errorf("%w; setctl sends that of SETROUTER_POLARIS_TOKEN or --polaris-token", err)}
	}
	return err
}

// The states of a node after a publication.
const (
	nodeHas     = "in force"
	nodeKeeps   = "keeps the full release" // a gray release is not for this node
	nodeRefuses = "REFUSED, what was in force stays"
	nodeWaits   = "NOT IN FORCE"
	nodeAway    = "AWAY"
	nodeLeaks   = "HAS THE GRAY RELEASE, which is not for this node"
)

// nodeState says whether a node has a release in force.
type nodeState struct {
	Address string `json:"address"`
	State   string `json:"state"`
	Problem string `json:"problem,omitempty"`
}

func (n nodeState) text(w io.Writer) {
	text := n.State
	if n.Problem != "" {
		text += ": " + n.Problem
	}
	fmt.Fprintf(w, "  %s  %s\n", explain.Plain(n.Address), printable(text))
}

// waiter waits until the nodes have a release in force.
type waiter struct {
	server   remote
	tag      string
	gray     []string // the addresses of the nodes that it is for; none: all nodes
	patience time.Duration
	kind     string // of files that are taken where the shrink guard refuses them; empty: none are

	states []nodeState // the last ones that were seen
	notes  []string
	// overruled is true if the guard of a node was.
	overruled bool
}

// betweenLooks is how long the waiter waits before it asks the nodes again. A release is in
// force 2 s after it is published.
const betweenLooks = 300 * time.Millisecond

// wait reports whether all nodes have the release, and nobody whom a gray release is not for.
func (w *waiter) wait() (bool, error) {
	for end := time.Now().Add(w.patience); ; time.Sleep(betweenLooks) {
		all, err := w.server.nodes()
		if err != nil {
			return false, err
		}
		if all == nil {
			w.notes = append(w.notes, "the server is older than this setctl, and does not tell what the nodes have in force")
			return false, nil
		}
		ok := w.look(all)
		if !ok && w.kind != "" {
			if err := w.force(all); err != nil {
				return false, err
			}
		}
		if ok || time.Now().After(end) {
			if all.Note != "" {
				w.notes = append(w.notes, all.Note)
			}
			if w.overruled {
				w.notes = append(w.notes, "the shrink guard refused the files, and was overruled")
			}
			if !ok {
				w.explain()
			}
			return ok, nil
		}
	}
}

// force has all nodes take the files that a guard refuses on some, if they refuse no others.
func (w *waiter) force(all *api.Cluster) error {
	refuses := func(kind string) bool {
		return slices.ContainsFunc(all.Nodes, func(n api.Node) bool { return n.Summary != nil && n.Summary.FilesOf(kind).Refused })
	}
	if other := map[string]string{api.KindMapping: api.KindRouting, api.KindRouting: api.KindMapping}[w.kind]; !refuses(w.kind) || refuses(other) {
		return nil
	}
	w.overruled = true
	var done api.ClusterReload
	return w.server.do(http.MethodPost, "nodes/reload", url.Values{"force": {"true"}}, &done)
}

// look notes the state of each node, and reports whether all are as they should be.
func (w *waiter) look(all *api.Cluster) bool {
	w.states = w.states[:0]
	ok := true
	for _, n := range all.Nodes {
		s := w.stateOf(n)
		ok = ok && (s.State == nodeHas || s.State == nodeKeeps)
		w.states = append(w.states, s)
	}
	return ok
}

// stateOf returns the state of a node.
func (w *waiter) stateOf(n api.Node) nodeState {
	s := nodeState{Address: n.Address}
	isFor := len(w.gray) == 0 || slices.Contains(w.gray, hostOf(n.Address))
	switch {
	case n.Summary == nil:
		s.State, s.Problem = nodeAway, n.Problem
	case has(n.Summary, w.tag) && isFor:
		s.State = nodeHas
	case has(n.Summary, w.tag):
		s.State = nodeLeaks
	case !isFor:
		s.State = nodeKeeps
	case slices.ContainsFunc(n.Summary.Files, func(f api.NodeFiles) bool { return f.Refused }):
		s.State, s.Problem = nodeRefuses, "see setctl status there"
	default:
		s.State = nodeWaits
	}
	return s
}

// explain adds why the node that is asked refuses its files.
func (w *waiter) explain() {
	var status api.Status
	if len(w.states) == 0 || w.states[0].State != nodeRefuses || w.server.get("status", nil, &status) != nil {
		return
	}
	for _, f := range status.Files {
		if len(f.Problems) > 0 {
			w.states[0].Problem = strings.Join(f.Problems, "; ")
		}
	}
}
