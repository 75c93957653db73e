package observe

import "testing"

func TestSafely(t *testing.T) {
	steps := 0
	for range 2 {
		Safely("a test", func() {
			steps++
			panic("a bug")
		})
	}
	if steps != 2 {
		t.Errorf("%d steps, want 2", steps)
	}
}
