package setrouter

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/test/needs"
)

// make help has every target, but for the default one.
func TestMakeHelp(t *testing.T) {
	needs.Program(t, "make")
	out, err := exec.Command("make", "help").Output()
	if err != nil {
		t.Fatal(err)
	}
	targets := regexp.MustCompile(`(?m)^\.PHONY: all (.*)$`).FindStringSubmatch(read(t, "Makefile"))
	if targets == nil {
		t.Fatal("the Makefile does not list its targets")
	}
	for target := range strings.FieldsSeq(targets[1]) {
		if !regexp.MustCompile(`(?m)^` + target + ` +\S`).Match(out) {
			t.Errorf("make help has no %s: %s", target, out)
		}
	}
}
