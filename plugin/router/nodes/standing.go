package nodes

import (
	"fmt"
	"sync"
	"time"

	"github.com/polaris-contrib/setrouter/internal/events"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
)

// standing is how a node stands to the one that asks.
type standing struct {
	answers bool
	agrees  bool
}

// standings remembers since when nodes stand as they do, and notes what changes. The zero
// value is ready for use. It is safe for concurrent use.
type standings struct {
	note func(events.Event)

	mu    sync.Mutex
	nodes map[string]*remembered
}

// remembered is how a node stands, and since when.
type remembered struct {
	standing
	since time.Time
}

// seen are the standings of the nodes that this process asked.
var seen = standings{note: events.Noted.Note}

// mark fills in since when each node stands as it does. It forgets nodes that are not in
// the list.
func (s *standings) mark(c *api.Cluster, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := map[string]*remembered{}
	for i := range c.Nodes {
		n := &c.Nodes[i]
		next[n.Address] = s.next(n, now)
		n.Since = &next[n.Address].since
	}
	s.nodes = next
}

// next returns how a node stands now.
func (s *standings) next(n *api.Node, now time.Time) *remembered {
	after := &remembered{standing{n.Summary != nil, n.Agrees}, now}
	before, ok := s.nodes[n.Address]
	if ok && before.standing == after.standing {
		return before
	}
	wasThere, wasAlike := !ok || before.answers, !ok || before.agrees
	switch {
	case !after.answers && wasThere && (ok || n.Healthy):
		s.tell(n, events.CodePartLost, events.SeverityAmber, now, "node "+n.Address+" "+n.Problem)
	case after.answers && !wasThere:
		s.tell(n, events.CodePartBack, events.SeverityGood, now, "node "+n.Address+" answers again")
	}
	switch {
	case after.answers && !after.agrees && wasAlike:
		s.tell(n, events.CodeNodeDiffers, events.SeverityAmber, now, "the nodes do not agree: "+n.Reasons[0])
	case after.agrees && ok && before.answers:
		s.tell(n, events.CodeNodeAgrees, events.SeverityGood, now, fmt.Sprintf("node %s agrees with the others again", n.Address))
	}
	return after
}

func (s *standings) tell(n *api.Node, code, severity string, now time.Time, text string) {
	s.note(events.Event{At: now, Code: code, Severity: severity, Text: text, Args: map[string]string{"part": "node", "detail": n.Address}})
}
