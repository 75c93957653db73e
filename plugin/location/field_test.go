package location

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/strict"
)

// Mappings that operators have written anew, with the callers that a server had.
func TestGuardOfTheField(t *testing.T) {
	load := func(name string) *Table {
		t.Helper()
		data, err := os.ReadFile(filepath.Join("..", "..", "testdata", "field", "guard", name))
		if err != nil {
			t.Fatal(err)
		}
		var problems strict.Problems
		table := LoadMapping([]strict.File{{Name: name, Data: data}}, &problems)
		if err := problems.Err(); err != nil {
			t.Fatal(err)
		}
		return table
	}
	callers := slices.Values([]netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("127.0.0.2")})
	for _, tt := range []struct {
		before, after string
		entries       [2]int
		want          string
	}{
		{"before.yaml", "after.yaml", [2]int{21, 21}, "<nil>"},
		{"before-hosts.yaml", "after-prefix.yaml", [2]int{300, 1}, "<nil>"},
		{"before-big-prefix.yaml", "after-big-prefix.yaml", [2]int{202, 200}, "refused: 2 of 2 callers seen lately would lose their SET, their place or everything (100%), " +
			"as 127.0.0.1 the place of before-big-prefix.yaml:3 (127.0.0.0/8); more than 30% (shrinkGuardPercent) is taken for an accident; if that is meant, setctl reload --force"},
	} {
		before, after := load(tt.before), load(tt.after)
		if got := [2]int{before.Len(), after.Len()}; got != tt.entries {
			t.Errorf("%s: %d entries, want %d", tt.before, got, tt.entries)
		}
		if got := fmt.Sprint(before.Losses(after, callers).Check(30, nil)); got != tt.want {
			t.Errorf("%s to %s: %s\nwant %s", tt.before, tt.after, got, tt.want)
		}
	}
}
