//go:build clients

package main

import "testing"

// TestClientsJavaVersions runs the rows of TestClientsJava with the versions of
// polaris-java that make test leaves out: the last before 2.0, and the newest. The
// newest asks with the revision that is on its disk.
func TestClientsJavaVersions(t *testing.T) {
	for _, version := range []string{"1.15.7", "2.1.1.0"} {
		t.Run(version, func(t *testing.T) { runJava(t, version) })
	}
}
