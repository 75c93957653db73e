package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"

	"github.com/polaris-contrib/setrouter/internal/test/oracle"
)

// checker judges answers. It is safe for concurrent use.
type checker struct {
	mu      sync.Mutex
	actions *actionLog
	history map[*node]history
	pending map[*node][]answer
	cases   map[caseKey]*oracle.Case
	ledger  ledger

	answers, unchanged, routed, stock, empty int
	unreachable                              int // requests to a node that was down
	hostile                                  int // answers to requests that nobody honest makes
	overOthers, leakChecked                  int // answers over Eureka and L5, and those in which a leak would have been seen
	// How many answers were judged in which way. Exact: they are the oracle's; of
	// these, held have a road that is held. Loose: they have a road that is perhaps
	// held. OneOf: during a change, they are the oracle's in one of the states.
	// Moving: during a change, they are not. Unjudged: not judged at all.
	exact, held, loose, oneOf, moving, unjudged int
	rules                                       map[string]int // exact answers, by what the oracle decided by
	states                                      int            // different states of the nodes, one after the other
	violations                                  int
	accounts                                    []string // of the first violations
}

// Bounds of the accounts that are kept, and of the cases that are remembered.
const (
	mostAccounts = 20
	mostCases    = 200_000
)

func newChecker(l *actionLog) *checker {
	return &checker{
		actions: l, history: map[*node]history{}, pending: map[*node][]answer{}, cases: map[caseKey]*oracle.Case{},
		ledger: newLedger(), rules: map[string]int{},
	}
}

func (c *checker) count(n *int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	*n++
}

// violate notes a violation that shows without a dump.
func (c *checker) violate(a answer, fault string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.addViolation(a, fault, nil)
}

// take takes an answer. It checks at once what must hold of every answer. The
// rest is checked when the next dump of the node is there.
func (c *checker) take(a answer, code uint32, info string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answers++
	if code != codeOK && code != codeUnchanged || a.resp == nil {
		c.addViolation(a, fmt.Sprintf("code %d: %s", code, info), nil)
		return
	}
	if a.unchanged {
		c.unchanged++
	}
	if routed(a.resp) {
		c.routed++
	} else {
		c.stock++
	}
	if len(a.resp.Instances) == 0 {
		c.empty++
	}
	if fault := c.ledger.note(a.resp); fault != "" {
		c.addViolation(a, fault, nil)
	}
	if fault := order(a.resp); fault != "" {
		c.addViolation(a, fault, nil)
	}
	c.pending[a.node] = append(c.pending[a.node], a)
}

// takeLeak takes an answer in which only leaks are looked for.
func (c *checker) takeLeak(a answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.overOthers++
	c.pending[a.node] = append(c.pending[a.node], a)
}

// order returns what is wrong with the order of the instances, and is empty if it
// is right. Instances of a routed answer are in the order of their ids. No
// instance comes twice.
func order(resp *apiservice.DiscoverResponse) string {
	var ids []string
	for _, i := range resp.Instances {
		ids = append(ids, i.GetId().GetValue())
	}
	if routed(resp) && !slices.IsSorted(ids) {
		return "the instances are not in the order of their ids"
	}
	slices.Sort(ids)
	if len(slices.Compact(ids)) < len(resp.Instances) {
		return "an instance comes twice"
	}
	return ""
}

// addDump takes a dump, and judges the answers that waited for it.
func (c *checker) addDump(n *node, d *dump) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := c.history[n]
	if len(h) == 0 || h[len(h)-1].files != d.files || !maps.Equal(h[len(h)-1].services, d.services) {
		c.states++
	}
	for len(h) > 0 && d.begin.Sub(h[0].end) > memory {
		h = h[1:]
	}
	h = append(h, d)
	c.history[n] = h
	for _, f := range slices.Concat(d.world.Routing, d.world.Mapping) {
		if strings.Contains(f.Content, brokenMark) {
			c.addViolation(answer{node: n, begin: d.begin, end: d.end}, "a broken file is in force: "+f.Name, nil)
		}
	}
	var later []answer
	for _, a := range c.pending[n] {
		if a.life == d.life && !d.begin.After(a.end) {
			later = append(later, a)
			continue
		}
		window := h.between(a.begin, a.end, a.life)
		if window == nil {
			if !a.onlyLeak {
				c.unjudged++ // the answer came around the start or the end of the process
			}
			continue
		}
		c.judge(a, window)
	}
	c.pending[n] = later
	if len(c.cases) > mostCases {
		clear(c.cases)
	}
}

// longWindow is how far apart two dumps with an equal state may be, so that the
// state between them counts as known. Caches are read each second, and no action
// is undone so soon.
const longWindow = 1500 * time.Millisecond

// judge compares an answer with what the oracle says in each state in which the
// answer can have been given.
func (c *checker) judge(a answer, window []*dump) {
	var distinct []*dump
	for _, d := range window {
		if !slices.ContainsFunc(distinct, func(other *dump) bool { return other.state(a.asked) == d.state(a.asked) }) {
			distinct = append(distinct, d)
		}
	}
	long := window[len(window)-1].begin.Sub(window[0].end) > longWindow || a.node.isBehind(a.begin)
	if !long {
		if fault := c.leak(a, distinct); fault != "" {
			c.addViolation(a, fault, distinct)
		}
	}
	if !a.onlyLeak {
		c.compare(a, distinct, long)
	}
}

// compare compares an answer with the oracle's in each state. In a long window there may
// have been states that nobody saw.
func (c *checker) compare(a answer, distinct []*dump, long bool) {
	got := textOfAnswer(a.resp)
	fit, kind := fitNone, ""
	for _, d := range distinct {
		if fit, kind = c.match(a, got, d); fit != fitNone {
			break
		}
	}
	settled := len(distinct) == 1
	switch {
	case fit == fitLoose && settled:
		c.loose++
	case fit != fitNone && settled:
		c.exact++
		c.rules[kind]++
		if fit == fitHeld {
			c.held++
		}
	case fit != fitNone:
		c.oneOf++
	case settled && !long:
		c.addViolation(a, "the answer is not the oracle's", distinct)
	default:
		c.moving++
	}
}
