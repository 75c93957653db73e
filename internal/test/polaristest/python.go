package polaristest

import (
	"fmt"
	"os/exec"
	"path/filepath"
)

// Python makes a virtual environment in dir with the packages of a file for pip, and
// returns the environment's directory of programs, which has python. Tests ask for
// needs.PythonVenv before, and give the error to needs.Downloaded.
func Python(dir, requirements string) (bin string, err error) {
	bin = filepath.Join(dir, "bin")
	for _, command := range [][]string{
		{"python3", "-m", "venv", dir},
		{filepath.Join(bin, "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", requirements},
	} {
		if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
			return "", fmt.Errorf("%v: %w\n%s", command, err, out)
		}
	}
	return bin, nil
}
