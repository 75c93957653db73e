// Package dist has the scripts that build a release (RELEASE.md), and their tests.
package dist
