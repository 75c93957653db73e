// Command skipped runs a command that runs tests, and says after it which tests
// were skipped for want of a program or a right:
//
//	go run ./scripts/skipped go test ./...
//
// It fails if the command does, and if a test was skipped for want of what is
// there.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/polaris-contrib/setrouter/internal/test/needs"
)

func main() {
	code, err := run(os.Args[1:], os.Stdout, os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// run returns the exit code of the command.
func run(command []string, stdout, stderr io.Writer) (code int, err error) {
	if len(command) == 0 {
		return 0, errors.New("no command, expected as: skipped go test ./")
	}
	dir, err := os.MkdirTemp("", "setrouter-skipped-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	list := filepath.Join(dir, "list")
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = append(os.Environ(), needs.Variable+"="+list)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, stdout, stderr
	err = cmd.Run()
	if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		return 0, err
	}
	report, err := needs.Report(list)
	fmt.Fprint(stdout, "\n", report)
	return cmd.ProcessState.ExitCode(), err
}
