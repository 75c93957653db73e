package main

import (
	"fmt"
	"io"
	"math"

	"github.com/spf13/cobra"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/router/cases"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// testResult is the output of `setctl test`.
type testResult struct {
	Passed   int              `json:"passed"`
	Failed   int              `json:"failed"`
	Tests    []caseResult     `json:"tests"`
	Problems []strict.Problem `json:"problems"` // of the files that could not be used
}

// caseResult is the outcome of one test case.
type caseResult struct {
	File        string   `json:"file"`
	Line        int      `json:"line"`
	Name        string   `json:"name"`
	OK          bool     `json:"ok"`
	Hosts       []string `json:"hosts"`
	Rule        string   `json:"rule"`
	Tier        string   `json:"tier"`
	Level       string   `json:"level"`
	Answer      string   `json:"answer"`
	Why         string   `json:"why"`
	Differences []string `json:"differences,omitempty"`
	Note        string   `json:"note,omitempty"` // why an OK may mean less than it seems to
}

// newTest returns the command `setctl test`.
func newTest(out *output) *cobra.Command {
	return &cobra.Command{
		Use:   "test CASES.yaml...",
		Short: "run routing test cases offline",
		Args:  arguments(1, math.MaxInt),
		RunE: func(cmd *cobra.Command, args []string) error {
			result := test(args)
			if err := out.write(cmd.OutOrStdout(), result, result.text); err != nil {
				return err
			}
			if result.Failed > 0 || len(result.Problems) > 0 {
				return errNotHeld
			}
			return nil
		},
	}
}

// test runs the cases of files.
func test(names []string) testResult {
	t := testResult{Tests: []caseResult{}, Problems: []strict.Problem{}}
	for _, name := range names {
		var problems strict.Problems
		file := cases.Load(name, &problems)
		if file == nil {
			t.Problems = append(t.Problems, problems.List()...)
			continue
		}
		if len(file.Tests) == 0 {
			t.Problems = append(t.Problems, strict.Problem{File: name, Message: "the file has no tests, expected tests: [...]"})
		}
		for _, c := range file.Tests {
			t.add(file, c)
		}
	}
	return t
}

// add runs a case and adds its outcome.
func (t *testResult) add(file *cases.File, c cases.Test) {
	got, differences := file.Run(c)
	result := caseResult{
		File: file.Name, Line: c.Line, Name: c.Name, OK: len(differences) == 0,
		Hosts: cases.Hosts(got), Tier: got.Tier, Level: got.Level,
		Answer: string(got.Answer), Why: got.Why, Differences: differences,
	}
	if got.Rule != nil {
		result.Rule = got.Rule.Name
	}
	result.Note = noteOf(file, c.Service)
	t.Tests = append(t.Tests, result)
	if len(differences) == 0 {
		t.Passed++
		return
	}
	t.Failed++
}

// noteOf returns a note if a service, or what is really read for its name, is not in the
// file of a case: a slip of the pen passes with `want: []`.
func noteOf(file *cases.File, service route.Service) string {
	if !file.HasService(service) {
		return fmt.Sprintf("%s is not in this file: no instance, alias, address, nor under services", service)
	}
	if target, ok := file.MissingTarget(service); ok {
		return fmt.Sprintf("%s, which is read for %s, is not in this file: no instance, nor under services", target, service)
	}
	return ""
}

// text writes the result for people.
func (t testResult) text(w io.Writer) {
	for _, c := range t.Tests {
		verdict := map[bool]string{true: "ok  ", false: "FAIL"}[c.OK]
		fmt.Fprintf(w, "%s  %s:%d: %s\n", verdict, c.File, c.Line, c.Name)
		for _, d := range c.Differences {
			fmt.Fprintf(w, "      %s\n", d)
		}
		if c.Note != "" {
			fmt.Fprintf(w, "      note: %s\n", c.Note)
		}
	}
	for _, p := range t.Problems {
		fmt.Fprintln(w, p)
	}
	fmt.Fprintf(w, "%d passed, %d failed\n", t.Passed, t.Failed)
}
