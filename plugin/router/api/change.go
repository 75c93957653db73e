package api

import (
	"time"

	"github.com/polaris-contrib/setrouter/plugin/router/explain"
)

// Change is one change of what a kind of caller gets of a service.
type Change struct {
	At      time.Time      `json:"at"`
	Service string         `json:"service"`
	Rule    string         `json:"rule"`
	Kind    string         `json:"kind"` // SET and location routed as
	Why     string         `json:"why"`
	Change  string         `json:"change"` // first, widened, narrowed, emptied, refilled or changed; of a rule in mode shadow shadow, and unknown for a list that is empty as the caller is not known
	Before  *explain.State `json:"before,omitempty"`
	After   explain.State  `json:"after"`
}
