package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/polaris-contrib/setrouter/internal/test/oracle"
)

// dump is a dump of a node's state. It was taken between begin and end.
type dump struct {
	life       int
	begin, end time.Time
	world      *oracle.World
	rules      string            // names the routing files
	files      string            // names the files and evacuations in force, and what callers registered
	services   map[string]string // names the instances of each service
}

// state names everything that an answer depends on.
func (d *dump) state(asked string) string {
	key := d.files
	for _, n := range names {
		if n.asked == asked {
			for _, service := range n.reads {
				key += d.services[service]
			}
		}
	}
	return key
}

// history is the last dumps of a node, the oldest first.
type history []*dump

// memory is longer than any hold-down and the slack beside it.
const memory = 60 * time.Second

// watch takes dumps of a node until the context ends, and has the checker judge
// answers by them.
func (s *soak) watch(ctx context.Context, n *node) {
	for ctx.Err() == nil {
		_, life := n.current()
		begin := time.Now()
		body, err := n.fetch(ctx, "dump")
		_, after := n.current()
		switch {
		case ctx.Err() != nil:
		case err == nil && life == after:
			d, err := newDump(body, life.number, begin)
			if err != nil {
				s.check.violate(answer{node: n, begin: begin, end: time.Now()}, fmt.Sprintf("the oracle cannot read the files in force: %v", err))
				return
			}
			s.check.addDump(n, d)
		case err != nil && life.up && life == after:
			s.check.violate(answer{node: n, begin: begin, end: time.Now()}, fmt.Sprintf("no dump while the node is up: %v", err))
		}
		select {
		case <-ctx.Done():
		case <-time.After(s.plan.dumps):
		}
	}
}

func newDump(body []byte, life int, begin time.Time) (*dump, error) {
	d := &dump{life: life, begin: begin, end: time.Now(), services: map[string]string{}}
	var err error
	if d.world, err = oracle.Read(body); err != nil {
		return nil, err
	}
	byService := map[string][]oracle.Registered{}
	var callers []any
	for _, i := range d.world.Instances {
		if i.Service.Namespace == namespace {
			byService[i.Service.Name] = append(byService[i.Service.Name], i)
		}
		if strings.HasPrefix(i.Host, "127.") && i.Service.Namespace == namespace {
			callers = append(callers, i.Host, i.Location, i.Metadata, i.Healthy) // healthy ones say who asks before unhealthy ones
		}
	}
	for _, c := range d.world.Clients {
		if slices.ContainsFunc(networks, func(p netip.Prefix) bool { return p.Contains(c.Host) }) {
			callers = append(callers, c)
		}
	}
	for name, list := range byService {
		d.services[name] = digest(list)
	}
	d.rules = digest(d.world.Routing)
	d.files = digest(d.rules, d.world.Mapping, d.world.InForce(), d.world.Aliases, callers)
	return d, nil
}

// networks are the networks of callers.
var networks = func() (out []netip.Prefix) {
	for n := range kinds {
		out = append(out, netip.MustParsePrefix(network(n)))
	}
	return out
}()

func digest(values ...any) string {
	text, err := json.Marshal(values)
	if err != nil {
		panic(err) // plain data
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

// between returns the dumps of a process around an interval: from the last dump
// that ended before the interval, to the first dump that began after it. It returns
// none if one of these two is missing.
func (h history) between(begin, end time.Time, life int) []*dump {
	first, last := -1, -1
	for n, d := range h {
		if d.life != life {
			continue
		}
		if d.end.Before(begin) {
			first = n
		}
		if last < 0 && d.begin.After(end) {
			last = n
		}
	}
	if first < 0 || last < 0 {
		return nil
	}
	return h[first : last+1]
}

// since returns the dumps of a process from the last dump that ended before a time.
// It reports whether there is such a dump; if not, it returns all dumps of the
// process.
func (h history) since(begin time.Time, life int) (out []*dump, reaches bool) {
	for n := len(h) - 1; n >= 0 && h[n].life == life; n-- {
		out = append(out, h[n])
		if h[n].end.Before(begin) {
			slices.Reverse(out)
			return out, true
		}
	}
	slices.Reverse(out)
	return out, false
}
