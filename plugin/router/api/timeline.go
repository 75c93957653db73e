package api

import (
	"time"

	"github.com/polaris-contrib/setrouter/internal/events"
)

// Timeline is what happened in the last hour on all nodes, the newest first.
type Timeline struct {
	Now time.Time `json:"now"`
	// Since is the moment before which nothing is known of the node that was asked.
	Since  time.Time `json:"since"`
	Events []Event   `json:"events"`
	More   int       `json:"more"`  // older events that are not listed
	Notes  []string  `json:"notes"` // of which nodes these are not the events, and why
}

// Event is an event on the timeline, or several that are told as one.
type Event struct {
	events.Event
	Until *time.Time `json:"until,omitempty"` // of the last of several
	Nodes []string   `json:"nodes"`           // addresses of the nodes that tell it
	// Services and Callers are the first that an event is about.
	Services     []string `json:"services"`
	MoreServices int      `json:"moreServices"`
	Callers      []string `json:"callers"`
	MoreCallers  int      `json:"moreCallers"`
}
