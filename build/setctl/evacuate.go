package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/polaris-contrib/setrouter/internal/atomicfile"
	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// evacuateCommand is a run of `setctl evacuate`: its flags, and what it finds and
// makes on its way.
type evacuateCommand struct {
	server         remote
	file, end      string
	places         map[string]*string // region, zone, campus, set
	duration       time.Duration
	reason, dump   string
	dryRun, anyway bool
	failOn         []string
	before, edited string // the file's text
	entry          route.Evacuation
	others         []route.Evacuation // of the same place, in the file and not over
	center         center
	patience       time.Duration // for the nodes
}

// evacuateResult is the output of `setctl evacuate`.
type evacuateResult struct {
	ID     string `json:"id"`
	File   string `json:"file"`
	Entry  string `json:"entry"`
	Ended  bool   `json:"ended"`
	DryRun bool   `json:"dryRun"`
	// Written is false after a dry run, and where the evacuation was refused.
	Written bool `json:"written"`
	// Refused is why the evacuation is not made without --anyway.
	Refused []string `json:"refused"`
	// Unchecked is why nothing could be compared, with --anyway; empty: all was.
	Unchecked string `json:"unchecked,omitempty"`
	// Instances is how many are in the place. Reach says which callers keep them.
	Instances int          `json:"instances"`
	Reach     *world.Reach `json:"reach,omitempty"`
	Plan      *world.Plan  `json:"plan,omitempty"`
	// NotInForce is why the server does not have what was written into its file; empty: it
	// has it, or nobody asked it.
	NotInForce string `json:"notInForce,omitempty"`
	// Nodes say whether each has the new release in force; none: the file is on this machine.
	Nodes []nodeState `json:"nodes,omitempty"`
	Notes []string    `json:"notes,omitempty"`

	failOn []string
}

// newEvacuate returns the command `setctl evacuate`.
func newEvacuate(out *output) *cobra.Command {
	e := &evacuateCommand{places: map[string]*string{}}
	cmd := &cobra.Command{
		Use:   "evacuate (--zone R/Z | --region R | --campus R/Z/C | --set NAME) --for 30m --reason TEXT [--file F], or --end ID [--file F]",
		Short: "take a place or a SET out, or end that",
		Long: "Evacuate adds an entry to the routing file that has evacuations and nothing else, or takes\n" +
			"one out. The servers that watch the file follow within seconds. Without --file it is the file\n" +
			"in the config center of --server, which is published there for every node, as far as Polaris's\n" +
			"auth lets the user of --polaris-token. First it shows what changes for whom, on the server or in\n" +
			"a dump. It refuses a place without instances, and what would leave callers on dead or evacuated\n" +
			"instances, unless --anyway. --dry-run writes nothing.",
		Args: arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error { return e.run(cmd, out) },
	}
	addServerFlags(cmd, &e.server)
	f := cmd.Flags()
	for key, form := range map[string]string{"region": "R", "zone": "R/Z", "campus": "R/Z/C", "set": "a SET name"} {
		e.places[key] = f.String(key, "", "what to take out: "+form)
	}
	addDuration(cmd, &e.duration, "for", 0, "how long, as 30m or 4h; 168h at most")
	f.StringVar(&e.reason, "reason", "", "why, for those who see it at night")
	f.StringVar(&e.file, "file", "", "the routing file to write, or its name in the config center (polaris://)")
	f.StringVar(&e.end, "end", "", "the id of an evacuation to end, see setctl status")
	f.BoolVar(&e.dryRun, "dry-run", false, "show what would change for whom; write nothing")
	f.BoolVar(&e.anyway, "anyway", false, "also a place without instances, where callers are left on dead or evacuated instances, and where no server says what would change")
	f.StringVar(&e.dump, "dump", "", "a dump in place of a server")
	addDuration(cmd, &e.patience, "wait", 30*time.Second, "how long to wait until the server, or with the config center every node, has it in force")
	addFailOn(cmd, &e.failOn)
	e.center.addFlags(cmd)
	return cmd
}

