package explain

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Asked is when the caller of an explanation last asked for the service, on all nodes as
// far as they remember.
type Asked struct {
	Since    time.Time  `json:"since"`          // the nodes remember no longer
	Last     *time.Time `json:"last,omitempty"` // nil: not since then
	Requests uint64     `json:"requests"`       // for the service
	Others   []string   `json:"others"`         // services that the caller asked for as well, the first few
	// Notes say which nodes were not asked.
	Notes []string `json:"notes"`
}

// text says that the caller has not asked for the service. Of a caller that has asked it
// says nothing.
func (a *Asked) text(w io.Writer) {
	if a == nil || a.Last != nil {
		return
	}
	since := a.Since.Format(time.RFC3339)
	if len(a.Others) == 0 {
		fmt.Fprintf(w, "this address has asked for nothing here since %s; the nodes remember no longer\n", since)
	} else {
		fmt.Fprintf(w, "this address has not asked for it since %s, but for %s; the nodes remember no longer\n", since, Plain(strings.Join(a.Others, ", ")))
	}
	for _, note := range a.Notes {
		fmt.Fprintf(w, "  %s\n", Plain(note))
	}
}
