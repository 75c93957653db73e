// Package caller says who asks: the address of a caller, what the sources know
// of that address, and which callers asked lately. Address.go reads the address
// from a request, records.go follows what is registered and reported at each
// host, recent.go counts callers.
package caller
