package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/polaris-contrib/setrouter/internal/sources"
	"github.com/polaris-contrib/setrouter/internal/table"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// newStatus returns the command `setctl status`.
func newStatus(out *output) *cobra.Command {
	var server remote
	cmd := &cobra.Command{
		Use:   "status",
		Short: "who has nothing now, files in force, rules, evacuations, protocols, callers, drift, and all nodes",
		Long:  "Status exits with 1 while a rule leaves callers without a usable instance, while files are refused, and while the server nodes do not agree.",
		Args:  arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var whole json.RawMessage // all fields, for -o json
			if err := server.get("status", nil, &whole); err != nil {
				return err
			}
			var s api.Status
			if err := json.Unmarshal(whole, &s); err != nil {
				return failure{fmt.Errorf("the server's status cannot be read: %w", err)}
			}
			cluster, err := server.nodes()
			if err != nil {
				return err
			}
			if whole, err = withNodes(whole, cluster); err != nil {
				return err
			}
			err = out.write(cmd.OutOrStdout(), whole, func(w io.Writer) {
				newStatusWriter(w).write(s)
				nodesText(w, cluster)
			})
			if err == nil && !isWell(s, cluster) {
				err = errNotHeld
			}
			return err
		},
	}
	addServerFlags(cmd, &server)
	return cmd
}

// isWell reports whether everybody has a usable instance, the files are in force and the
// nodes agree. Cluster is nil where the server cannot say.
func isWell(s api.Status, cluster *api.Cluster) bool {
	refused := slices.ContainsFunc(s.Files, func(f api.Files) bool { return len(f.Problems) > 0 })
	return !refused && s.State.Nothing() == 0 && (cluster == nil || cluster.Agree)
}

// statusWriter writes a status for people, section by section.
type statusWriter struct {
	out   io.Writer
	table *table.Writer
	now   time.Time // of the status
}

// newStatusWriter returns a writer to w.
func newStatusWriter(w io.Writer) *statusWriter {
	return &statusWriter{out: w, table: table.New(w)}
}

// section begins a section.
func (w *statusWriter) section(format string, args ...any) {
	w.table.Flush()
	fmt.Fprintf(w.out, "\n"+format+"\n", args...)
}

// row writes a row of the section, with tabs between its columns.
func (w *statusWriter) row(format string, args ...any) {
	fmt.Fprintf(w.table, "  "+format+"\n", args...)
}

// since returns how long ago a time was.
func (w *statusWriter) since(t time.Time) time.Duration { return w.now.Sub(t).Round(time.Second) }

// write writes all sections.
func (w *statusWriter) write(s api.Status) {
	w.now = s.Now
	w.health(s)
	fmt.Fprintf(w.out, "up for %s, failOpen %t\n", w.since(s.Started), s.FailOpen)
	w.state(s.State)
	w.load(s.Load)
	w.files(s.Files)
	w.rules(s.Rules)
	w.evacuations(s.Evacuations)
	w.backing(s.Backing)
	w.section("protocols")
	for _, p := range s.Protocols {
		w.row("%s\trouted: %t", p.Name, p.Routed)
	}
	if s.Kubernetes != nil {
		w.kubernetes(s.Kubernetes)
	}
	w.section("callers: %d seen lately, %d in no mapping (%.1f%% of the requests)", s.Callers.Seen, s.Callers.Unmapped, s.Callers.Share*100)
	for _, c := range s.Callers.First {
		w.row("%s\t%s\t%.1f%%", c.Address, explain.Plain(c.Known), c.Share*100)
	}
	w.untold(s.Callers.Untold)
	w.section("drift: %s registered otherwise than the mapping says", count(s.Drift.Count, "instance"))
	for _, d := range s.Drift.First {
		w.row("%s\t%s\t%s", explain.Plain(d.Service), explain.Plain(d.Host), d.Text())
	}
	w.severalSETs(s.SeveralSETs)
	w.unknown(s.Unknown, s.State)
	w.section("warnings: %d", len(s.Warnings))
	for _, p := range s.Warnings {
		w.row("%s:%d:%d: %s", p.File, p.Line, p.Col, p.Message)
	}
	w.table.Flush()
}

