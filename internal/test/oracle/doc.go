// Package oracle answers as docs/design.md, 3 to 5 says, by plain loops over
// their sentences: slow, and obviously right. Tests and the soak compare the
// server with it. It imports nothing of the server's, types and the reading of
// files included, and reads well-formed files only: faults are the server's to
// find. Nothing here is safe for concurrent use.
package oracle
