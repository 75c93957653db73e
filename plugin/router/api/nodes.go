package api

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Cluster is the server nodes as one of them sees them.
type Cluster struct {
	Agree bool `json:"agree"`
	// Reasons say why the nodes do not agree, each with its node.
	Reasons []string `json:"reasons"`
	// Differences are the reasons, with what each is about.
	Differences []Difference `json:"differences"`
	// Note says why nodes may be missing in the list; it is empty if none can be.
	Note  string `json:"note,omitempty"`
	Nodes []Node `json:"nodes"` // the one that was asked is the first
}

// NewCluster returns the nodes, and that they agree if there are no differences. It says of
// each node of the list which differences are about it.
func NewCluster(list []Node, differences []Difference) Cluster {
	c := Cluster{Agree: len(differences) == 0, Reasons: []string{}, Differences: append([]Difference{}, differences...), Nodes: list}
	for _, d := range differences {
		c.Reasons = append(c.Reasons, d.Text)
	}
	for i := range c.Nodes {
		n := &c.Nodes[i]
		n.Reasons = []string{}
		for _, d := range differences {
			if d.Node == n.Address {
				n.Reasons = append(n.Reasons, d.Text)
			}
		}
		n.Agrees = len(n.Reasons) == 0 && n.Summary != nil
	}
	return c
}

// Difference is why the nodes do not agree.
type Difference struct {
	About About  `json:"about"`
	Node  string `json:"node,omitempty"` // address; empty: of no one node
	Text  string `json:"text"`           // one of the reasons
}

// About is what nodes do not agree on.
type About string

// What nodes do not agree on.
const (
	AboutFiles     About = "files"     // other mapping or routing files in force, or none
	AboutRefused   About = "refused"   // files are refused
	AboutCopy      About = "copy"      // in force is the copy on disk
	AboutSettings  About = "settings"  // under plugin.location or plugin.router
	AboutCode      About = "code"      // another version
	AboutInstances About = "instances" // in the cache
	AboutClock     About = "clock"
	AboutSilent    About = "silent"   // the node does not answer
	AboutStock     About = "stock"    // the node is a stock server, or has an older setrouter
	AboutLeftOut   About = "left-out" // more nodes than are asked
)

// Abouts are all that nodes may not agree on.
var Abouts = []About{
	AboutFiles, AboutRefused, AboutCopy, AboutSettings, AboutCode, AboutInstances, AboutClock, AboutSilent, AboutStock, AboutLeftOut,
}

// Node is a node, and what it says of itself, or why it could not be asked.
type Node struct {
	Address string `json:"address"` // of its listener service-grpc
	Self    bool   `json:"self"`    // it is the one that was asked
	// Healthy is what Polaris takes the node for: clients are sent to healthy nodes.
	Healthy bool   `json:"healthy"`
	Problem string `json:"problem,omitempty"` // why there is no summary
	// Stock is that the node does not know the question: it is a stock server, or has an
	// older setrouter.
	Stock bool `json:"stock,omitempty"`
	// AheadSeconds is the clock of the node less the clock of the node that was asked.
	AheadSeconds float64  `json:"aheadSeconds"`
	Summary      *Summary `json:"summary,omitempty"`
	// Agrees is that the node answers, and no reason is about it.
	Agrees  bool     `json:"agrees"`
	Reasons []string `json:"reasons"` // of the cluster, those that are about this node
	// Since is since when it answers and agrees, or does not, as far as the node that was
	// asked has looked.
	Since *time.Time `json:"since,omitempty"`
}

// ClusterReload is the outcome of a reload on all nodes.
type ClusterReload struct {
	OK bool `json:"ok"` // every node has reloaded, and no files were refused
	// Notes say why nodes may be missing in the list; none can be if there are no notes.
	Notes []string     `json:"notes"`
	Nodes []NodeReload `json:"nodes"` // the one that was asked is the first
}

