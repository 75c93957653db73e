package api

import (
	"net/netip"
	"time"
)

// Matrix says from which instances callers are served: kinds of callers as rows, by
// places and SETs of instances as columns. A caller counts for each service that it asked
// for, as in CallerStates. With a what-if it is what would be, beside what is.
type Matrix struct {
	Now       time.Time `json:"now"`
	Service   string    `json:"service,omitempty"` // empty: all services
	RowsBy    string    `json:"rowsBy"`            // business, set or kind
	ColumnsBy string    `json:"columnsBy"`         // zone, campus or set
	// Counts are the callers of all rows by state, one of States, also of the rows that
	// are not listed.
	Counts   map[string]int `json:"counts"`
	Services int            `json:"services"` // that these callers asked for
	Columns  []MatrixColumn `json:"columns"`
	Rows     []MatrixRow    `json:"rows"` // the worst first
	More     int            `json:"more"` // rows that are not listed
	// Kinds are the worst kinds of callers that are sent something from the columns, as many
	// as were asked for; MoreKinds are not listed. Neither is there unless asked for.
	Kinds       []KindState `json:"kinds,omitempty"`
	MoreKinds   int         `json:"moreKinds,omitempty"`
	MoreColumns int         `json:"moreColumns"` // columns that are not listed; no row says how it is served from there
	// Complete is false if there are more callers than a node remembers.
	Complete bool     `json:"complete"`
	Notes    []string `json:"notes"` // of which nodes these are not the callers, and why
	WhatIf   *WhatIf  `json:"whatIf,omitempty"`
}

// Cut leaves n rows at most, the first.
func (m *Matrix) Cut(n int) {
	if len(m.Rows) > n {
		m.Rows, m.More = m.Rows[:n:n], m.More+len(m.Rows)-n
	}
}

// MatrixColumn is a place of instances, or a SET there. The instances are those of the
// services that the callers of the rows asked for.
type MatrixColumn struct {
	SET       string `json:"set,omitempty"`
	Place     string `json:"place,omitempty"` // empty: not known
	Instances int    `json:"instances"`
	Usable    int    `json:"usable"`
	Evacuated int    `json:"evacuated"`
	Services  int    `json:"services"`
}

// MatrixRow is a group of callers by their own SET and place.
type MatrixRow struct {
	// SET is a business or a SET, and several joined by blanks for callers with several
	// SETs; empty: not known.
	SET      string         `json:"set,omitempty"`
	Place    string         `json:"place,omitempty"` // empty: not known
	Callers  int            `json:"callers"`
	Services int            `json:"services"`
	Kinds    int            `json:"kinds"`  // SETs and whole places of the callers
	State    string         `json:"state"`  // the worst of the callers, one of States
	States   map[string]int `json:"states"` // callers by state
	Home     int            `json:"home"`   // the column of the callers' own place; -1: there is none
	Worst    []KindState    `json:"worst"`  // the first few with a state worse than first
	Cells    []MatrixCell   `json:"cells"`
	// Before is how these callers are now, beside a what-if.
	Before *RowStates `json:"before,omitempty"`
}

// RowStates are the states of the callers of a row.
type RowStates struct {
	State  string         `json:"state"`
	States map[string]int `json:"states"`
}

// The states of cells besides those of callers.
const (
	// CellEvacuated is the state if nothing is sent from there, and something would be
	// if nothing were evacuated.
	CellEvacuated = "evacuated"
	// CellStillSent is the state if evacuated instances are sent all the same.
	CellStillSent = "still-sent"
	// CellNothing is the state if nothing is sent from there; beside a what-if, something
	// is sent now.
	CellNothing = "nothing"
)

// CellStates are the states of cells, the worst first.
var CellStates = []string{"unusable", CellStillSent, "widened", "first", "shadow", "stock", CellEvacuated, CellNothing}

// MatrixCell says how the callers of a row are served from a column.
type MatrixCell struct {
	Column int `json:"column"` // counted from 0
	CellCounts
	// Before is the cell now, beside a what-if; nil: nothing is sent from there.
	Before *CellCounts `json:"before,omitempty"`
}

// CellCounts are the figures of a cell.
type CellCounts struct {
	State    string         `json:"state"`    // the worst that is so, one of CellStates
	States   map[string]int `json:"states"`   // callers that are sent something from there, by state
	Callers  int            `json:"callers"`  // that are sent something from there
	Services int            `json:"services"` // of these callers
	Sent     int            `json:"sent"`     // instances that some of them is sent
	Usable   int            `json:"usable"`   // of these
	// StillSent are those of the instances sent that are evacuated.
	StillSent int `json:"stillSent"`
	// Evacuated are instances that the callers would be sent if nothing were evacuated,
	// and are not.
	Evacuated int `json:"evacuated"`
}

// WhatIf is what a matrix supposes, and the difference that it makes.
type WhatIf struct {
	Lost     []string `json:"lost"`     // places and SETs, as zone:R/Z
	Evacuate []string `json:"evacuate"` // as Lost
	Files    []string `json:"files"`    // the names of the files that would be in force in the place of others
	// Before are the callers by state now, of the rows of the matrix.
	Before   map[string]int `json:"before"`
	Callers  int            `json:"callers"`  // whose list would be another one
	Services int            `json:"services"` // of these callers
	// Callers that would be worse off, each counted once, at the worst.
	Emptied   int `json:"emptied"`   // without an instance
	Unusable  int `json:"unusable"`  // without a usable instance
	Widened   int `json:"widened"`   // on a later road
	StillSent int `json:"stillSent"` // left on evacuated instances, as nothing else is usable; counted besides
	LeaveCity int `json:"leaveCity"` // with usable instances outside of their city, and none of these now; counted besides
	Healed    int `json:"healed"`    // callers that would be better off
	// Changes are the first of the changes, the worst first.
	Changes     []WhatIfChange `json:"changes"`
	MoreChanges int            `json:"moreChanges"`
	Warnings    []string       `json:"warnings"`
}

// WhatIfChange is what would change for a kind of callers of a service.
type WhatIfChange struct {
	Service string     `json:"service"`
	SET     string     `json:"set,omitempty"`   // of the callers
	Place   string     `json:"place,omitempty"` // of the callers
	Callers int        `json:"callers"`
	Example netip.Addr `json:"example"` // one of the callers
	Before  ListState  `json:"before"`
	After   ListState  `json:"after"`
}

// ListState is a list in short.
type ListState struct {
	State  string `json:"state"` // one of States
	Rule   string `json:"rule,omitempty"`
	Tier   string `json:"tier,omitempty"`
	Level  string `json:"level,omitempty"`
	Sent   int    `json:"sent"`
	Usable int    `json:"usable"`
}

// MatrixFiles are files to be published, of which a matrix is asked.
type MatrixFiles struct {
	Files []MatrixFile `json:"files"`
	// Replace is all if the files stand in the place of all files of their kind, and
	// named if each stands in the place of the file with its name. Empty is named if files
	// with all these names are in force, and else all.
	Replace string `json:"replace,omitempty"`
}

// MatrixFile is one of MatrixFiles.
type MatrixFile struct {
	Kind    string `json:"kind"` // KindMapping or KindRouting
	Name    string `json:"name"`
	Content string `json:"content"`
}
