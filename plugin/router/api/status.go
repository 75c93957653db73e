// Package api has the types of the admin listener's answers. Their JSON is that of
// docs/openapi.yaml; the listener writes it, setctl reads it. The answers to
// explain, who and plan are in packages explain and world.
package api

import (
	"time"

	"github.com/polaris-contrib/setrouter/internal/configcenter/release"
	"github.com/polaris-contrib/setrouter/internal/sources"
	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// Status is the state of the pack on this node. Its JSON is that of the admin
// listener and of `setctl status -o json`.
type Status struct {
	Now     time.Time `json:"now"`
	Started time.Time `json:"started"`
	// Health is what is degraded now, over all nodes.
	Health   Health    `json:"health"`
	Backing  []Backing `json:"backing"` // of this node
	Files    []Files   `json:"files"`   // mapping and routing
	FailOpen bool      `json:"failOpen"`
	// ShrinkGuardPercent is how much a reload may lose without force.
	ShrinkGuardPercent int          `json:"shrinkGuardPercent"`
	Rules              []RuleStatus `json:"rules"`
	Evacuations        []Evacuation `json:"evacuations"`
	Protocols          []Protocol   `json:"protocols"`
	// Warnings are what `setctl check` would say of the files in force, and what is
	// remarkable about the lists that callers get.
	Warnings []strict.Problem `json:"warnings"`
	Callers  Callers          `json:"callers"`
	// State is what callers have now.
	State CallerStates `json:"state"`
	// Load is what roads carry now.
	Load  LoadStatus  `json:"load"`
	Drift DriftStatus `json:"drift"`
	// SeveralSETs are the addresses whose callers have several SETs.
	SeveralSETs SeveralSETs `json:"severalSets"`
	// Unknown are the callers seen lately of whose SET nothing is known.
	Unknown UnknownCallers `json:"unknown"`
	// Kubernetes is that of the source kubernetes, nil where it is not configured.
	Kubernetes *sources.Status `json:"kubernetes,omitempty"`
}

// Files are the files of a kind: mapping or routing.
type Files struct {
	Kind     string    `json:"kind"`
	Names    []string  `json:"names"`
	Entries  int       `json:"entries"`
	LoadedAt time.Time `json:"loadedAt"` // what is in force
	TriedAt  time.Time `json:"triedAt"`
	// Problems are why the files on disk are refused; empty: they are in force.
	Problems []string `json:"problems"`
	// Copy is set while what is in force of the config center, or of files over HTTP, is
	// that of the copy on disk.
	Copy *time.Time `json:"copy,omitempty"`
	// CopyProblem is why there is no copy on disk, or none of use.
	CopyProblem string `json:"copyProblem,omitempty"`
	// Releases are those of the config center in force on this node.
	Releases []release.Release `json:"releases"`
	// Fetches say how far each address was fetched; empty: no file is over HTTP.
	Fetches []Fetch `json:"fetches"`
}

// Fetch is an address from which files are fetched.
type Fetch struct {
	Address string `json:"address"` // without its query
	// FetchedAt is when the address answered last with its text, or that the text is as
	// before; nil: it never did.
	FetchedAt *time.Time `json:"fetchedAt,omitempty"`
	// Problem is why the last try failed; empty: it did not.
	Problem string `json:"problem,omitempty"`
}

// RuleStatus is a rule or lane address in force.
type RuleStatus struct {
	Name    string  `json:"name"`
	File    string  `json:"file"`
	Line    int     `json:"line"`
	Mode    string  `json:"mode"`
	Percent float64 `json:"percent"`
	By      string  `json:"by"`               // caller or weight
	Target  string  `json:"target,omitempty"` // of a lane address
}

// Evacuation is one of a routing file.
type Evacuation struct {
	ID    string `json:"id"`
	Kind  string `json:"kind"`
	Place string `json:"place"`
	// From is when the evacuation begins; nil: it has no beginning in the file.
	From    *time.Time `json:"from,omitempty"`
	Until   time.Time  `json:"until"`
	Reason  string     `json:"reason"`
	InForce bool       `json:"inForce"`
	File    string     `json:"file"`
	Line    int        `json:"line"`
	// Instances is how many are there; none may mean a slip in the name.
	Instances int `json:"instances"`
	// Reach says which callers keep these instances.
	Reach world.Reach `json:"reach"`
}

// Protocol is a listener by which clients discover instances.
type Protocol struct {
	Name   string `json:"name"`
	Routed bool   `json:"routed"`
}

// Callers are those that asked in the last minutes.
type Callers struct {
	Seen     int    `json:"seen"`
	Requests uint64 `json:"requests"`
	// Unmapped are those that no mapping entry knows, the first of them below.
	Unmapped int              `json:"unmapped"`
	Share    float64          `json:"unmappedShare"` // of the requests
	First    []world.Stranger `json:"firstUnmapped"`
	// Untold are the requests whose caller cannot be told, by peer and reason: those
	// with the most first.
	Untold []explain.Untold `json:"untold"`
}

// DriftStatus counts instances that registered otherwise than the mapping says.
type DriftStatus struct {
	Count int           `json:"count"`
	First []world.Drift `json:"first"`
}

// SeveralSETs counts the addresses whose callers have several SETs: instances with
// different SETs are registered there.
type SeveralSETs struct {
	Count int             `json:"count"`
	First []world.Several `json:"first"`
}

// UnknownCallers counts the callers of whose SET nothing is known, and who asked lately
// for services whose instances have SETs.
type UnknownCallers struct {
	Callers  int `json:"callers"`
	Services int `json:"services"`
	// First are the first callers with the services that each of them asked for, those
	// who get every business before the others.
	First []world.Unknown `json:"first"`
}

// Reloaded is the outcome of a reload of files of a kind.
type Reloaded struct {
	Kind     string   `json:"kind"`
	OK       bool     `json:"ok"`
	Entries  int      `json:"entries"` // in force now
	Problems []string `json:"problems"`
}

// Error is an error of the listener. Code is unauthorized, bad-request,
// not-found, refused, conflict or internal.
type Error struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}
