package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/polaris-contrib/setrouter/plugin/router/api"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
)

// newReload returns the command `setctl reload`.
func newReload(out *output) *cobra.Command {
	var server remote
	var force, allNodes bool
	cmd := &cobra.Command{
		Use:   "reload [--force] [--all-nodes]",
		Short: "load the files now",
		Long: "Reload exits with 1 if files are refused; what was in force then stays. With --all-nodes\n" +
			"it also exits with 1 if a node cannot be reached. The nodes prove to each other that they\n" +
			"have the same token of set-admin: all of them need one.",
		Args: arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			query := url.Values{"force": {fmt.Sprint(force)}}
			if allNodes {
				return reloadAll(cmd, out, server, query)
			}
			var list []api.Reloaded
			if err := server.do(http.MethodPost, "reload", query, &list); err != nil {
				return err
			}
			err := out.write(cmd.OutOrStdout(), list, func(w io.Writer) { reloadedText(w, "", list) })
			if err == nil && !(api.NodeReload{Files: list}).Reloaded() {
				err = errNotHeld
			}
			return err
		},
	}
	addServerFlags(cmd, &server)
	cmd.Flags().BoolVar(&force, "force", false, "also where too much would be lost (the shrink guard), and a release that is older than the one in force")
	cmd.Flags().BoolVar(&allNodes, "all-nodes", false, "on every server node that Polaris knows")
	return cmd
}

// reloadAll has all nodes reload.
func reloadAll(cmd *cobra.Command, out *output, server remote, query url.Values) error {
	var all api.ClusterReload
	err := server.do(http.MethodPost, "nodes/reload", query, &all)
	if fault, ok := errors.AsType[refusal](err); ok && fault.status == http.StatusNotFound {
		return failure{errors.New("the server is older than this setctl, and cannot reload all nodes; run setctl reload on each node")}
	}
	if err != nil {
		return err
	}
	err = out.write(cmd.OutOrStdout(), all, func(w io.Writer) {
		for _, n := range all.Nodes {
			fmt.Fprintln(w, strings.TrimSpace(explain.Plain(n.Address)+"  "+standing(api.Node{Self: n.Self, Healthy: n.Healthy})))
			if n.Problem != "" {
				fmt.Fprintf(w, "  NOT RELOADED: it %s\n", printable(n.Problem))
			}
			reloadedText(w, "  ", n.Files)
		}
		for _, note := range all.Notes {
			fmt.Fprintf(w, "NOTE  %s\n", note)
		}
	})
	if err == nil && !all.OK {
		err = errNotHeld
	}
	return err
}

// printable returns what another node said, without characters that a terminal obeys.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if strconv.IsPrint(r) {
			return r
		}
		return '\uFFFD'
	}, s)
}

// reloadedText writes the outcome of a reload on a node. Another node can have said it.
func reloadedText(w io.Writer, indent string, list []api.Reloaded) {
	for _, r := range list {
		verdict := "in force"
		if !r.OK {
			verdict = "REFUSED, what was in force stays"
		}
		fmt.Fprintf(w, "%s%s: %s, %s\n", indent, r.Kind, verdict, plural(r.Entries, "entry", "entries"))
		for _, p := range r.Problems {
			fmt.Fprintf(w, "%s  %s\n", indent, printable(p))
		}
	}
}
