package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/polaris-contrib/setrouter/internal/configcenter/release"
	"github.com/polaris-contrib/setrouter/internal/sources"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
)

// status is the answer of the admin listener, in what is shown of it. The
// server's own type would bring all of Polaris into this command.
type status struct {
	Now     time.Time
	Started time.Time
	Files   []struct {
		Kind     string
		Names    []string
		Entries  int
		LoadedAt time.Time
		Problems []string
		// Of contents of the config center.
		Copy        *time.Time
		CopyProblem string
		Releases    []release.Release
	}
	FailOpen bool
	Rules    []struct {
		Name, File, Mode, Target string
		Line                     int
		Percent                  float64
	}
	Evacuations []struct {
		ID, Kind, Place, Reason string
		Until                   time.Time
		InForce                 bool
		Instances               int
	}
	Protocols []struct {
		Name   string
		Routed bool
	}
	Warnings []struct {
		File, Message string
		Line, Col     int
	}
	Callers struct {
		Seen          int
		Requests      uint64
		Unmapped      int
		UnmappedShare float64
		FirstUnmapped []struct {
			Address, Known string
			Share          float64
		}
	}
	Drift struct {
		Count int
		First []struct{ Service, Host, Field, Registered, Mapping string }
	}
	Kubernetes *sources.Status
}

func newStatus(out *output) *cobra.Command {
	var server remote
	cmd := &cobra.Command{
		Use:   "status",
		Short: "files in force, rules, evacuations, protocols, callers, drift, and all nodes",
		Long:  "Status exits with 1 while files are refused, and while the server nodes do not agree.",
		Args:  arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var s status
			var whole json.RawMessage // all fields, for -o json
			if err := server.get("status", nil, &whole); err != nil {
				return err
			}
			if err := json.Unmarshal(whole, &s); err != nil {
				return failure{fmt.Errorf("the server's status cannot be read: %w", err)}
			}
			all, err := server.nodes()
			if err != nil {
				return err
			}
			if whole, err = withNodes(whole, all); err != nil {
				return err
			}
			err = out.write(cmd.OutOrStdout(), whole, func(w io.Writer) {
				s.text(w)
				nodesText(w, all)
			})
			if err != nil {
				return err
			}
			if all != nil && !all.Agree {
				return errNotHeld
			}
			for _, f := range s.Files {
				if len(f.Problems) > 0 {
					return errNotHeld
				}
			}
			return nil
		},
	}
	addServerFlags(cmd, &server)
	return cmd
}

func (s status) text(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	section := func(title string) {
		t.Flush()
		fmt.Fprintf(w, "\n%s\n", title)
	}
	fmt.Fprintf(w, "up for %s, failOpen %t\n", s.Now.Sub(s.Started).Round(time.Second), s.FailOpen)
	section("files")
	for _, f := range s.Files {
		loaded := "nothing in force: answers are as without them"
		if !f.LoadedAt.IsZero() {
			loaded = "loaded " + s.Now.Sub(f.LoadedAt).Round(time.Second).String() + " ago"
		}
		fmt.Fprintf(t, "  %s\t%d entries\t%s\t%s\n", f.Kind, f.Entries, loaded, strings.Join(f.Names, " "))
		for _, r := range f.Releases {
			fmt.Fprintf(t, "  %s release\t%s\tversion %d\t%s\n", r.Type, explain.Plain(r.Name), r.Version, r.File)
		}
		if f.Copy != nil {
			fmt.Fprintf(t, "  COPY\tin force is the copy on disk, made %s ago\n", s.Now.Sub(*f.Copy).Round(time.Second))
		}
		if f.CopyProblem != "" {
			fmt.Fprintf(t, "  PROBLEM\t%s\n", f.CopyProblem)
		}
		for _, p := range f.Problems {
			fmt.Fprintf(t, "  REFUSED\t%s\n", p)
		}
	}
	section("rules")
	for _, r := range s.Rules {
		fmt.Fprintf(t, "  %s\t%s %g%%\t%s:%d\t%s\n", r.Name, r.Mode, r.Percent, r.File, r.Line, r.Target)
	}
	section("evacuations")
	for _, e := range s.Evacuations {
		state := "until " + e.Until.Format(time.RFC3339)
		if !e.InForce {
			state = "ended " + e.Until.Format(time.RFC3339)
		}
		there := count(e.Instances, "instance")
		if e.Instances == 0 && e.InForce { // most likely a slip in the name
			there = "NO INSTANCE IS THERE"
		}
		fmt.Fprintf(t, "  %s\t%s %s\t%s\t%s\t%s\n", e.ID, e.Kind, e.Place, state, there, e.Reason)
	}
	section("protocols")
	for _, p := range s.Protocols {
		fmt.Fprintf(t, "  %s\trouted: %t\n", p.Name, p.Routed)
	}
	if s.Kubernetes != nil {
		s.kubernetes(section, t)
	}
	section(fmt.Sprintf("callers: %d seen lately, %d in no mapping (%.1f%% of the requests)", s.Callers.Seen, s.Callers.Unmapped, s.Callers.UnmappedShare*100))
	for _, c := range s.Callers.FirstUnmapped {
		fmt.Fprintf(t, "  %s\t%s\t%.1f%%\n", c.Address, explain.Plain(c.Known), c.Share*100)
	}
	section(fmt.Sprintf("drift: %d instances registered otherwise than the mapping says", s.Drift.Count))
	for _, d := range s.Drift.First {
		fmt.Fprintf(t, "  %s\t%s\t%s %s\tmapping %s\n", explain.Plain(d.Service), explain.Plain(d.Host), d.Field, explain.Plain(d.Registered), d.Mapping)
	}
	section(fmt.Sprintf("warnings: %d", len(s.Warnings)))
	for _, p := range s.Warnings {
		fmt.Fprintf(t, "  %s:%d:%d: %s\n", p.File, p.Line, p.Col, p.Message)
	}
	t.Flush()
}

