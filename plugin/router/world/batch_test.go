package world

import "testing"

// Many kinds of callers make batches small: what is decided at once takes memory.
func TestBatchSize(t *testing.T) {
	for kinds, want := range map[int]int{0: 256, 1: 256, 200: 256, 1_000: 65, 4_000: 16, 100_000: 8} {
		s := Survey{Kinds: make([]Kind, kinds)}
		if got := s.batchSize(); got != want {
			t.Errorf("%d kinds: batches of %d, want %d", kinds, got, want)
		}
	}
}
