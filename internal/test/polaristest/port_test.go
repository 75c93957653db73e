package polaristest

import "testing"

// Servers that start at the same time have ports of their own.
func TestFreePort(t *testing.T) {
	given := map[int]bool{}
	for range 400 { // some 5 would come twice by chance
		port := FreePort()
		if given[port] {
			t.Fatalf("port %d is given twice", port)
		}
		given[port] = true
	}
}
