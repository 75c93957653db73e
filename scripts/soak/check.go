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
	deeds   *deeds
	history map[*node]history
	pending map[*node][]answer
	cases   map[caseKey]*oracle.Case
	ledger  ledger

	answers, unchanged, routed, stock, empty int
	unreachable                              int // requests to a node that was down
	// How answers were judged: exactly, some of those as held; as perhaps held; as
	// of one of the states in a change, or none of those; not at all.
	exact, held, loose, oneOf, moving, unjudged int
	rules                                       map[string]int // exactly judged ones by what the oracle decided by
	states                                      int            // that followed each other at the nodes
	violations                                  int
	accounts                                    []string // of the first violations
}

// Bounds of the accounts of violations, and of the cases remembered.
const (
	mostAccounts = 20
	mostCases    = 200_000
)

func newChecker(d *deeds) *checker {
	return &checker{
		deeds: d, history: map[*node]history{}, pending: map[*node][]answer{}, cases: map[caseKey]*oracle.Case{},
		ledger: newLedger(), rules: map[string]int{},
	}
}

func (c *checker) count(n *int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	*n++
}

// violate notes a violation that needs no dump.
func (c *checker) violate(a answer, what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.violation(a, what, nil)
}

// got takes an answer: what must hold of every one at once, the rest when the
// next dump of its node is there.
func (c *checker) got(a answer, code uint32, info string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answers++
	if code != codeOK && code != codeUnchanged || a.resp == nil {
		c.violation(a, fmt.Sprintf("code %d: %s", code, info), nil)
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
		c.violation(a, fault, nil)
	}
	if fault := order(a.resp); fault != "" {
		c.violation(a, fault, nil)
	}
	c.pending[a.node] = append(c.pending[a.node], a)
}

// order tells what is wrong with the order of the instances: that of a routed
// answer is by id, and none comes twice.
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

// see takes a dump, and judges the answers that waited for it.
func (c *checker) see(n *node, d *seen) {
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
			c.violation(answer{node: n, begin: d.begin, end: d.end}, "a broken file is in force: "+f.Name, nil)
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
			c.unjudged++ // it came around the start or the end of the process
			continue
		}
		c.judge(a, window)
	}
	c.pending[n] = later
	if len(c.cases) > mostCases {
		clear(c.cases)
	}
}

// longWindow is how far dumps may be apart for the state between two equal ones
// to count as known: caches are read each second, and what is changed is changed
// back more slowly.
const longWindow = 1500 * time.Millisecond

// judge compares an answer with what the oracle says of each state that it can
// have been given in.
func (c *checker) judge(a answer, window []*seen) {
	var distinct []*seen
	for _, d := range window {
		if !slices.ContainsFunc(distinct, func(o *seen) bool { return o.state(a.asked) == d.state(a.asked) }) {
			distinct = append(distinct, d)
		}
	}
	got := listOf(a.resp)
	matched, kind := "", ""
	for _, d := range distinct {
		if matched, kind = c.match(a, got, d); matched != "" {
			break
		}
	}
	long := window[len(window)-1].begin.Sub(window[0].end) > longWindow || a.node.isBehind(a.begin)
	settled := len(distinct) == 1
	switch {
	case matched == "loose" && settled:
		c.loose++
	case matched != "" && settled:
		c.exact++
		c.rules[kind]++
		if matched == "held" {
			c.held++
		}
	case matched != "":
		c.oneOf++
	case settled && !long:
		c.violation(a, "the answer is not the oracle's", distinct)
	default:
		c.moving++
	}
	if !long {
		if fault := c.leak(a, distinct); fault != "" {
			c.violation(a, fault, distinct)
		}
	}
}
