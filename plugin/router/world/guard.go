package world

import (
	"net/netip"
)

// RefusedFiles is why a server would not take files of a kind without force.
type RefusedFiles struct {
	Kind   string `json:"kind"` // mapping or routing
	Reason string `json:"reason"`
}

// Refused returns what the shrink guard of a server in this state would refuse to put
// in force of next, with the given limit in percent. Files that are gone are not looked
// at: the files of next can be elsewhere.
func (w *World) Refused(next *World, percent int) []RefusedFiles {
	out := []RefusedFiles{}
	callers := func(yield func(netip.Addr) bool) {
		for _, seen := range w.Seen {
			if !yield(seen.Addr) {
				return
			}
		}
	}
	if err := w.Table.Losses(next.Table, callers).Check(percent, nil); err != nil {
		out = append(out, RefusedFiles{"mapping", err.Error()})
	}
	if err := w.Rules.Losses(next.Rules).Check(percent, nil); err != nil {
		out = append(out, RefusedFiles{"routing", err.Error()})
	}
	return out
}
