package main

import (
	"cmp"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/polaris-contrib/setrouter/plugin/router/api"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
)

// newCallers returns the command `setctl callers`.
func newCallers(out *output) *cobra.Command {
	var server remote
	var service string
	var limit int
	cmd := &cobra.Command{
		Use:   "callers [--service ns/name]",
		Short: "who asked for what lately, on all nodes, and which names nobody asks for",
		Long: "Callers lists who asked for a service lately, by kind, and which lane addresses,\n" +
			"aliases and services with rules nobody asks for any more: an old name can be taken\n" +
			"down. A node knows of its own time only: a name is quiet for certain since the youngest\n" +
			"node started.",
		Args: arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			query := url.Values{}
			if service != "" {
				var err error
				if query, err = parseService(service); err != nil {
					return err
				}
			}
			if limit < 1 {
				return fmt.Errorf("--limit %d is not a number above 0", limit)
			}
			query.Set("limit", strconv.Itoa(limit))
			var list api.CallerList
			if err := server.get("callers", query, &list); err != nil {
				return err
			}
			return out.write(cmd.OutOrStdout(), list, func(w io.Writer) { callersText(w, list, service) })
		},
	}
	addServerFlags(cmd, &server)
	cmd.Flags().StringVar(&service, "service", "", "only of this service or other name, as namespace/name")
	cmd.Flags().IntVar(&limit, "limit", 20, "how many kinds, addresses of each, and names")
	return cmd
}

// callersText writes a list of callers for people.
func callersText(w io.Writer, list api.CallerList, service string) {
	t := newStatusWriter(w)
	t.now = list.Now
	remembered := time.Duration(list.RememberSeconds) * time.Second
	if up := list.Now.Sub(list.Since); up < remembered {
		remembered = max(up, 0)
	}
	fmt.Fprintf(w, "callers of the last %v\n", remembered.Round(time.Second))
	for _, note := range list.Notes {
		fmt.Fprintf(w, "%s\n", explain.Plain(note))
	}
	if !list.Complete {
		fmt.Fprintln(w, "there are more callers than the nodes remember")
	}
	t.kinds(list)
	t.untold(list.Untold)
	t.forwarded(list.Forwarded)
	t.quiet(list, service)
	t.table.Flush()
}

// kinds writes the kinds of callers, and the addresses of each.
func (w *statusWriter) kinds(list api.CallerList) {
	if len(list.Kinds) == 0 {
		w.section("nobody asked")
	}
	before := ""
	for _, k := range list.Kinds {
		if k.Service != before {
			before = k.Service
			w.section("%s", explain.Plain(k.Service))
		}
		rule := "no rule"
		if k.Rule != "" {
			rule = "rule " + k.Rule
		}
		w.row("%s\t%s\t%s\t%s\tlast %s ago", explain.Plain(cmp.Or(k.Kind, "the stock answer")), count(k.Callers, "caller"), rule, cmp.Or(k.State, "asks no more"), w.since(k.Last))
		for _, a := range k.Addresses {
			w.row("  %s\t%s\t\t\tlast %s ago", a.Address, count(int(a.Requests), "request"), w.since(a.Last))
		}
		if more := k.Callers - len(k.Addresses); more > 0 {
			w.row("  and %d more\t\t\t\t", more)
		}
	}
	if list.More > 0 {
		w.section("and %s more: --service or --limit", count(list.More, "kind"))
	}
}

// forwarded writes the peers whose header of proxies is not read, if there are any.
func (w *statusWriter) forwarded(list []api.Forwarded) {
	if len(list) == 0 {
		return
	}
	w.section("a header of proxies that is not read: these peers are not in trustedProxies, and count as the callers themselves")
	for _, f := range list {
		w.row("%s\t%s", f.Peer, count(int(f.Requests), "request"))
	}
}

// quiet writes the names that nobody asks for.
func (w *statusWriter) quiet(list api.CallerList, service string) {
	if len(list.Quiet) == 0 {
		if service == "" {
			w.section("nobody asks for: no name")
		}
		return
	}
	w.section("nobody asks for")
	for _, q := range list.Quiet {
		target := ""
		if q.Target != "" {
			target = "for " + explain.Plain(q.Target)
		}
		since := "never since " + list.Since.Format(time.RFC3339) + ", when the youngest node started"
		if q.LastAsked != nil {
			since = fmt.Sprintf("last %v ago", w.since(*q.LastAsked))
		}
		w.row("%s\t%s\t%s\t%s", explain.Plain(q.Name), q.What, target, since)
	}
	if list.MoreQuiet > 0 {
		w.row("and %d more: --limit", list.MoreQuiet)
	}
}
