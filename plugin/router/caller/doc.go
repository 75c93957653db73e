// Package caller says who asks: the address of a caller, what the sources know of
// that address, and which callers asked lately. The file address.go reads the address
// from a request, records.go follows what is registered and reported at each host
// (hostindex.go), recent.go counts callers. docs/design.md, 4 is the contract.
package caller
