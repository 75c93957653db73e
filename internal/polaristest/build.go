package polaristest

import (
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
	for _, args := range [][]string{
		{"build", "-o", p.Server, "../../build/polaris-server"},
		{"build", "-o", p.Setctl, "../../build/setctl"},
		{"build", "-C", "../../scripts/demo/consumer", "-o", p.Consumer, "."},
	} {
		if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
			return Programs{}, fmt.Errorf("go %v: %w: %s", args, err, out)
		}
	}
	return p, nil
}
