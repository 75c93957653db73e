package buildinfo

import (
	"runtime/debug"
	"testing"
)

// A package belongs to the innermost module whose path its own begins with, word
// for word.
func TestModuleOf(t *testing.T) {
	modules := []*debug.Module{{Path: "example.com/a"}, {Path: "example.com/a/b"}, {Path: "example.com/ab"}}
	for path, want := range map[string]string{
		"example.com/a":      "example.com/a",
		"example.com/a/c":    "example.com/a",
		"example.com/a/b":    "example.com/a/b",
		"example.com/a/b/c":  "example.com/a/b",
		"example.com/a/bc":   "example.com/a",
		"example.com/abc":    "",
		"example.com/ab/x/y": "example.com/ab",
		"time":               "",
	} {
		if got := moduleOf(path, modules); got != want {
			t.Errorf("%q is in module %q, want %q", path, got, want)
		}
	}
}
