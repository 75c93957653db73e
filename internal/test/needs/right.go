package needs

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// right is something that root may do, outside of most containers.
type right string

// The rights that tests need.
const (
	RightMount     right = "the right to mount a file system"
	RightNamespace right = "the right to make network namespaces"
)

// try does what the right is about, and undoes it.
func (r right) try() error {
	switch r {
	case RightMount:
		return tryMount()
	case RightNamespace:
		return tryNamespace()
	}
	return fmt.Errorf("right %q is not known", string(r))
}

// tryNamespace makes a namespace with a pair of links in it.
func tryNamespace() error {
	name := fmt.Sprintf("setrouter-needs-%d", os.Getpid())
	defer func() { _ = exec.Command("ip", "netns", "del", name).Run() }()
	for _, args := range []string{"netns add " + name, "-n " + name + " link add v0 type veth peer name v1"} {
		if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
			return fmt.Errorf("ip %s: %w: %s", args, err, out)
		}
	}
	return nil
}
