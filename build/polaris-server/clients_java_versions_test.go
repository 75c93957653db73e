//go:build clients

package main

import "testing"

// TestClientsJavaVersions runs the rows of TestClientsJava with the versions of
// polaris-java that make test leaves out. The newest asks with the revision that is
// on its disk.
func TestClientsJavaVersions(t *testing.T) {
	for _, version := range javaVersions {
		if version != polarisJava {
			t.Run(version, func(t *testing.T) { runJava(t, version) })
		}
	}
}
