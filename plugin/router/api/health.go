package api

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Backing is what a node needs beside itself and may lose.
type Backing struct {
	Kind    string     `json:"kind"`             // store, or heartbeats: Redis, or the node that is the leader
	Name    string     `json:"name"`             // in the server's configuration
	AwayAt  *time.Time `json:"awayAt,omitempty"` // since when it does not answer; nil: it answers
	Problem string     `json:"problem,omitempty"`
}

// The kinds of backing services.
const (
	BackingStore      = "store"
	BackingHeartbeats = "heartbeats"
)

// BackingKinds are the kinds of backing services.
var BackingKinds = []string{BackingStore, BackingHeartbeats}

// Health is what is degraded now, over all nodes, in one picture (docs/design.md, 8): the
// headline of the page and the first lines of `setctl status` are made from it.
type Health struct {
	Colour Colour `json:"colour"`
	// Headline says in a sentence how callers are. "All is well" is in it only while the
	// colour is green, somebody asked, and the callers of all nodes are counted.
	Headline string  `json:"headline"`
	Causes   []Cause `json:"causes"` // of the colour, the worst first; none: green
}

// Colour is how bad things are.
type Colour string

// The colours, the worst first.
const (
	ColourRed   Colour = "red"   // a rule leaves callers without a usable instance
	ColourAmber Colour = "amber" // something is degraded
	ColourGreen Colour = "green"
)

// Cause is why the colour is not green.
type Cause struct {
	Kind   CauseKind  `json:"kind"`
	Colour Colour     `json:"colour"`
	Node   string     `json:"node,omitempty"`  // address of the node, where the cause is one node's
	Since  *time.Time `json:"since,omitempty"` // where that is known
	Count  int        `json:"count,omitempty"` // of callers, files or peers
	Text   string     `json:"text"`            // a sentence for operators
}

// CauseKind is what a cause is about.
type CauseKind string

// The kinds of causes, the worst first.
const (
	CauseNothing    CauseKind = "nothing"    // callers without a usable instance, by a rule
	CauseStore      CauseKind = "store"      // the store of a node does not answer
	CauseHeartbeats CauseKind = "heartbeats" // where a node's heartbeats are kept does not answer
	CauseStockNode  CauseKind = "stock-node" // a server without setrouter is among the nodes
	CauseRefused    CauseKind = "refused"    // files are refused
	CauseDisagree   CauseKind = "disagree"   // the nodes do not agree
	CauseUntold     CauseKind = "untold"     // requests whose caller cannot be told
	CauseLoad       CauseKind = "load"       // roads that carry too much
	CauseWidened    CauseKind = "widened"    // callers on a later road
	CauseUnknown    CauseKind = "unknown"    // callers with nothing, as they are not known
	CausePartial    CauseKind = "partial"    // the callers of some nodes are not known here
)

var causeOrder = []CauseKind{
	CauseNothing, CauseStore, CauseHeartbeats, CauseStockNode, CauseRefused, CauseDisagree, CauseUntold, CauseLoad, CauseWidened, CauseUnknown, CausePartial,
}

// Cause kinds that another part adds have their place by the colour, behind the kinds
// above.
func (k CauseKind) order() int {
	if n := slices.Index(causeOrder, k); n >= 0 {
		return n
	}
	return len(causeOrder)
}