// run evacuates or ends an evacuation, or shows what that would change.
func (e *evacuateCommand) run(cmd *cobra.Command, out *output) error {
	if err := e.check(time.Now()); err != nil {
		return err
	}
	if err := e.findFile(); err != nil {
		return err
	}
	if err := e.edit(time.Now()); err != nil {
		return err
	}
	result := evacuateResult{ID: e.entry.ID(), File: e.file, Entry: entryText(e.entry), Ended: e.end != "", DryRun: e.dryRun, Refused: []string{}, failOn: e.failOn}
	e.sayOthers(&result)
	failed := false
	if e.end == "" || e.dryRun || len(e.failOn) > 0 {
		if err := e.judge(&result); err != nil {
			return err
		}
		failed = result.Plan != nil && len(result.Plan.Fails(e.failOn)) > 0 || len(result.Refused) > 0 && !e.anyway
	}
	if !e.dryRun && !failed {
		if err := e.write(); err != nil {
			return failure{err}
		}
		result.Written = true
		switch {
		case !e.inCenter():
			result.NotInForce = e.waitForServer(&result)
			failed = result.NotInForce != ""
		case e.center.tag != "":
			w := waiter{server: e.server, tag: e.center.tag, patience: e.patience}
			ok, err := w.wait()
			if err != nil {
				return err
			}
			result.Nodes, result.Notes, failed = w.states, append(result.Notes, w.notes...), !ok
		}
	}
	if err := out.write(cmd.OutOrStdout(), result, result.text); err != nil {
		return err
	}
	if failed {
		return errNotHeld
	}
	return nil
}

// judge compares the state with the same state under the edited file, and says why the
// evacuation is to be refused.
func (e *evacuateCommand) judge(result *evacuateResult) error {
	before, after, err := e.states()
	if err != nil {
		if _, ok := errors.AsType[failure](err); !ok || !e.anyway || e.dryRun {
			return err
		}
		result.Unchecked = err.Error()
		return nil
	}
	plan := world.NewPlan(before, after)
	result.Plan, result.Instances = &plan, before.CountTakenOut(e.entry)
	if e.end != "" {
		return nil
	}
	reach := after.Reach([]route.Evacuation{e.entry})[0]
	result.Reach = &reach
	if result.Instances == 0 {
		text := fmt.Sprintf("no instance is in %s %q", e.entry.Kind(), e.entry.Place())
		if near, ok := before.NearestPlace(e.entry); ok && near != e.entry.Place() {
			text += fmt.Sprintf("; did you mean %q?", near)
		}
		result.Refused = append(result.Refused, text)
	}
	if reach.LeftKinds > 0 {
		result.Refused = append(result.Refused, fmt.Sprintf("%s of callers would be left on evacuated instances", count(reach.LeftKinds, "kind")))
	}
	if dead := plan.Counts[world.ChangeEmpty] + plan.Counts[world.ChangeUnusable]; dead > 0 {
		result.Refused = append(result.Refused, fmt.Sprintf("%s of callers would be left without a usable instance", count(dead, "kind")))
	}
	return nil
}

