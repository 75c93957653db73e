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

// seen is a dump of a node's state, and when it was taken: between begin and end.
type seen struct {
	life       int
	begin, end time.Time
	world      *oracle.World
	rules      string            // names the routing files
	files      string            // names the files and evacuations in force, and what callers registered
	services   map[string]string // names the instances of each service
}

// state names all that an answer depends on.
func (s *seen) state(asked string) string {
	key := s.files
	for _, n := range names {
		if n.asked == asked {
			for _, service := range n.reads {
				key += s.services[service]
			}
		}
	}
	return key
}

// history is what was seen of a node lately, the oldest first.
type history []*seen

// memory is longer than any hold-down and the slack beside it.
const memory = 60 * time.Second

// watch takes dumps of a node until the context ends, and has answers judged.
func (s *soak) watch(ctx context.Context, n *node) {
	for ctx.Err() == nil {
		_, life := n.now()
		begin := time.Now()
		body, err := n.fetch(ctx, "dump")
		_, after := n.now()
		switch {
		case ctx.Err() != nil:
		case err == nil && life == after:
			d, err := newSeen(body, life.number, begin)
			if err != nil {
				s.check.violate(answer{node: n, begin: begin, end: time.Now()}, fmt.Sprintf("the oracle cannot read the files in force: %v", err))
				return
			}
			s.check.see(n, d)
		case err != nil && life.up && life == after:
			s.check.violate(answer{node: n, begin: begin, end: time.Now()}, fmt.Sprintf("no dump while the node is up: %v", err))
		}
		select {
		case <-ctx.Done():
		case <-time.After(s.plan.dumps):
		}
	}
}

func newSeen(body []byte, life int, begin time.Time) (*seen, error) {
	d := &seen{life: life, begin: begin, end: time.Now(), services: map[string]string{}}
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
			callers = append(callers, i.Host, i.Location, i.Metadata)
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

// networks are those that callers are in.
var networks = func() (out []netip.Prefix) {
	for n := range kinds {
		out = append(out, netip.MustParsePrefix(network(n)))
	}
	return out
}()

func digest(what ...any) string {
	text, err := json.Marshal(what)
	if err != nil {
		panic(err) // plain data
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

// between are the dumps around an interval: the last that ended before it, to
// the first that began after it; none where there is no such.
func (h history) between(begin, end time.Time, life int) []*seen {
	from, to := -1, -1
	for n, d := range h {
		if d.life != life {
			continue
		}
		if d.end.Before(begin) {
			from = n
		}
		if to < 0 && d.begin.After(end) {
			to = n
		}
	}
	if from < 0 || to < 0 {
		return nil
	}
	return h[from : to+1]
}

// since are those of a process from the last one that ended before a time, and
// whether there is such a one.
func (h history) since(begin time.Time, life int) (out []*seen, reaches bool) {
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