// kubernetes shows the clusters: since when what is known of them is old, and
// what to repair.
func (s status) kubernetes(section func(string), w io.Writer) {
	section(fmt.Sprintf("kubernetes: %d addresses, %d of them in several clusters", s.Kubernetes.Addresses, s.Kubernetes.Ambiguous))
	for _, c := range s.Kubernetes.Clusters {
		heard := "never heard from"
		if !c.Heard.IsZero() {
			heard = "heard from " + s.Now.Sub(c.Heard).Round(time.Second).String() + " ago"
		}
		fmt.Fprintf(w, "  %s\t%s\t%s\t%d pods on %d nodes\t%d with an invalid SET\n", c.Name, c.State, heard, c.Pods, c.Nodes, c.Invalid)
		for _, p := range c.Problems {
			fmt.Fprintf(w, "  PROBLEM\t%s\n", explain.Plain(p))
		}
		for _, i := range c.First {
			fmt.Fprintf(w, "  invalid\t%s\t%s\n", explain.Plain(i.Pod), explain.Plain(i.Why))
		}
	}
}

// reloaded is the outcome for one kind of files.
type reloaded struct {
	Kind     string   `json:"kind"`
	OK       bool     `json:"ok"`
	Entries  int      `json:"entries"`
	Problems []string `json:"problems"`
}

func newReload(out *output) *cobra.Command {
	var server remote
	var force bool
	cmd := &cobra.Command{
		Use:   "reload [--force]",
		Short: "load the files now",
		Long:  "Reload exits with 1 if files are refused; what was in force then stays.",
		Args:  arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var list []reloaded
			if err := server.do(http.MethodPost, "reload", url.Values{"force": {fmt.Sprint(force)}}, &list); err != nil {
				return err
			}
			err := out.write(cmd.OutOrStdout(), list, func(w io.Writer) {
				for _, r := range list {
					verdict := "in force"
					if !r.OK {
						verdict = "REFUSED, what was in force stays"
					}
					fmt.Fprintf(w, "%s: %s, %d entries\n", r.Kind, verdict, r.Entries)
					for _, p := range r.Problems {
						fmt.Fprintf(w, "  %s\n", p)
					}
				}
			})
			for _, r := range list {
				if err == nil && !r.OK {
					err = errNotHeld
				}
			}
			return err
		},
	}
	addServerFlags(cmd, &server)
	cmd.Flags().BoolVar(&force, "force", false, "also where entries would be lost (the shrink guard), and a release that is older than the one in force")
	return cmd
}
