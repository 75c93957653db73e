// Command setctl is for operators of SET routing: it checks mapping and routing
// files, tests rules and plans changes before they are in force, and asks a
// running server why callers get what they get.
//
// It exits with 0 on success, 1 when what it checked does not hold, and 2 on
// wrong usage.
package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/polaris-contrib/setrouter/internal/buildinfo"
	"github.com/polaris-contrib/setrouter/internal/chinese"
	"github.com/polaris-contrib/setrouter/internal/strict"
)

// errNotHeld ends a command with exit code 1. The command has printed its result
// already, and what the command checked does not hold.
var errNotHeld = errors.New("does not hold")

func main() {
	debug.SetGCPercent(400) // a command is short, and plan and drill make much garbage
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run runs a command line and returns its exit code.
func run(args []string, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.Execute()
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errNotHeld):
		return 1
	}
	if chinese.Wanted() {
		stderr = chinese.NewWriter(stderr)
	}
	fmt.Fprintf(stderr, "setctl: %v\n", err)
	if _, ok := errors.AsType[strict.Error](err); ok {
		return 1
	}
	if _, ok := errors.AsType[failure](err); ok {
		return 1
	}
	return 2
}

// output is the flag -o of every command.
type output struct {
	format string
	file   string // to write JSON to, beside the text; empty: none
}

// writesFile is the annotation of commands of which -o can be a file.
const writesFile = "setrouter/writes-file"

// check checks the flag. For commands that write files, a text with a dot or a slash is
// a file.
func (o *output) check(cmd *cobra.Command) error {
	_, ok := cmd.Annotations[writesFile]
	switch {
	case o.format == "text" || o.format == "json":
		return nil
	case ok && strings.ContainsAny(o.format, "./"):
		o.format, o.file = "text", o.format
		return nil
	case ok:
		return fmt.Errorf("-o %q is not an output, expected text, json or a file, as plan.json", o.format)
	}
	return fmt.Errorf("-o %q is not an output, expected text or json", o.format)
}

// newRoot returns the command `setctl` with all commands.
func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "setctl",
		Short:         "check, test, plan, explain and operate SET routing",
		Version:       buildinfo.Version(buildinfo.SetRouter),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noCommand,
		RunE:          func(*cobra.Command, []string) error { return errors.New("no command; see setctl --help") },
	}
	out := &output{}
	root.PersistentFlags().StringVarP(&out.format, "output", "o", "text", "text or json; of plan also a file, as plan.json, for JSON beside the text")
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error { return out.check(cmd) }
	root.AddCommand(newCheck(out), newLookup(out), newTest(out), newImport(out),
		newExplain(out), newWho(out), newPlan(out), newDrill(out), newDump(out), newStatus(out), newCallers(out), newReload(out), newEvacuate(out), newPublish(out), newRollback(out), newHistory(out), newVersion(out))
	addCompletion(root)
	addExamples(root)
	return root
}

// newVersion returns the command `setctl version`.
func newVersion(out *output) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "the version of this program",
		Args:  arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			version := struct {
				Version string `json:"version"`
			}{buildinfo.Version(buildinfo.SetRouter)}
			return out.write(cmd.OutOrStdout(), version, func(w io.Writer) { fmt.Fprintf(w, "setctl version %s\n", version.Version) })
		},
	}
}

// write prints v as JSON, or calls text to print it for people.
func (o *output) write(w io.Writer, v any, text func(io.Writer)) error {
	if o.file != "" {
		if err := o.writeFile(v); err != nil {
			return failure{err}
		}
	}
	if o.format != "json" {
		if chinese.Wanted() {
			w = chinese.NewWriter(w)
		}
		text(w)
		return nil
	}
	return writeJSON(w, v)
}

// writeFile writes v as JSON to the file of the flag.
func (o *output) writeFile(v any) error {
	f, err := os.Create(o.file)
	if err != nil {
		return err
	}
	buffered := bufio.NewWriter(f)
	err = cmp.Or(writeJSON(buffered, v), buffered.Flush())
	return cmp.Or(err, f.Close())
}

// writeJSON prints v as JSON.
func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// noCommand returns an error for a word that is no command, which names the commands.
func noCommand(root *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, c := range root.Commands() {
		names = append(names, c.Name())
	}
	if near, ok := strict.Nearest(args[0], names); ok {
		return fmt.Errorf("%q is no command; did you mean %q?", args[0], near)
	}
	return fmt.Errorf("%q is no command, expected one of %s", args[0], strings.Join(names, ", "))
}

// arguments checks the number of arguments. One argument too many is most often a glob
// after a flag, that the shell has resolved.
func arguments(least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return fmt.Errorf("an argument is missing, expected setctl %s", cmd.Use)
		case len(args) > most && cmd.Flags().Lookup("mapping") != nil:
			return fmt.Errorf("%q is one argument too many, expected globs in quotes, as --mapping 'conf/mapping/*'", args[most])
		case len(args) > most:
			return fmt.Errorf("%q is one argument too many, expected setctl %s", args[most], cmd.Use)
		}
		return nil
	}
}

// readFiles reads the files of names and globs in the order of their names. The server
// reads them in the same order, which is the order of the rules. Files that cannot be
// read go to problems.
func readFiles(names []string, problems *strict.Problems) []strict.File {
	var all []string
	for _, name := range names {
		matches, err := filepath.Glob(name)
		if err != nil || len(matches) == 0 {
			matches = []string{name} // reading the file says what is wrong
		}
		all = append(all, matches...)
	}
	slices.Sort(all)
	var out []strict.File
	for _, name := range slices.Compact(all) {
		if file, ok := strict.ReadFile(name, problems); ok {
			out = append(out, file)
		}
	}
	return out
}
