package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/polaris-contrib/setrouter/internal/table"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
)

// nodes asks a server for all nodes. It returns nil for an older server, which does
// not know the question.
func (r remote) nodes() (*api.Cluster, error) {
	var all api.Cluster
	err := r.get("nodes", nil, &all)
	if fault, ok := errors.AsType[refusal](err); ok && fault.status == http.StatusNotFound {
		return nil, nil
	}
	return &all, err
}

// withNodes puts the nodes into the JSON of a status.
func withNodes(status json.RawMessage, all *api.Cluster) (json.RawMessage, error) {
	if all == nil {
		return status, nil
	}
	fields := map[string]json.RawMessage{}
	err := json.Unmarshal(status, &fields)
	if err != nil {
		return nil, failure{fmt.Errorf("the server's status cannot be read: %w", err)}
	}
	if fields["nodes"], err = json.Marshal(all); err != nil {
		return nil, err
	}
	return json.Marshal(fields)
}

// nodesText writes the nodes for people. The addresses are as registered; the nodes
// themselves said everything else.
func nodesText(w io.Writer, all *api.Cluster) {
	if all == nil {
		fmt.Fprint(w, "\nnodes: the server is older than this setctl, and does not tell\n")
		return
	}
	fmt.Fprintf(w, "\nnodes: %d, agree: %t\n", len(all.Nodes), all.Agree)
	t := table.New(w)
	for _, n := range all.Nodes {
		fmt.Fprintf(t, "  %s\t%s\t", explain.Plain(n.Address), standing(n))
		if n.Summary == nil {
			fmt.Fprintf(t, "%s\n", explain.Plain(n.Problem))
			continue
		}
		for _, kind := range []string{api.KindMapping, api.KindRouting} {
			fmt.Fprintf(t, "%s\t", filesText(n.Summary.FilesOf(kind)))
		}
		fmt.Fprintf(t, "%s\t%s of %s\n", count(n.Summary.Evacuations, "evacuation"), count(n.Summary.Instances, "instance"), count(n.Summary.Services, "service"))
	}
	t.Flush()
	for _, r := range all.Reasons {
		fmt.Fprintf(w, "  DISAGREE  %s\n", explain.Plain(r))
	}
	if all.Note != "" {
		fmt.Fprintf(w, "  NOTE  %s\n", explain.Plain(all.Note))
	}
}

// standing returns whether a node is the one that was asked, or is unhealthy to
// Polaris.
func standing(n api.Node) string {
	switch {
	case n.Self:
		return "this one"
	case !n.Healthy:
		return "dropped by Polaris"
	}
	return ""
}

// filesText returns the files of a node in short.
func filesText(f api.NodeFiles) string {
	text := f.Kind + " " + explain.Plain(f.Digest)
	if f.Digest == "" {
		text = "no " + f.Kind
	}
	if f.Gray {
		text += " GRAY"
	}
	switch {
	case f.Copy:
		text += " COPY"
	case f.Refused:
		text += " REFUSED"
	}
	return text
}
