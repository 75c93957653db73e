package needs

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// registry is where a command brings packages from, as the machine's settings of
// the command say.
type registry string

// The registries that tests need.
const (
	RegistryMaven registry = "a Maven repository"
	RegistryPyPI  registry = "PyPI"
	RegistryNPM   registry = "the npm registry"
)

// Downloaded takes the error of a command that brings packages from a registry. If
// there is an error and the registry cannot be reached, the test is skipped. Any
// other error fails the test. So a machine that keeps the packages needs no registry.
func Downloaded(t testing.TB, from registry, err error) {
	t.Helper()
	if err == nil {
		return
	}
	away := from.try()
	if away == nil {
		t.Fatalf("%s can be reached, and yet: %v", from, err)
		return
	}
	t.Logf("%v\n%s cannot be reached: %v", err, from, away)
	skip(t, Skip{Registry: from})
}

// try brings a small package from the registry, past everything that the machine
// keeps, and leaves nothing behind.
func (r registry) try() error {
	dir, err := os.MkdirTemp("", "setrouter-needs-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	command, ok := map[registry]string{
		RegistryMaven: "mvn -q -B -Dmaven.repo.local=" + dir + " org.apache.maven.plugins:maven-dependency-plugin:3.8.1:get -Dartifact=junit:junit:4.13.2:pom -Dtransitive=false",
		RegistryPyPI:  "python3 -m pip download -q --no-cache-dir --no-deps --retries 0 -d " + dir + " grpcio==1.85.3",
		RegistryNPM:   "npm view nacos version --fetch-retries=0 --prefer-online --cache " + dir,
	}[r]
	if !ok {
		return fmt.Errorf("registry %q is not known", string(r))
	}
	words := strings.Fields(command)
	if out, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", command, err, out)
	}
	return nil
}
