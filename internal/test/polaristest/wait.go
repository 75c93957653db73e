package polaristest

import "time"

// Patience is how long tests wait for what should be there in a moment: a
// machine of two cores may compile meanwhile.
const Patience = 2 * time.Minute

// T is what Wait needs of a *testing.T.
type T interface {
	Helper()
	Fatal(...any)
}

// Wait calls done again and again until it returns nil. After Patience the test
// fails with its last error.
func Wait(t T, done func() error) {
	t.Helper()
	for deadline := time.Now().Add(Patience); ; time.Sleep(20 * time.Millisecond) {
		err := done()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}
