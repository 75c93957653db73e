package buildinfo

import (
	"testing"
	"unicode/utf8"
)

func TestRegistered(t *testing.T) {
	for _, tt := range []struct{ name, version, want string }{
		{"no stamp", "v1.18.1+setrouter.devel", "v1.18.1+setrouter.devel"},
		{"git describe, no tag", "v1.18.1+setrouter.00ae172", "v1.18.1+setrouter.00ae172"},
		{"git describe, no tag, changed files", "v1.18.1+setrouter.00ae172-dirty", "v1.18.1+setrouter.00ae172-dirty"},
		{"git describe, whole commit", "v1.18.1+setrouter.00ae1725ee31b2c3d4e5f60718293a4b5c6d7e8f", "v1.18.1+setrouter.00ae1725ee31b2"},
		{"git describe, whole commit, changed files", "v1.18.1+setrouter.00ae1725ee31b2c3d4e5f60718293a4b5c6d7e8f-dirty", "v1.18.1+setrouter.00ae1725-dirty"},
		{"a tag", "v1.18.1+setrouter.v0.9.0", "v1.18.1+setrouter.v0.9.0"},
		{"a tag, changed files", "v1.18.1+setrouter.v0.9.0-dirty", "v1.18.1+setrouter.v0.9.0-dirty"},
		{"git describe after a tag", "v1.18.1+setrouter.v0.9.0-1-g00ae172", "v1.18.1+setrouter.00ae172"},
		{"git describe after a tag, changed files", "v1.18.1+setrouter.v0.9.0-1-g00ae172-dirty", "v1.18.1+setrouter.00ae172-dirty"},
		{"git describe after a tag with a name", "v1.18.1+setrouter.release-2026-11-12-g00ae172", "v1.18.1+setrouter.00ae172"},
		{"pseudo-version", "v1.18.1+setrouter.v0.0.0-20261125235853-00ae1725ee31", "v1.18.1+setrouter.00ae1725ee31"},
		{"pseudo-version, changed files", "v1.18.1+setrouter.v0.0.0-20261125235853-00ae1725ee31+dirty", "v1.18.1+setrouter.00ae1725-dirty"},
		{"pseudo-version after a tag", "v1.18.1+setrouter.v0.9.1-0.20261125235853-00ae1725ee31", "v1.18.1+setrouter.00ae1725ee31"},
		{"pseudo-version after a release candidate", "v1.18.1+setrouter.v0.9.0-rc.1.0.20261125235853-00ae1725ee31+dirty", "v1.18.1+setrouter.00ae1725-dirty"},
		{"a long tag", "v1.18.1+setrouter.v0.9.0-the-long-awaited", "v1.18.1+setrouter.v0.9.0-the-lon"},
		{"a long tag of other letters", "v1.18.1+setrouter.发布发布发布发布发布发布发布发布", "v1.18.1+setrouter.发布发布发布发布发布发布发布"},
		{"a long Polaris", "v1.18.2-0.20261125235853-0123456789ab+setrouter.00ae172-dirty", "v1.18.2-0.20261125235853-0123456"},
		{"a stamp of Polaris's own", "v1.18.1-of-the-house-with-the-long-name", "v1.18.1-of-the-house-with-the-lo"},
		{"just as long as can be", "v1.18.1+setrouter.v0.9.0-rc.1234", "v1.18.1+setrouter.v0.9.0-rc.1234"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := Registered(tt.version)
			if got != tt.want {
				t.Errorf("%q is registered as %q, want %q", tt.version, got, tt.want)
			}
			if n := utf8.RuneCountInString(got); n > 32 {
				t.Errorf("%q has %d characters, and Polaris takes 32", got, n)
			}
		})
	}
}
