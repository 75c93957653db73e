package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/polaris-contrib/setrouter/scripts/bench/rig"
)

// rulesOf returns a thousand rules: one for the callers of each kind, and the rest
// for services that nobody asks for. The rule of one kind may have other tiers.
func (p plan) rulesOf(other kind) string {
	var b strings.Builder
	b.WriteString("version: 1\nrules:\n")
	kinds, nearby := min(p.sets*p.campuses, 500), ""
	if p.campuses > 1 {
		nearby = ", nearby: {}"
	}
	for k := range kind(kinds) {
		tiers := "own, pool"
		if k == other {
			tiers = "pool"
		}
		fmt.Fprintf(&b, "  - {name: kind-%d, service: default/%s, when: {ip: [%s/24]}, set: {tiers: [%s]}%s}\n", k, service, k.addr(-1), tiers, nearby)
	}
	for n := range 1000 - kinds {
		fmt.Fprintf(&b, "  - {name: other-%d, service: default/other-%d, set: {}}\n", n, n)
	}
	return b.String()
}

// reloads changes one mapping entry of many, and then one rule of a thousand. It
// prints how many callers get another list, of a caller of each kind.
func (s *side) reloads(ctx context.Context) error {
	callers, err := s.callers(ctx, min(s.plan.sets*s.plan.campuses, 500))
	defer hangUp(callers)
	if err != nil {
		return err
	}
	steps := []struct {
		name, file, content string
		concerned           kind
	}{
		{"one mapping entry of a caller", "conf/mapping/mapping.csv", s.plan.mapping(3), 3},
		{"a thousand rules in the place of one, one of them of another effect", "conf/routing/routing.yaml", s.plan.rulesOf(5), 5},
		{"one rule of a thousand", "conf/routing/routing.yaml", s.plan.rulesOf(-1), 5},
	}
	for _, c := range callers {
		if _, _, err := c.Ask(service, true); err != nil {
			return err
		}
	}
	fmt.Printf("\nreloads, with the pack, %d mapping entries, a caller of each of %d kinds\n", s.plan.entries, len(callers))
	for _, step := range steps {
		used, start := rig.CPU(s.server.PID()), time.Now()
		if err := s.server.WriteFile(step.file, step.content); err != nil {
			return err
		}
		if err := untilChanged(callers[step.concerned]); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
		took := time.Since(start)
		others := 0
		for _, c := range callers {
			a, _, err := c.Ask(service, false)
			if err != nil {
				return err
			}
			if a.Code == rig.CodeChanged {
				others++
			}
		}
		fmt.Printf("  %s: in force after %.1f s, %.1f s of CPU; lists fetched by others: %d\n", step.name, took.Seconds(), (rig.CPU(s.server.PID()) - used).Seconds(), others)
	}
	return nil
}

func untilChanged(c *rig.Caller) error {
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		a, _, err := c.Ask(service, false)
		if err != nil || a.Code == rig.CodeChanged {
			return err
		}
	}
	return errors.New("no other list within a minute")
}
