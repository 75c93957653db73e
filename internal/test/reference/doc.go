// Package reference has the tests that make docs/reference from the definitions in the
// code: `go test ./internal/test/reference -update` writes the pages.
package reference
