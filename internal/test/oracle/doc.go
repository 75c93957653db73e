// Package oracle answers as docs/design.md, 3 to 5 says, by plain loops over the
// sentences there: slow, and obviously right. Tests and the soak compare the server with
// the oracle. The package imports nothing of the server's: it has its own types, and
// reads files by itself. It reads well-formed files only; finding faults in files is the
// server's work. It knows no ranges in mapping files, and no `overprovision`. Nothing
// here is safe for concurrent use.
package oracle