// check checks the flags, and fills in the entry.
func (e *evacuateCommand) check(now time.Time) error {
	if err := checkFailOn(e.failOn); err != nil {
		return err
	}
	var keys []string
	for key, text := range e.places {
		if *text != "" {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	switch {
	case e.end != "" && len(keys) > 0:
		return fmt.Errorf("--end and --%s are both given, expected one of them", keys[0])
	case e.end != "":
		return nil
	case len(keys) != 1:
		return fmt.Errorf("%d places are given, expected one of --region, --zone, --campus and --set, or --end", len(keys))
	case e.duration <= 0:
		return fmt.Errorf("--for %s does not end in the future, expected as --for 30m", e.duration)
	case e.duration > route.MaxEvacuation:
		return fmt.Errorf("--for %s is more than 7 days", e.duration)
	case e.reason == "":
		return errors.New("no --reason, expected a few words for those who see it at night")
	case !utf8.ValidString(e.reason):
		return fmt.Errorf("--reason %q is not UTF-8 text", e.reason)
	}
	e.entry = route.Evacuation{Until: now.Add(e.duration).Truncate(time.Second), Reason: e.reason}
	key, text := keys[0], *e.places[keys[0]]
	var err error
	if key == "set" {
		e.entry.SET, err = location.ParseSET(text)
	} else {
		e.entry.Location, err = route.ParsePlace(key, text)
	}
	if err != nil {
		return fmt.Errorf("--%s: %w", key, err)
	}
	return nil
}

// edit makes the new text of the file, and checks that the text loads with the
// evacuation, or without the ended one.
func (e *evacuateCommand) edit(now time.Time) error {
	var problems strict.Problems
	file, err := e.read(&problems)
	if err != nil {
		return err
	}
	e.before = string(file.Data)
	old := route.LoadPart(file, now, &problems)
	if old == nil {
		return problems.Err()
	}
	list := old.AllEvacuations()
	defer func() { e.others = e.samePlace(list, now) }()
	if e.end == "" {
		if err := e.checkAlone(file); err != nil {
			return err
		}
		if slices.ContainsFunc(list, func(other route.Evacuation) bool { return other.ID() == e.entry.ID() }) {
			return failure{fmt.Errorf("%s has this evacuation already, as %s", e.file, e.entry.ID())}
		}
		e.edited, err = addEntry(file, entryText(e.entry))
	} else {
		n := slices.IndexFunc(list, func(other route.Evacuation) bool { return other.ID() == e.end })
		if n < 0 {
			return failure{fmt.Errorf("%s has no evacuation %q, see setctl status", e.file, e.end)}
		}
		e.entry = list[n]
		e.edited, err = removeEntry(file, e.entry.Line)
	}
	if err != nil {
		return failure{err}
	}
	rules := route.LoadPart(strict.File{Name: e.file, Data: []byte(e.edited)}, now, &problems)
	if rules == nil {
		return problems.Err()
	}
	contained := slices.ContainsFunc(rules.AllEvacuations(), func(other route.Evacuation) bool { return other.ID() == e.entry.ID() })
	want := len(list) + 1
	if e.end != "" {
		want = len(list) - 1
	}
	if len(rules.AllEvacuations()) != want || contained != (e.end == "") {
		return failure{fmt.Errorf("%s cannot be edited by this command: add or take out the line by hand: %s", e.file, entryText(e.entry))}
	}
	return nil
}

// settling is how long a server may take to have in force what was just written.
const settling = 5 * time.Second

// states returns the state of the server, or of the dump, and the same state under the
// edited file. A server that has not loaded the file yet is asked again.
func (e *evacuateCommand) states() (before, after *world.World, err error) {
	for end := time.Now().Add(settling); ; time.Sleep(settling / 20) {
		if before, err = stateNow(e.server, e.dump); err != nil {
			return nil, nil, err
		}
		n := slices.IndexFunc(before.Routing, func(f strict.File) bool { return string(f.Data) == e.before })
		if n >= 0 {
			after, err = e.withEdited(before, n)
			return before, after, err
		}
		if e.dump != "" || time.Now().After(end) {
			return nil, nil, failure{fmt.Errorf("no routing file in force has the content of %s: is it this server's file, and is it in force? See setctl status", e.file)}
		}
	}
}

// withEdited returns a state with the edited text in the place of a routing file.
func (e *evacuateCommand) withEdited(before *world.World, n int) (*world.World, error) {
	files := slices.Clone(before.Routing)
	files[n].Data = []byte(e.edited)
	var problems strict.Problems
	rules := route.Load(files, time.Now(), &problems)
	if rules == nil {
		return nil, problems.Err()
	}
	after := before.WithFiles(before.Table, rules)
	after.Routing = files
	return after, nil
}

// text writes the result for people.
func (d evacuateResult) text(w io.Writer) {
	if d.Plan != nil {
		d.Plan.Write(w, world.Shown{Limit: world.DefaultLimit, FailOn: d.failOn})
		fmt.Fprintf(w, "\n%s there\n", count(d.Instances, "instance"))
	}
	if d.Reach != nil {
		d.Reach.Text(w, "")
	}
	if d.Unchecked != "" {
		fmt.Fprintf(w, "NOT CHECKED: %s\n", d.Unchecked)
	}
	verdict := "REFUSED without --anyway"
	if d.Written {
		verdict = "ANYWAY"
	}
	for _, why := range d.Refused {
		fmt.Fprintf(w, "%s: %s\n", verdict, why)
	}
	switch {
	case d.DryRun:
		fmt.Fprintf(w, "dry run, %s stays as it is: %s\n", d.File, d.Entry)
	case !d.Written:
		fmt.Fprintf(w, "nothing was written, %s stays as it is: %s\n", d.File, d.Entry)
	case d.NotInForce != "":
		fmt.Fprintf(w, "NOT IN FORCE: %s\nthe change of %s stays in %s: %s\n", d.NotInForce, d.ID, d.File, d.Entry)
	case d.Ended:
		fmt.Fprintf(w, "ended %s in %s: %s\n", d.ID, d.File, d.Entry)
	default:
		fmt.Fprintf(w, "evacuating %s in %s: %s\nend it with: setctl evacuate --end %s --file %s\n", d.ID, d.File, d.Entry, d.ID, d.File)
	}
	for _, n := range d.Nodes {
		n.text(w)
	}
	for _, note := range d.Notes {
		fmt.Fprintf(w, "NOTE  %s\n", note)
	}
}

// replaceFile replaces the text of a file in one step: servers that watch the
// file see the old text or the new one. A symlink stays a symlink.
func replaceFile(name, text string) error {
	target, err := filepath.EvalSymlinks(name)
	if err != nil {
		return err
	}
	info, err := os.Stat(target)
	if err != nil {
		return err
	}
	return atomicfile.Write(target, []byte(text), info.Mode())
}
