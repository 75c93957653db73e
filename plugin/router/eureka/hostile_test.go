package eureka

import (
	"fmt"
	"strings"
	"testing"
)

// Clients choose namespaces and paths: however many they think of, few answers
// are kept.
func TestMemoIsBounded(t *testing.T) {
	var m memo
	body := []byte(bodies["JSON of applications"].in + strings.Repeat(" ", memoBytes))
	for n := range 100 * memoDocs {
		if _, err := m.parse(body, memoKey{namespace: fmt.Sprint("made-up-", n)}); err != nil {
			t.Fatal(err)
		}
		if len(m.docs) > memoDocs {
			t.Fatalf("%d answers are kept, want %d at most", len(m.docs), memoDocs)
		}
	}
}
