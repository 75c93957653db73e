package polaristest

import "testing"

// Servers that start at the same time have different ports.
func TestFreePort(t *testing.T) {
	seen := map[int]bool{}
	for range 400 { // some 5 would come twice by chance
		port := FreePort()
		if seen[port] {
			t.Fatalf("port %d is given twice", port)
		}
		seen[port] = true
	}
}
