// Package nodes has what the server nodes of a cluster tell each other, and the
// verdict whether they agree. It asks nobody: that is package ask.
package nodes

import (
	"errors"
	"fmt"
	"time"
)

// Cluster is the nodes as one of them sees them. Its JSON is that of the admin
// listener and of `setctl status -o json`.
type Cluster struct {
	Agree bool `json:"agree"`
	// Reasons are why they do not agree, in words, each with its node.
	Reasons []string `json:"reasons"`
	// Note is why nodes may be missing in the list, empty if none can be.
	Note  string `json:"note,omitempty"`
	Nodes []Node `json:"nodes"` // the one that was asked is the first
}

// Node is a node, and what it says of itself, or why it could not be asked.
type Node struct {
	Address string `json:"address"` // of its listener service-grpc
	Self    bool   `json:"self"`    // it is the one that was asked
	// Healthy is what Polaris holds it for: clients are sent to healthy nodes.
	Healthy bool   `json:"healthy"`
	Problem string `json:"problem,omitempty"` // why there is no summary
	// AheadSeconds is its clock less that of the node that was asked.
	AheadSeconds float64  `json:"aheadSeconds"`
	Summary      *Summary `json:"summary,omitempty"`
}

// Summary is what a node says of itself to whoever reaches its discovery port:
// nothing of the contents, names and faults of its files.
type Summary struct {
	Version     string    `json:"version"`
	Started     time.Time `json:"started"`
	Now         time.Time `json:"now"`
	Settings    string    `json:"settings"` // digest of those that lists depend on
	Files       []Files   `json:"files"`
	Evacuations int       `json:"evacuations"` // in force
	Services    int       `json:"services"`    // in its cache, as the next
	Instances   int       `json:"instances"`
	// Changed is when the newest change that its cache has of them was stored,
	// by the clock of the store; zero where it does not say.
	Changed time.Time `json:"changed"`
}

// Files are the files of a kind on a node.
type Files struct {
	Kind     string    `json:"kind"`   // mapping or routing
	Digest   string    `json:"digest"` // of what is in force; empty: nothing is
	Entries  int       `json:"entries"`
	LoadedAt time.Time `json:"loadedAt"`
	Refused  bool      `json:"refused"` // what was loaded last is not in force
	Copy     bool      `json:"copy"`    // in force is the copy on disk
	Gray     bool      `json:"gray"`    // in force is a gray release, on this node on purpose
}

// The kinds of files.
const (
	Mapping = "mapping"
	Routing = "routing"
)

// maxText bounds a text of a summary.
const maxText = 100

// Check says what is wrong with a summary that another node has sent.
func (s *Summary) Check() error {
	texts := []string{s.Version, s.Settings}
	seen := map[string]bool{}
	for _, f := range s.Files {
		if f.Kind != Mapping && f.Kind != Routing || seen[f.Kind] {
			return errors.New("its files are of unknown kinds")
		}
		seen[f.Kind] = true
		texts = append(texts, f.Digest)
	}
	for _, text := range texts {
		if len(text) > maxText {
			return fmt.Errorf("a text of %d bytes is too long", len(text))
		}
	}
	return nil
}

// Of returns the files of a kind; the zero value is that of a node without.
func (s *Summary) Of(kind string) Files {
	for _, f := range s.Files {
		if f.Kind == kind {
			return f
		}
	}
	return Files{Kind: kind}
}