// health writes how callers are, and what else is degraded, over all nodes.
func (w *statusWriter) health(s api.Status) {
	fmt.Fprintln(w.out, explain.Line(cmp.Or(s.Health.Headline, s.State.Headline()))) // an older server has no health
	for _, c := range s.Health.Causes {
		if c.Kind != api.CauseNothing { // the headline
			fmt.Fprintf(w.out, "%s  %s\n", strings.ToUpper(string(c.Colour)), explain.Line(c.Text))
		}
	}
}

// state writes the kinds of callers that do not have their first road.
func (w *statusWriter) state(s api.CallerStates) {
	var counts []string
	for _, state := range api.States {
		if n := s.Counts[state]; n > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", n, state))
		}
	}
	w.section("callers in the last two minutes, for each service: %s", cmp.Or(strings.Join(counts, ", "), "none"))
	if !s.Complete {
		w.row("there are more callers than the nodes remember")
	}
	for _, note := range s.Notes {
		w.row("%s", explain.Plain(note))
	}
	for _, k := range s.Kinds {
		if k.State == "empty" || k.State == "unusable" || k.State == "widened" {
			road := route.Road{Tier: k.Tier, Level: k.Level}
			w.row("%s\t%s\t%s\t%s, as %s\trule %s\t%d of %d usable\t%s", strings.ToUpper(k.State), explain.Plain(k.Service), explain.Plain(k.Kind), count(k.Callers, "caller"), k.Example, k.Rule, k.Usable, k.Sent, road)
		}
	}
	if s.More > 0 {
		w.row("and %d more kinds of callers", s.More)
	}
}

// load writes the roads that carry more than when everything works, if there are any.
func (w *statusWriter) load(s api.LoadStatus) {
	if len(s.Roads) == 0 {
		return
	}
	w.section("load: usable instances carry up to %.1f times what their callers put on their first road when everything works", s.Highest)
	for _, road := range s.Roads {
		mark := "-"
		if api.IsOverloaded(road) {
			mark = "OVERLOADED"
		}
		w.row("%s\t%.1f times\t%s\t%s\trule %s\t%s\t%d usable of %s", mark, road.Times, explain.Plain(road.Service), count(road.Seen, "caller"), road.Rule,
			route.Road{Tier: road.Tier, Level: road.Level}, road.Usable, explain.Plain(road.Where))
	}
	if s.More > 0 {
		w.row("and %s", count(s.More, "more road"))
	}
}

// untold writes the requests whose caller cannot be told, if there are any.
func (w *statusWriter) untold(list []explain.Untold) {
	if len(list) == 0 {
		return
	}
	w.section("callers that cannot be told: these requests lately got no list of a routed service")
	for _, u := range list {
		w.row("%d\tby %s\t%s", u.Requests, cmp.Or(u.Peer, "-"), u.Why)
	}
}

// severalSETs writes the addresses with several SETs, if there are any.
func (w *statusWriter) severalSETs(s api.SeveralSETs) {
	if s.Count == 0 {
		return
	}
	w.section("several SETs: callers of %s are routed as each of their SETs, as the instances registered there differ", addresses(s.Count))
	for _, several := range s.First {
		w.row("%s\t%s", several.Address, explain.Plain(strings.Trim(fmt.Sprint(several.SETs), "[]")))
	}
}

// unknown writes who is unknown now: who has nothing for that reason, and who gets what
// without a SET. An operator waits for "nobody".
func (w *statusWriter) unknown(u api.UnknownCallers, state api.CallerStates) {
	var parts []string
	if n := state.Counts["unknown"]; n > 0 {
		parts = append(parts, fmt.Sprintf("%s now with nothing, as their SET or place is not known", count(n, "caller")))
	}
	if u.Callers > 0 {
		parts = append(parts, fmt.Sprintf("%s asked for %s lately, and nothing is known of their SET", count(u.Callers, "caller"), count(u.Services, "service")))
	}
	w.section("unknown: %s", cmp.Or(strings.Join(parts, "; "), "nobody"))
	for _, k := range state.Kinds {
		if k.State == "unknown" {
			w.row("%s, as %s\t%s\trule %s\tgets nothing\tknown as %s", count(k.Callers, "caller"), k.Example, explain.Plain(k.Service), k.Rule, explain.Plain(k.Kind))
		}
	}
	for _, row := range u.First {
		w.row("%s\t%s\trule %s\tgets %s\t%s", row.Address, explain.Plain(row.Service), row.Rule, row.Gets, count(int(row.Requests), "request"))
	}
}

