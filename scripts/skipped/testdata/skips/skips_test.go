// Package skips is what the tests of scripts/skipped run.
package skips

import (
	"os"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/test/needs"
)

func TestRuns(t *testing.T) {}

func TestNeedsRedis(t *testing.T) {
	if path, ok := os.LookupEnv("SKIPS_PATH"); ok {
		t.Setenv("PATH", path)
	}
	needs.Program(t, "redis-server")
}
