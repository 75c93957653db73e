package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// shown is a list that a client showed to its user.
type shown struct {
	city int
	at   time.Time
	list string // hosts, sorted

	isWrong bool // the list was not right at any time before
}

// running is a program with a client in each city.
type running interface {
	// take returns the lists that the clients showed since the last call.
	take() []shown
	// Ended reports whether the program, or one of them, has ended by itself.
	Ended() bool
	kill()
}

// kind is a client library with its version.
type kind struct {
	name  string
	start func(t *town, dir string) (running, error)
	// cut, hold and release act on the network of the kind's clients.
	cut, hold, release func()
	close              func() error
	// asked returns when the client in a city asked last, of kinds that may stop asking for
	// good (docs/eureka.md); nil for the others.
	asked func(city int) time.Time
}

// follower is a kind in the run: its program, and what it showed last.
type follower struct {
	kind
	dir     string
	program running
	began   time.Time // of the program
	last    [2]shown

	lists, kills, cuts, holds int
	revived                   int
	slowest                   time.Duration // to the right list, after a round
}

const (
	// stopped is how long a client that polls each second may ask for nothing before it is
	// started again.
	stopped = 30 * time.Second
	// backoff is how long a program has run at least before it is started again.
	backoff = 5 * time.Second
)

// revive starts a program again that has ended or has stopped asking, as its supervisor
// would.
func (f *follower) revive(t *town) error {
	if !(f.program.Ended() && time.Since(f.began) > backoff) && !f.hasStopped() {
		return nil
	}
	f.revived++
	return f.restart(t)
}

func (f *follower) hasStopped() bool {
	if f.asked == nil || time.Since(f.began) < stopped {
		return false
	}
	return time.Since(f.asked(0)) > stopped || time.Since(f.asked(1)) > stopped
}

func (f *follower) restart(t *town) (err error) {
	if f.program != nil {
		f.program.kill()
		f.kills++
	}
	if f.program, err = f.kind.start(t, f.dir); err != nil {
		return err
	}
	f.began, f.last = time.Now(), [2]shown{}
	return nil
}

// nacosKind has relays of its own, for each city one.
func nacosKind(t *town, of polaristest.NacosKind) (k kind, err error) {
	dir := filepath.Join(t.plan.built, of.Language+"-"+of.Version)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return k, err
	}
	command, err := of.Build(t.plan.clients, dir, of.Version)
	if err != nil {
		return k, err
	}
	var relays [2]*polaristest.NacosRelay
	for city := range relays {
		if relays[city], err = polaristest.NewNacosRelay(source(city), t.nacos); err != nil {
			return k, err
		}
	}
	each := func(do func(*polaristest.NacosRelay)) func() {
		return func() { do(relays[0]); do(relays[1]) }
	}
	return kind{
		name: of.String(),
		start: func(_ *town, dir string) (running, error) {
			program, err := polaristest.StartNacos(command, nil, dir, relays[0].Addr, relays[1].Addr)
			if err != nil {
				return nil, err
			}
			p := &nacosProgram{Nacos: program, kind: "pushed"}
			if of.String() == "nacos-sdk-python 1.0.0" {
				p.kind = "query"
				go p.poll()
				return p, nil
			}
			return p, program.Do("subscribe " + service)
		},
		cut: each(func(r *polaristest.NacosRelay) {
			for _, one := range []*polaristest.Relay{r.HTTP, r.GRPC} {
				one.Cut()
				one.Mend()
			}
		}),
		hold: each((*polaristest.NacosRelay).Hold), release: each((*polaristest.NacosRelay).Release),
		close: func() error { return errors.Join(relays[0].Close(), relays[1].Close()) },
	}, nil
}

// nacosProgram is a Nacos program, of which take has returned some news.
type nacosProgram struct {
	*polaristest.Nacos
	kind  string // of the news that have lists
	taken int
}

// poll asks for the list each second, until the program ends. Subscriptions of
// nacos-sdk-python 1.0.0 end with the first poll that fails (docs/compatibility.md).
func (p *nacosProgram) poll() {
	for ; !p.Ended(); time.Sleep(time.Second) {
		_ = p.Do("query " + service)
	}
}

func (p *nacosProgram) take() (out []shown) {
	news := p.News(p.taken)
	p.taken += len(news)
	for _, n := range news {
		if n.Kind == "subscribe" && n.Error != "" { // it was started without a network
			_ = p.Do("subscribe " + service)
		}
		if n.Kind == p.kind && n.Error == "" {
			out = append(out, shown{city: n.Client, at: n.Time(), list: strings.Join(n.Hosts, " ")})
		}
	}
	return out
}

func (p *nacosProgram) kill() { p.Kill() }
