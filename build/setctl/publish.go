package main

import (
	"cmp"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/polaris-contrib/setrouter/internal/configcenter/release"
	"github.com/polaris-contrib/setrouter/internal/serverconfig"
	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// publication is a run of `setctl publish` or `setctl rollback`: its flags, and what it
// finds on its way.
type publication struct {
	server   remote
	center   center
	to       string
	gray     []string
	stopGray bool
	planOnly bool
	ifNew    bool // --if-changed: a text that is released already is no fault
	unnamed  bool // --new
	force    bool
	ending   bool // --end-evacuations
	failOn   []string
	release  string
	message  string
	patience time.Duration

	kind   string // of the file
	result publicationResult
}

// publicationResult is the output of `setctl publish` and `setctl rollback`.
type publicationResult struct {
	Name    string   `json:"name"`
	Release string   `json:"release"`        // published, or to be published
	Was     string   `json:"was"`            // the full release before; empty: there was none
	Gray    []string `json:"gray,omitempty"` // the nodes that the release is for
	// Unchanged is true if the text is released already.
	Unchanged bool        `json:"unchanged"`
	Plan      *world.Plan `json:"plan,omitempty"`
	// Ends are the evacuations, in force or to come, that the publication ends.
	Ends []string `json:"ends"`
	// Refused is why nothing was published.
	Refused   []string    `json:"refused"`
	PlanOnly  bool        `json:"planOnly"`
	Published bool        `json:"published"`
	EndedGray string      `json:"endedGray,omitempty"` // the gray release that was ended
	Nodes     []nodeState `json:"nodes"`               // whether each has it in force
	Notes     []string    `json:"notes"`

	failOn []string
}

// newPublish returns the command `setctl publish`.
func newPublish(out *output) *cobra.Command {
	p := &publication{}
	cmd := &cobra.Command{
		Use:   "publish FILE --to polaris://NAMESPACE/GROUP/FILE [--plan] [--gray ADDRESS...], or publish --to NAME --stop-gray",
		Short: "a mapping or routing file into the config center, for every node or some",
		Long: "Publish puts a file into Polaris's config center, and waits until every server node has it in\n" +
			"force. First it compares: it says what changes for whom and what ends, and refuses a file that the\n" +
			"nodes would refuse, and the end of an evacuation. It publishes nothing where somebody else published\n" +
			"or saved in the meantime. With --gray the release is for the server nodes at these addresses alone;\n" +
			"--stop-gray ends the gray release, and without FILE does no more. Exit code 1 where nothing was\n" +
			"published, also because the text is released already, and where a node does not have it.",
		Args: arguments(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error { return p.publish(cmd, out, args) },
	}
	p.addFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&p.to, "to", "", "the name in the config center, as polaris://NAMESPACE/GROUP/FILE")
	f.StringSliceVar(&p.gray, "gray", nil, "the addresses of the server nodes that the release is for, see setctl status; without it: all nodes")
	f.StringVar(&p.release, "release", "", "the name of the release, as a commit; "+release.NameForm)
	f.StringVar(&p.message, "message", "", "the description of the release")
	f.BoolVar(&p.ifNew, "if-changed", false, "exit with 0 where the text is released already, and nothing is to be published")
	f.BoolVar(&p.unnamed, "new", false, "a file that the servers' configuration does not name yet: it is in force nowhere")
	f.BoolVar(&p.force, "force", false, "also what the shrink guard of the nodes would refuse: they are told to take it")
	f.StringVar(&p.center.draftTo, "draft-to", "", "a new local file for what is saved in the console and not published, which this replaces")
	return cmd
}

// addFlags adds the flags that publish and rollback have.
func (p *publication) addFlags(cmd *cobra.Command) {
	addServerFlags(cmd, &p.server)
	addFailOn(cmd, &p.failOn)
	f := cmd.Flags()
	f.BoolVar(&p.planOnly, "plan", false, "show what would change for whom, and what would end; publish nothing")
	f.BoolVar(&p.stopGray, "stop-gray", false, "end the gray release of the file first")
	f.BoolVar(&p.ending, "end-evacuations", false, "also where that ends evacuations that are in force or to come")
	addDuration(cmd, &p.patience, "wait", 30*time.Second, "how long to wait until every node has it in force")
	p.center.addToken(cmd)
}

// publish publishes a file, or only ends a gray release.
func (p *publication) publish(cmd *cobra.Command, out *output, args []string) error {
	if err := p.check(args); err != nil {
		return err
	}
	if err := p.readCenter(); err != nil {
		return err
	}
	if len(args) == 0 {
		return p.finish(cmd, out, p.endGray(true))
	}
	var problems strict.Problems
	file, ok := strict.ReadFile(args[0], &problems)
	if !ok {
		return problems.Err()
	}
	text := string(file.Data)
	if released := p.center.file.Released; released != nil && released.Content == text && (p.center.file.Gray == nil || !p.stopGray) {
		p.result.Unchanged = true
		if !p.ifNew {
			return p.finish(cmd, out, errNotHeld)
		}
		return p.finish(cmd, out, nil)
	}
	if err := p.compare(file); err != nil {
		return err
	}
	if p.center.file.Draft && p.center.draftTo == "" && !p.planOnly {
		p.refuse("what is saved in the console is not published, and this would replace it: publish it there, or keep it in a local file with --draft-to FILE")
	}
	if p.center.file.Gray != nil && !p.stopGray {
		p.refuse("the gray release %q is active, and Polaris publishes nothing beside one: end it with --stop-gray", p.center.file.Gray.Name)
	}
	return p.finish(cmd, out, p.act(func() (release.Published, error) { return p.sendEdit(text) }))
}

// check checks the flags.
func (p *publication) check(args []string) error {
	switch {
	case p.to == "":
		return errors.New("no --to, expected as --to polaris://Polaris/setrouter/routing.yaml")
	case len(args) == 0 && !p.stopGray:
		return errors.New("no FILE, expected the file to publish, or --stop-gray")
	case len(args) == 0 && len(p.gray) > 0:
		return errors.New("--gray without FILE, expected the file to publish")
	case len(args) == 0 && p.planOnly:
		return errors.New("--plan without FILE, expected the file to publish")
	case p.release != "" && !release.IsName(p.release):
		return fmt.Errorf("--release %q is not the name of a release, expected %s", p.release, release.NameForm)
	}
	for _, text := range p.gray {
		if _, err := netip.ParseAddr(text); err != nil {
			return fmt.Errorf("--gray %q is not the address of a server node, see setctl status", text)
		}
	}
	if _, err := serverconfig.ParseConfigFile(p.to); err != nil {
		return err
	}
	return checkFailOn(p.failOn)
}

// readCenter reads what is saved and released, and checks the nodes of a gray release.
func (p *publication) readCenter() error {
	p.result = publicationResult{Name: p.to, Gray: p.gray, Ends: []string{}, Refused: []string{}, Nodes: []nodeState{}, Notes: []string{}, PlanOnly: p.planOnly, failOn: p.failOn}
	err := p.server.get("configfile", url.Values{"name": {p.to}}, &p.center.file)
	if fault, ok := errors.AsType[refusal](err); ok && fault.status == http.StatusNotFound && (p.unnamed || strings.Contains(fault.Error(), "nothing is saved under this name")) {
		err = nil
	}
	if err != nil {
		return err
	}
	if released := p.center.file.Released; released != nil {
		p.result.Was = released.Release.Name
	}
	if len(p.gray) == 0 {
		return nil
	}
	all, err := p.server.nodes()
	if err != nil || all == nil {
		return err
	}
	var hosts []string
	for _, n := range all.Nodes {
		hosts = append(hosts, hostOf(n.Address))
	}
	for _, address := range p.gray {
		if !slices.Contains(hosts, address) {
			return failure{fmt.Errorf("--gray %s is no server node; the nodes are %s", address, strings.Join(hosts, " "))}
		}
	}
	return nil
}

func hostOf(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return host
}

// refuse notes why nothing is published.
func (p *publication) refuse(format string, args ...any) {
	p.result.Refused = append(p.result.Refused, fmt.Sprintf(format, args...))
}

// act ends the gray release, if it is to be ended, publishes, and waits for the nodes; or
// does nothing, where something was refused or only a plan is wanted.
func (p *publication) act(publish func() (release.Published, error)) error {
	switch {
	case len(p.result.Refused) > 0 || p.result.Plan != nil && len(p.result.Plan.Fails(p.failOn)) > 0:
		return errNotHeld
	case p.planOnly:
		return nil
	}
	if p.stopGray {
		if err := p.endGray(false); err != nil {
			return err
		}
	}
	published, err := publish()
	if err != nil {
		return err
	}
	p.result.Published, p.result.Release = true, published.Release
	if p.unnamed {
		p.result.Notes = append(p.result.Notes, "no node has it in force before its configuration names it")
		return nil
	}
	return p.wait(published.Tag)
}

// endGray ends the gray release. With wait it waits until the nodes have the full one.
func (p *publication) endGray(wait bool) error {
	gray := p.center.file.Gray
	switch {
	case gray == nil && wait:
		return failure{fmt.Errorf("%s: no gray release is active, nothing was ended", p.to)}
	case gray == nil:
		p.result.Notes = append(p.result.Notes, "no gray release was active")
		return nil
	}
	var ended release.Published
	if err := p.server.post(p.center, "configfile/stop-gray", p.to, release.Switch{Release: gray.Name}, &ended); err != nil {
		return err
	}
	p.result.EndedGray = gray.Name
	if !wait {
		return nil
	}
	if ended.Tag == "" {
		p.result.Notes = append(p.result.Notes, "no full release is published")
		return nil
	}
	p.gray = nil
	return p.wait(ended.Tag)
}

// sendEdit publishes a text.
func (p *publication) sendEdit(text string) (published release.Published, err error) {
	sum := md5.Sum([]byte(text))
	edit := release.Edit{
		Content: text, Gray: p.gray, New: p.unnamed, Description: cut(p.message, maxDescription),
		// Names of releases are unique: under a name that exists, the config center would put the content of that release in force again.
		Release: cmp.Or(p.release, fmt.Sprintf("setctl-%s-%s", time.Now().UTC().Format("20060102T150405Z"), hex.EncodeToString(sum[:])[:6])),
	}
	if released := p.center.file.Released; released != nil {
		edit.Base = released.Md5
	}
	if p.center.file.Draft {
		edit.Draft = p.center.file.Md5
		if err := keepDraft(p.center.draftTo, p.center.file.Content); err != nil {
			return published, failure{fmt.Errorf("the draft cannot be kept, nothing was published: %w", err)}
		}
	}
	err = p.server.post(p.center, "configfile", p.to, edit, &published)
	return published, err
}

// cut returns at most so many characters of a text.
func cut(text string, most int) string {
	runes := []rune(text)
	return string(runes[:min(len(runes), most)])
}

// finish writes the result, and returns the error. An error that is none of the result is
// printed alone, unless something was published before.
func (p *publication) finish(cmd *cobra.Command, out *output, err error) error {
	if err != nil && !errors.Is(err, errNotHeld) && !p.result.Published && p.result.EndedGray == "" {
		return err
	}
	if writeErr := out.write(cmd.OutOrStdout(), p.result, p.result.text); writeErr != nil {
		return writeErr
	}
	return err
}

// text writes the result for people.
func (r publicationResult) text(w io.Writer) {
	if r.Unchanged {
		fmt.Fprintf(w, "%s has this text already, as release %q: nothing was published\n", r.Name, r.Was)
		return
	}
	if r.Plan != nil {
		r.Plan.Write(w, world.Shown{Limit: world.DefaultLimit, FailOn: r.failOn, Hint: ": see -o json"})
		fmt.Fprintln(w)
	}
	for _, text := range r.Ends {
		fmt.Fprintf(w, "ENDS evacuation %s\n", text)
	}
	for _, why := range r.Refused {
		fmt.Fprintf(w, "REFUSED: %s\n", why)
	}
	if r.EndedGray != "" {
		fmt.Fprintf(w, "ended gray release %q of %s\n", r.EndedGray, r.Name)
	}
	switch {
	case r.Published && len(r.Gray) > 0:
		fmt.Fprintf(w, "published %s as gray release %q, for %s\n", r.Name, r.Release, strings.Join(r.Gray, " "))
	case r.Published && r.Was == "":
		fmt.Fprintf(w, "published %s as release %q, its first\n", r.Name, r.Release)
	case r.Published:
		fmt.Fprintf(w, "published %s as release %q; before it was %q\n", r.Name, r.Release, r.Was)
	case r.EndedGray == "":
		fmt.Fprintf(w, "nothing was published, %s stays as it is\n", r.Name)
	}
	for _, n := range r.Nodes {
		n.text(w)
	}
	for _, note := range r.Notes {
		fmt.Fprintf(w, "NOTE  %s\n", note)
	}
}

// wait waits until every node has a release in force.
func (p *publication) wait(tag string) error {
	if tag == "" {
		p.result.Notes = append(p.result.Notes, "the server cannot read the release: see setctl status")
		return errNotHeld
	}
	w := waiter{server: p.server, tag: tag, gray: p.gray, patience: p.patience}
	if p.force {
		w.kind = p.kind
	}
	ok, err := w.wait()
	p.result.Nodes, p.result.Notes = w.states, append(p.result.Notes, w.notes...)
	if err == nil && !ok {
		err = errNotHeld
	}
	return err
}

// has reports whether a node has a release in force.
func has(s *api.Summary, tag string) bool {
	return slices.ContainsFunc(s.Files, func(f api.NodeFiles) bool { return slices.Contains(f.Releases, tag) })
}