// NewHealth returns the health that the rest of a status and the nodes show. State has the
// callers of all nodes.
func NewHealth(s Status, nodes Cluster) Health {
	h := Health{Colour: ColourGreen, Causes: []Cause{}}
	h.addCallers(s.State)
	if s.Load.Over > 0 {
		h.Add(Cause{Kind: CauseLoad, Colour: ColourAmber, Count: s.Load.Over, Text: "overloaded: " + s.Load.Text()})
	}
	for _, f := range s.Files {
		if n := len(f.Problems); n > 0 {
			h.Add(Cause{Kind: CauseRefused, Colour: ColourAmber, Count: n, Text: fmt.Sprintf("%s files are refused on this node: %s", f.Kind, f.Problems[0])})
		}
	}
	for _, b := range s.Backing {
		if b.AwayAt != nil {
			h.Add(b.cause("this node", "", s.Now, *b.AwayAt))
		}
	}
	h.addNodes(nodes, s.Now)
	if n := len(s.Callers.Untold); n > 0 {
		h.Add(Cause{Kind: CauseUntold, Colour: ColourAmber, Count: n, Text: "callers cannot be told, and get no list of a routed service: " + s.Callers.Untold[0].Why})
	}
	h.Headline = s.State.Headline()
	if len(h.Causes) > 0 {
		h.Colour = h.Causes[0].Colour
	}
	switch {
	case s.State.Alone:
		h.Headline += ", of this node alone"
	case h.Colour == ColourGreen && s.State.total() > 0:
		h.Headline = "all is well: " + h.Headline
	}
	return h
}

// Add adds a cause in its place. The colour and headline stay: NewHealth sets them.
func (h *Health) Add(c Cause) {
	h.Causes = append(h.Causes, c)
	colours := []Colour{ColourRed, ColourAmber}
	slices.SortStableFunc(h.Causes, func(a, b Cause) int {
		return cmp.Or(cmp.Compare(slices.Index(colours, a.Colour), slices.Index(colours, b.Colour)), cmp.Compare(a.Kind.order(), b.Kind.order()), cmp.Compare(a.Node, b.Node))
	})
}

// addCallers adds what the states of callers are the cause of.
func (h *Health) addCallers(s CallerStates) {
	if n := s.Nothing(); n > 0 {
		h.Add(Cause{Kind: CauseNothing, Colour: ColourRed, Count: n, Text: s.Headline()})
	}
	if n := s.Counts["widened"]; n > 0 {
		h.Add(Cause{Kind: CauseWidened, Colour: ColourAmber, Count: n, Text: have(n) + " a later road than the first"})
	}
	if n := s.Counts["unknown"]; n > 0 {
		h.Add(Cause{Kind: CauseUnknown, Colour: ColourAmber, Count: n, Text: have(n) + " nothing, as their SET or place is not known"})
	}
	for _, note := range s.Notes {
		if !s.Alone {
			h.Add(Cause{Kind: CausePartial, Colour: ColourAmber, Text: "callers are counted " + note})
		}
	}
}

// addNodes adds what the other nodes say, and what they do not agree on.
func (h *Health) addNodes(nodes Cluster, now time.Time) {
	for _, n := range nodes.Nodes {
		if n.Stock && (n.Healthy || n.Self) {
			h.Add(Cause{Kind: CauseStockNode, Colour: ColourAmber, Node: n.Address, Text: n.Address + " is a stock server, or has an older setrouter: its callers get lists that no rule made"})
		}
		if n.Self || n.Summary == nil {
			continue
		}
		for _, away := range n.Summary.Away {
			h.Add(Backing{Kind: away.Kind}.cause(n.Address, n.Address, now, away.At))
		}
	}
	for _, r := range nodes.Differences {
		if r.About != AboutStock {
			h.Add(Cause{Kind: CauseDisagree, Colour: ColourAmber, Node: r.Node, Text: "the nodes do not agree: " + r.Text})
		}
	}
}

// cause returns the cause that a backing service of a node is away.
func (b Backing) cause(owner, node string, now, since time.Time) Cause {
	c := Cause{Kind: CauseStore, Colour: ColourAmber, Node: node, Since: &since}
	what, means := "the store", "lists stay as they are, and nothing that comes or goes is seen"
	if b.Kind == BackingHeartbeats {
		c.Kind, what, means = CauseHeartbeats, "the keeper of heartbeats (Redis, or the leader)", "health stays as it was"
	}
	c.Text = fmt.Sprintf("%s has not answered %s for %v: %s", what, owner, max(now.Sub(since), 0).Round(time.Second), means)
	if b.Problem != "" {
		c.Text += "; " + b.Problem
	}
	return c
}

func have(n int) string {
	if n == 1 {
		return "1 caller has"
	}
	return fmt.Sprintf("%d callers have", n)
}
