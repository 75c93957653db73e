package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// witnesses are unmodified SDKs at the addresses of callers. An SDK must have the
// list that some caller was given under the same revision.
type witnesses struct {
	*polaristest.Consumers
	callers   map[string]*caller
	unmatched map[string]string // revisions that no caller was given yet, and what the SDK has

	lists, empty int
	compared     int // lists that were compared with what a caller was given
	errors       map[string]int
}

func newWitnesses(s *soak) (*witnesses, error) {
	consumers, err := polaristest.StartConsumers(s.plan.sdk)
	if err != nil {
		return nil, err
	}
	w := &witnesses{Consumers: consumers, callers: map[string]*caller{}, unmatched: map[string]string{}, errors: map[string]int{}}
	for n, c := range s.callers {
		if n%11 != 0 {
			continue
		}
		name := fmt.Sprintf("sdk%d", n)
		w.callers[name] = c
		server, _ := c.node.current()
		if err := consumers.Add(name, c.addr, server); err != nil {
			return nil, errors.Join(err, consumers.Close())
		}
	}
	return w, nil
}

// live asks the SDKs in turns.
func (w *witnesses) live(ctx context.Context, s *soak) {
	for n := 0; ctx.Err() == nil; n++ {
		for name, c := range w.callers {
			if ctx.Err() == nil {
				w.check(s, name, c, names[n%len(names)].asked)
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(s.plan.interval):
		}
	}
}

func (w *witnesses) check(s *soak, name string, c *caller, service string) {
	got, err := w.Get(name, namespace, service)
	if err != nil {
		s.check.violate(answer{caller: c, asked: service, node: c.node, begin: time.Now(), end: time.Now()}, err.Error())
		return
	}
	if got.Error != "" {
		w.errors[got.Error[:min(len(got.Error), 60)]]++
		return
	}
	if !strings.HasPrefix(got.Revision, revisionPrefix) {
		return
	}
	var list []string
	for _, i := range got.Instances {
		list = append(list, shownOne(i.Host, i.Port, i.Healthy, i.Isolated, i.Weight))
	}
	w.lists++
	if len(list) == 0 {
		w.empty++
	}
	sum := digest(sorted(list))
	known, ok := s.check.shownUnder(got.Revision)
	switch {
	case !ok:
		w.unmatched[got.Revision] = sum
	case known == sum:
		w.compared++
	default:
		s.check.violate(answer{caller: c, asked: service, node: c.node, begin: time.Now(), end: time.Now()},
			fmt.Sprintf("the SDK %s has under revision %s\n%s", name, got.Revision, strings.Join(list, "\n")))
	}
}

// matchRest looks again for revisions that no caller had been given before, and
// counts those that no caller was ever given.
func (w *witnesses) matchRest(s *soak) (alone int) {
	for revision, sum := range w.unmatched {
		known, ok := s.check.shownUnder(revision)
		switch {
		case !ok:
			alone++
		case known == sum:
			w.compared++
		default:
			s.check.violate(answer{node: s.nodes[0], begin: time.Now(), end: time.Now()}, "an SDK had another list under revision "+revision)
		}
	}
	return alone
}
