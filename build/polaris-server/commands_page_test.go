package main

import (
	"strings"
	"testing"
)

// The page of commands names each command of the server.
func TestCommandsAreOnThePage(t *testing.T) {
	page := repoFile(t, "docs/reference/commands.md")
	for _, c := range newRoot(nil).Commands() {
		if !strings.Contains(page, "`polaris-server "+c.Name()) {
			t.Errorf("docs/reference/commands.md does not name polaris-server %s", c.Name())
		}
	}
}