// addresses returns a count of addresses in words.
func addresses(n int) string { return plural(n, "address", "addresses") }

func (w *statusWriter) files(list []api.Files) {
	w.section("files")
	for _, f := range list {
		loaded := "nothing in force: answers are as without them"
		if !f.LoadedAt.IsZero() {
			loaded = "loaded " + w.since(f.LoadedAt).String() + " ago"
		}
		w.row("%s\t%s\t%s\t%s", f.Kind, plural(f.Entries, "entry", "entries"), loaded, strings.Join(f.Names, " "))
		for _, r := range f.Releases {
			w.row("%s release\t%s\tversion %d\t%s", r.Type, explain.Plain(r.Name), r.Version, r.File)
		}
		for _, fetch := range f.Fetches {
			w.row("fetched\t%s\t%s", w.ago(fetch.FetchedAt), fetch.Address)
		}
		if f.Copy != nil {
			w.row("COPY\tin force is the copy on disk, made %s ago", w.since(*f.Copy))
		}
		if f.CopyProblem != "" {
			w.row("PROBLEM\t%s", f.CopyProblem)
		}
		for _, p := range f.Problems {
			w.row("REFUSED\t%s", p)
		}
	}
}

// ago returns how long ago a time was; "never" for nil.
func (w *statusWriter) ago(at *time.Time) string {
	if at == nil {
		return "never"
	}
	return w.since(*at).String() + " ago"
}

func (w *statusWriter) rules(list []api.RuleStatus) {
	w.section("rules")
	for _, r := range list {
		share := fmt.Sprintf("%g%%", r.Percent)
		if r.Percent < 100 {
			share += " by " + r.By
		}
		w.row("%s\t%s %s\t%s:%d\t%s", r.Name, r.Mode, share, r.File, r.Line, r.Target)
	}
}

func (w *statusWriter) evacuations(list []api.Evacuation) {
	w.section("evacuations")
	for _, e := range list {
		state := "until " + e.Until.Format(time.RFC3339)
		switch {
		case e.From != nil && e.From.After(w.now):
			state = "from " + e.From.Format(time.RFC3339) + " " + state
		case !e.InForce:
			state = "ended " + e.Until.Format(time.RFC3339)
		}
		instances := count(e.Instances, "instance")
		if e.Instances == 0 && e.InForce { // most likely a slip in the name
			instances = "NO INSTANCE IS THERE"
		}
		w.row("%s\t%s %s\t%s\t%s\t%s", e.ID, e.Kind, e.Place, state, instances, explain.Plain(e.Reason))
		w.table.Flush()
		e.Reach.Text(w.out, "    ")
	}
}

// backing writes what the node needs beside itself, if there is anything that may go away.
func (w *statusWriter) backing(list []api.Backing) {
	if len(list) == 0 {
		return
	}
	w.section("store and heartbeats of this node")
	for _, b := range list {
		if b.AwayAt == nil {
			w.row("%s\t%s\tanswers", b.Kind, b.Name)
		} else {
			w.row("%s\t%s\tAWAY for %s: %s", b.Kind, b.Name, w.since(*b.AwayAt), explain.Plain(b.Problem))
		}
	}
}

// kubernetes writes the clusters: how old the knowledge of each is, and what operators
// have to repair.
func (w *statusWriter) kubernetes(s *sources.Status) {
	w.section("kubernetes: %s, %d of them in several clusters", addresses(s.Addresses), s.Ambiguous)
	for _, c := range s.Clusters {
		heard := "never heard from"
		if !c.Heard.IsZero() {
			heard = "heard from " + w.since(c.Heard).String() + " ago"
		}
		w.row("%s\t%s\t%s\t%s on %s\t%d with an invalid SET", c.Name, c.State, heard, count(c.Pods, "pod"), count(c.Nodes, "node"), c.Invalid)
		for _, p := range c.Problems {
			w.row("PROBLEM\t%s", explain.Plain(p))
		}
		for _, i := range c.First {
			w.row("invalid\t%s\t%s", explain.Plain(i.Pod), explain.Plain(i.Why))
		}
	}
}
