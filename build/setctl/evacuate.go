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
	dryRun         bool
	failOn         []string
	before, edited string // the file's text
	entry          route.Evacuation
	center         center
}

// evacuateResult is the output of `setctl evacuate`.
type evacuateResult struct {
	ID     string `json:"id"`
	File   string `json:"file"`
	Entry  string `json:"entry"`
	Ended  bool   `json:"ended"`
	DryRun bool   `json:"dryRun"`
	// Instances is how many are in the place, on a dry run.
	Instances int         `json:"instances"`
	Plan      *world.Plan `json:"plan,omitempty"`
}

// newEvacuate returns the command `setctl evacuate`.
func newEvacuate(out *output) *cobra.Command {
	e := &evacuateCommand{places: map[string]*string{}}
	cmd := &cobra.Command{
		Use:   "evacuate (--zone R/Z | --region R | --campus R/Z/C | --set NAME) --for 30m --reason TEXT [--file F], or --end ID [--file F]",
		Short: "take a place or a SET out, or end that",
		Long: "Evacuate adds an entry to a routing file, or takes one out. The servers that watch\n" +
			"the file follow within seconds. Without --file it is the routing file in the config\n" +
			"center of --server, which is published there for every node, as far as Polaris's auth\n" +
			"lets the user of --polaris-token. --dry-run writes nothing and shows what would change\n" +
			"for whom, on a running server or in a dump.",
		Args: arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error { return e.run(cmd, out) },
	}
	addServerFlags(cmd, &e.server)
	f := cmd.Flags()
	for key, form := range map[string]string{"region": "R", "zone": "R/Z", "campus": "R/Z/C", "set": "a SET name"} {
		e.places[key] = f.String(key, "", "what to take out: "+form)
	}
	f.DurationVar(&e.duration, "for", 0, "how long, as 30m or 4h; 168h at most")
	f.StringVar(&e.reason, "reason", "", "why, for those who see it at night")
	f.StringVar(&e.file, "file", "", "the routing file to write, or its name in the config center (polaris://)")
	f.StringVar(&e.end, "end", "", "the id of an evacuation to end, see setctl status")
	f.BoolVar(&e.dryRun, "dry-run", false, "show what would change for whom; write nothing")
	f.StringVar(&e.dump, "dump", "", "with --dry-run, a dump in place of a server")
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
	result := evacuateResult{ID: e.entry.ID(), File: e.file, Entry: entryText(e.entry), Ended: e.end != "", DryRun: e.dryRun}
	if e.dryRun {
		before, err := stateNow(e.server, e.dump)
		if err != nil {
			return err
		}
		plan, err := e.plan(before)
		if err != nil {
			return err
		}
		result.Plan, result.Instances = &plan, before.CountTakenOut(e.entry)
	} else if err := e.write(); err != nil {
		return failure{err}
	}
	if err := out.write(cmd.OutOrStdout(), result, result.text); err != nil || result.Plan == nil {
		return err
	}
	if len(result.Plan.Fails(e.failOn)) > 0 {
		return errNotHeld
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
	if e.end == "" {
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

// plan compares the state before with the same state under the edited file.
func (e *evacuateCommand) plan(before *world.World) (world.Plan, error) {
	files, ok := slices.Clone(before.Routing), false
	for n := range files {
		if string(files[n].Data) == e.before {
			files[n].Data, ok = []byte(e.edited), true
			break
		}
	}
	if !ok {
		return world.Plan{}, failure{fmt.Errorf("no routing file in force has the content of %s: is it this server's file, and is it in force? See setctl status", e.file)}
	}
	var problems strict.Problems
	rules := route.Load(files, time.Now(), &problems)
	if rules == nil {
		return world.Plan{}, problems.Err()
	}
	return world.NewPlan(before, before.WithFiles(before.Table, rules)), nil
}

// text writes the result for people.
func (d evacuateResult) text(w io.Writer) {
	switch {
	case d.DryRun:
		fmt.Fprintf(w, "dry run, %s stays as it is: %s\n", d.File, d.Entry)
		fmt.Fprintf(w, "%s there; those that no rule routes stay in their lists\n\n", count(d.Instances, "instance"))
		d.Plan.Text(w)
	case d.Ended:
		fmt.Fprintf(w, "ended %s in %s: %s\n", d.ID, d.File, d.Entry)
	default:
		fmt.Fprintf(w, "evacuating %s in %s: %s\nsee how many instances are there: setctl status\nend it with: setctl evacuate --end %s --file %s\n", d.ID, d.File, d.Entry, d.ID, d.File)
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
