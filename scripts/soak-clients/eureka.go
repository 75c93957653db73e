package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// eurekaKind has a relay of its own for each city. Its clients use deltas, but for
// eureka-js-client: with deltas that one checks no hash, and so does not follow a
// restart of the server (docs/compatibility.md).
func eurekaKind(t *town, of polaristest.EurekaKind) (k kind, err error) {
	dir := filepath.Join(t.plan.built, "eureka-"+of.Language+"-"+of.Version)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return k, err
	}
	command, err := of.Build(t.plan.clients, dir, of.Version)
	if err != nil {
		return k, err
	}
	var relays [2]*polaristest.Relay
	for city := range relays {
		if relays[city], err = polaristest.NewRelay(source(city), t.eureka); err != nil {
			return k, err
		}
	}
	each := func(do func(*polaristest.Relay)) func() {
		return func() { do(relays[0]); do(relays[1]) }
	}
	mode, asked := "delta", strings.ToUpper(service)
	if of.Name == "eureka-js-client" {
		mode = "full"
	}
	if of.Name == "Spring Cloud" {
		asked = service
	}
	app := strings.ToUpper(strings.Map(letters, of.String()))
	var asks func(int) time.Time
	if of.Language != "java" {
		asks = func(city int) time.Time { return relays[city].Asked() }
	}
	return kind{
		name: of.String() + ", " + mode, asked: asks,
		start: func(_ *town, dir string) (running, error) {
			p := &eurekaProgram{}
			if of.Name == "py-eureka-client" {
				p.atLeast = 200 * time.Millisecond
			}
			for city, relay := range relays {
				client, err := polaristest.StartEureka(command, nil, dir, "http://"+relay.Addr+"/eureka", asked, mode, app, fmt.Sprintf("10.99.0.%d", city+1), sets[pool])
				if err != nil {
					return nil, err
				}
				p.clients[city] = client
			}
			return p, nil
		},
		cut: each(func(r *polaristest.Relay) { r.Cut(); r.Mend() }), hold: each((*polaristest.Relay).Hold), release: each((*polaristest.Relay).Release),
		close: func() error { return errors.Join(relays[0].Close(), relays[1].Close()) },
	}, nil
}

// letters keeps the letters and digits of a text.
func letters(r rune) rune {
	if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
		return r
	}
	return -1
}

// eurekaProgram is a program for each city, of which take has returned some states.
// py-eureka-client applies a delta instance by instance, and its user can see the list
// between: a list counts that the client has for a moment at least.
type eurekaProgram struct {
	clients [2]*polaristest.Eureka
	taken   [2]int
	atLeast time.Duration
}

// take leaves out what a client has before its first answer: nothing.
func (p *eurekaProgram) take() (out []shown) {
	for city, client := range p.clients {
		states, _ := client.States()
		for n := p.taken[city]; n < len(states); n++ {
			until := time.Now()
			if n+1 < len(states) {
				until = states[n+1].At
			} else if until.Sub(states[n].At) < p.atLeast {
				break
			}
			p.taken[city] = n + 1
			if first := n == 0; until.Sub(states[n].At) >= p.atLeast && (!first || len(states[n].Hosts) > 0) {
				out = append(out, shown{city: city, at: states[n].At, list: strings.Join(states[n].Hosts, " ")})
			}
		}
	}
	return out
}

// Ended implements running.
func (p *eurekaProgram) Ended() bool { return p.clients[0].Ended() || p.clients[1].Ended() }

func (p *eurekaProgram) kill() {
	for _, client := range p.clients {
		if client != nil {
			client.Kill()
		}
	}
}
