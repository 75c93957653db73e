package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/polaris-contrib/setrouter/internal/configcenter/release"
	"github.com/polaris-contrib/setrouter/internal/serverconfig"
	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/internal/table"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
)

// newRollback returns the command `setctl rollback`.
func newRollback(out *output) *cobra.Command {
	p := &publication{}
	var to string
	cmd := &cobra.Command{
		Use:   "rollback polaris://NAMESPACE/GROUP/FILE [--to-release NAME] [--plan]",
		Short: "an earlier release of a file in the config center into force again",
		Long: "Rollback puts an earlier full release of a file in force again, with the care of publish: the one\n" +
			"before, or that of --to-release. See setctl history. A gray release is ended by setctl publish\n" +
			"--stop-gray; beside one rollback does nothing, unless --stop-gray.",
		Args: arguments(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p.to = args[0]
			if _, err := serverconfig.ParseConfigFile(p.to); err != nil {
				return err
			}
			if err := checkFailOn(p.failOn); err != nil {
				return err
			}
			return p.rollback(cmd, out, to)
		},
	}
	p.addFlags(cmd)
	cmd.Flags().StringVar(&to, "to-release", "", "the release to go back to; without it the one that was in force before")
	return cmd
}

// rollback puts an earlier release in force again.
func (p *publication) rollback(cmd *cobra.Command, out *output, to string) error {
	p.force = true // it was in force: the guard is overruled, and the plan says what is lost
	if err := p.readCenter(); err != nil {
		return err
	}
	var h release.History
	if err := p.server.get("configfile/history", url.Values{"name": {p.to}}, &h); err != nil {
		return err
	}
	released := p.center.file.Released
	if released == nil {
		return failure{fmt.Errorf("%s: nothing is published in full, there is nothing to go back from", p.to)}
	}
	to = cmp.Or(to, before(h, released.Release))
	switch {
	case to == "":
		return failure{fmt.Errorf("%s: no full release was in force before %q, see setctl history", p.to, released.Release.Name)}
	case to == released.Release.Name:
		return failure{fmt.Errorf("%s: release %q is in force, nothing was changed", p.to, to)}
	}
	var earlier release.Released
	if err := p.server.get("configfile/release", url.Values{"name": {p.to}, "release": {to}}, &earlier); err != nil {
		return err
	}
	p.result.Release = to
	if err := p.compare(strict.File{Name: p.to, Data: []byte(earlier.Content)}); err != nil {
		return err
	}
	if gray := p.center.file.Gray; gray != nil && !p.stopGray {
		p.refuse("the gray release %q is active: end it with --stop-gray", gray.Name)
	}
	return p.finish(cmd, out, p.act(func() (published release.Published, err error) {
		err = p.server.post(p.center, "configfile/rollback", p.to, release.Switch{Base: released.Md5, Release: to}, &published)
		return published, err
	}))
}

// before returns the name of the full release that was in force before another.
func before(h release.History, inForce release.Release) string {
	for _, e := range h.Releases { // the last to be put in force first
		if e.Release.Type == release.TypeFull && e.Release.Version < inForce.Version {
			return e.Release.Name
		}
	}
	return ""
}

// historyResult is the output of `setctl history`.
type historyResult struct {
	release.History
	// InForce has the addresses of the nodes that have a release in force, by its tag.
	InForce map[string][]string `json:"inForce"`
	// Silent are the nodes that do not say what they have, with the reason.
	Silent map[string]string `json:"silent"`
}

// newHistory returns the command `setctl history`.
func newHistory(out *output) *cobra.Command {
	var server remote
	cmd := &cobra.Command{
		Use:   "history polaris://NAMESPACE/GROUP/FILE",
		Short: "what was released of a file in the config center, by whom, and what is in force where",
		Args:  arguments(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := serverconfig.ParseConfigFile(args[0]); err != nil {
				return err
			}
			result := historyResult{InForce: map[string][]string{}, Silent: map[string]string{}}
			if err := server.get("configfile/history", url.Values{"name": {args[0]}}, &result.History); err != nil {
				return err
			}
			all, err := server.nodes()
			if err != nil {
				return err
			}
			if all == nil {
				return failure{errors.New("the server is older than this setctl, and does not tell what the nodes have in force")}
			}
			for _, n := range all.Nodes {
				if n.Summary == nil {
					result.Silent[n.Address] = n.Problem
					continue
				}
				for _, f := range n.Summary.Files {
					for _, tag := range f.Releases {
						result.InForce[tag] = append(result.InForce[tag], n.Address)
					}
				}
			}
			return out.write(cmd.OutOrStdout(), result, result.text)
		},
	}
	addServerFlags(cmd, &server)
	return cmd
}

// text writes the history for people.
func (h historyResult) text(w io.Writer) {
	fmt.Fprintf(w, "%s: %s\n", h.Name, count(len(h.Releases), "release"))
	t := table.New(w)
	for _, e := range h.Releases {
		fmt.Fprintf(t, "  %s\t%s\tversion %d\t%s\tby %s\t%s\t%s\n", explain.Plain(e.Release.Name), e.Release.Type, e.Release.Version,
			e.Release.PublishedAt.Format(time.RFC3339), explain.Plain(cmp.Or(e.CreatedBy, "-")), h.where(e), explain.Plain(e.Description))
	}
	t.Flush()
	for _, address := range slices.Sorted(maps.Keys(h.Silent)) {
		fmt.Fprintf(w, "  %s does not say what it has in force: it %s\n", explain.Plain(address), printable(h.Silent[address]))
	}
	fmt.Fprintf(w, "\nwhat was done\n")
	for _, e := range h.Events {
		fmt.Fprintf(t, "  %s\t%s\t%s\tby %s\t%s\n", e.At.Format(time.RFC3339), e.What, explain.Plain(e.Release), explain.Plain(cmp.Or(e.By, "-")), explain.Plain(e.Why))
	}
	t.Flush()
}

// where says on which nodes a release is in force.
func (h historyResult) where(e release.Entry) string {
	nodes := h.InForce[e.Tag]
	switch {
	case len(nodes) > 0:
		return "IN FORCE on " + strings.Join(nodes, " ")
	case e.Active && len(e.Gray) > 0:
		return "released for " + strings.Join(e.Gray, " ") + ", IN FORCE on no node"
	case e.Active:
		return "released, IN FORCE on no node"
	}
	return ""
}
