package polaristest

import (
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
)

// Programs are the paths of the programs under test.
type Programs struct {
	Server, Setctl, Consumer string
}

// BuildPrograms builds the programs of the module into a directory. It must be
// called in a package two directories below the module's root.
func BuildPrograms(dir string) (Programs, error) {
	p := Programs{filepath.Join(dir, "polaris-server"), filepath.Join(dir, "setctl"), filepath.Join(dir, "consumer")}
	return p, errors.Join(
		Build(".", p.Server, "../../build/polaris-server"),
		Build(".", p.Setctl, "../../build/setctl"),
		Build("../../scripts/demo/consumer", p.Consumer, "."),
	)
}

// Build builds a program in a directory of its module into binary, an absolute
// path; args are flags of go build, and the package.
func Build(dir, binary string, args ...string) error {
	cmd := exec.Command("go", append([]string{"build", "-o", binary}, args...)...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%v: %w: %s", cmd.Args, err, out)
	}
	return nil
}