// NodeReload is the outcome of a reload on a node.
type NodeReload struct {
	Address string `json:"address"` // as of a Node, and the next two
	Self    bool   `json:"self"`
	Healthy bool   `json:"healthy"`
	// Problem is why the node may not have reloaded; empty: it has.
	Problem string     `json:"problem,omitempty"`
	Files   []Reloaded `json:"files"`
}

// Reloaded reports whether the node has reloaded, and no files were refused.
func (n NodeReload) Reloaded() bool {
	return n.Problem == "" && !slices.ContainsFunc(n.Files, func(r Reloaded) bool { return !r.OK })
}

// CheckReloaded returns an error for outcomes that no node of this pack would send.
func CheckReloaded(list []Reloaded) error {
	seen := map[string]bool{}
	for _, r := range list {
		if r.Kind != KindMapping && r.Kind != KindRouting || seen[r.Kind] {
			return errors.New("its files are of unknown kinds")
		}
		seen[r.Kind] = true
	}
	return nil
}

// Summary is what a node says of itself to whoever reaches its discovery port. It
// says nothing of the contents, names and faults of the node's files.
type Summary struct {
	Version     string      `json:"version"`
	Started     time.Time   `json:"started"`
	Now         time.Time   `json:"now"`
	Settings    string      `json:"settings"` // digest of the settings that lists depend on
	Files       []NodeFiles `json:"files"`
	Evacuations int         `json:"evacuations"` // in force
	Services    int         `json:"services"`    // in its cache, as the next
	Instances   int         `json:"instances"`
	// Changed is when the newest change of a service or instance in its cache was
	// stored, by the clock of the store; zero where the store does not say.
	Changed time.Time `json:"changed"`
	// Nacos is that the node serves Nacos clients, which compare the times of lists.
	Nacos bool `json:"nacos,omitempty"`
	// Away are the backing services of the node that do not answer it.
	Away []Away `json:"away,omitempty"`
}

// Away is a backing service that does not answer a node.
type Away struct {
	Kind string    `json:"kind"` // one of BackingKinds
	At   time.Time `json:"at"`   // since when
}

// NodeFiles are the files of a kind on a node.
type NodeFiles struct {
	Kind     string    `json:"kind"`   // mapping or routing
	Digest   string    `json:"digest"` // of what is in force; empty: nothing is
	Entries  int       `json:"entries"`
	LoadedAt time.Time `json:"loadedAt"`
	Refused  bool      `json:"refused"` // what was loaded last is not in force
	Copy     bool      `json:"copy"`    // in force is the copy on disk
	Gray     bool      `json:"gray"`    // in force is a gray release, on this node on purpose
	// Releases are the tags of the releases of the config center in force; nil: an older node
	// does not tell.
	Releases []string `json:"releases"`
}

// The kinds of files.
const (
	KindMapping = "mapping"
	KindRouting = "routing"
)

// maxText bounds a text of a summary, in bytes.
const maxText = 100

// Check returns an error for a summary that no node of this pack would send.
func (s *Summary) Check() error {
	texts := []string{s.Version, s.Settings}
	if len(s.Away) > len(BackingKinds) || slices.ContainsFunc(s.Away, func(a Away) bool { return !slices.Contains(BackingKinds, a.Kind) }) {
		return errors.New("its backing services are of unknown kinds")
	}
	seen := map[string]bool{}
	for _, f := range s.Files {
		if f.Kind != KindMapping && f.Kind != KindRouting || seen[f.Kind] {
			return errors.New("its files are of unknown kinds")
		}
		seen[f.Kind] = true
		texts = append(append(texts, f.Digest), f.Releases...)
	}
	for _, text := range texts {
		if len(text) > maxText {
			return fmt.Errorf("a text of %d bytes is too long", len(text))
		}
	}
	return nil
}

// FilesOf returns the files of a kind. Only the kind is set where the node has no
// such files.
func (s *Summary) FilesOf(kind string) NodeFiles {
	for _, f := range s.Files {
		if f.Kind == kind {
			return f
		}
	}
	return NodeFiles{Kind: kind}
}
