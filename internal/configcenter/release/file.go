package release

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
	Base    string `json:"base"` // md5 of the release that was edited
	Content string `json:"content"`
	Release string `json:"release"` // name of the new release
	// Description is shown in the console's list of releases.
	Description string `json:"description,omitempty"`
	// Draft is the md5 of a draft that may be overwritten.
	Draft string `json:"draft,omitempty"`
}

// Published says what was published.
type Published struct {
	Name    string `json:"name"`
	Release string `json:"release"`
}
