package release

import "time"

// Saved is a file as it is in the config center.
type Saved struct {
	Name    string `json:"name"`
	Content string `json:"content"` // as it was saved last, published or not
	Md5     string `json:"md5"`     // of Content
	// Draft is true where no release has Content: who overwrites it, loses it.
	Draft bool `json:"draft"`
	// Released is what is published in full; nil: nothing is.
	Released *Released `json:"released,omitempty"`
	// Gray is the gray release that is active; nil: there is none.
	Gray *Release `json:"gray,omitempty"`
}

// Released is a release with its content.
type Released struct {
	Release Release `json:"release"`
	Content string  `json:"content"`
	Md5     string  `json:"md5"`
}

// Edit is a new text for a file in the config center.
type Edit struct {
	Base    string `json:"base"` // md5 of the release that was edited; empty: nothing is released
	Content string `json:"content"`
	Release string `json:"release"` // name of the new release
	// Description is shown in the console's list of releases.
	Description string `json:"description,omitempty"`
	// Draft is the md5 of a draft that may be overwritten.
	Draft string `json:"draft,omitempty"`
	// Gray are the addresses of the server nodes that the release is for; none: all nodes.
	Gray []string `json:"gray,omitempty"`
	// New allows a name that no server's configuration has yet, in the group of one that it has.
	New bool `json:"new,omitempty"`
}

// Switch puts another release of a file in force: an earlier one, or the full one in the
// place of the gray one.
type Switch struct {
	// Base is the md5 of the full release that is in force; not asked for to end a gray one.
	Base string `json:"base,omitempty"`
	// Release is the name of the release to go back to, or of the gray release to end.
	Release string `json:"release"`
}

// Published says what was published.
type Published struct {
	Name    string `json:"name"`
	Release string `json:"release"`
	// Tag is that of the release in force, by which nodes say that they have it. It is empty
	// where the release cannot be read.
	Tag string `json:"tag,omitempty"`
}

// History is what was released of a file, and when.
type History struct {
	Name string `json:"name"`
	// Releases are those that there are, the last to be put in force first.
	Releases []Entry `json:"releases"`
	// Events are what was done, the last first, as far back as the server keeps them.
	Events []Event `json:"events"`
}

// Entry is a release in a History.
type Entry struct {
	Release     Release   `json:"release"`
	Active      bool      `json:"active"` // for all nodes, or for those of Gray
	CreatedAt   time.Time `json:"createdAt"`
	CreatedBy   string    `json:"createdBy"`
	Description string    `json:"description"`
	Md5         string    `json:"md5"`
	Tag         string    `json:"tag"` // by which nodes say that they have it
	// Gray are the addresses of the nodes that an active gray release is for.
	Gray []string `json:"gray,omitempty"`
}

// Event is something that was done to a file.
type Event struct {
	At      time.Time `json:"at"`
	What    string    `json:"what"` // one of the What constants, or Polaris's own word
	Release string    `json:"release"`
	By      string    `json:"by"`
	Why     string    `json:"why"` // the description of the release
}

// What was done.
const (
	WhatPublished  = "published"
	WhatGray       = "published gray"
	WhatRolledBack = "rolled back to"
	WhatGrayEnded  = "gray ended"
	WhatDeleted    = "deleted"
)
