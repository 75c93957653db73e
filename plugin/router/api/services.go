package api

import "time"

// ServiceStates are services and what their callers have now, those in trouble first.
type ServiceStates struct {
	// Counts are the services by the worst state of their callers, one of States, or none
	// if nobody asked lately. They are of all services that the filter lets through.
	Counts  map[string]int `json:"counts"`
	Total   int            `json:"total"`   // services that there are
	Matched int            `json:"matched"` // of these, services that the parameters let through
	Offset  int            `json:"offset"`  // of the first service in the list
	// Services are one page.
	Services []ServiceState `json:"services"`
	Complete bool           `json:"complete"` // as of CallerStates
	Notes    []string       `json:"notes"`
}

// StateNone is the state of a service for which nobody asked lately.
const StateNone = "none"

// ServiceState is a service and what its callers have now.
type ServiceState struct {
	Service   string         `json:"service"` // as asked for
	Rules     []string       `json:"rules"`   // by which its callers are routed
	State     string         `json:"state"`   // the worst of its callers, or none
	States    map[string]int `json:"states"`  // callers by state
	Callers   int            `json:"callers"`
	Kinds     int            `json:"kinds"` // of callers
	Instances int            `json:"instances"`
	Usable    int            `json:"usable"`
	Evacuated int            `json:"evacuated"`
	Last      *time.Time     `json:"last,omitempty"` // when somebody asked
	// Load is the highest load of its roads (docs/design.md, 8), as far as it is known.
	Load *float64 `json:"load,omitempty"`
}
