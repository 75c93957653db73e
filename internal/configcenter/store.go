package configcenter

import (
	"errors"
	"fmt"
	"time"

	"github.com/polaris-contrib/setrouter/internal/observe"
)

// storePatience is how long the store may take to answer. It is a variable for
// tests.
var storePatience = 3 * time.Second

// question is something that the store is asked. When done is closed, err is the
// answer.
type question struct {
	done chan struct{}
	err  error
}

// loadReleases makes sure that a release which the cache does not have does not
// exist. The server fills its caches once, at its start, and goes on where that
// failed. So the Center has the cache updated once more: an error tells a store
// that is away from an empty one.
func (c *Center) loadReleases(parts *serverParts) error {
	return c.ask("releases", parts.releases.Update)
}

// ask asks the store a question until it has been answered once. A store that
// hangs counts as away: the question stays open, and is not asked again.
func (c *Center) ask(about string, put func() error) error {
	c.mu.Lock()
	if c.answered[about] {
		c.mu.Unlock()
		return nil
	}
	q := c.asking[about]
	if q == nil {
		q = c.begin(about, put)
	}
	c.mu.Unlock()
	select {
	case <-q.done:
	case <-time.After(storePatience):
		return errors.New("the store of the config center does not answer")
	}
	if q.err != nil {
		return unreadable(q.err)
	}
	return nil
}

// begin asks a question in a goroutine of its own. The caller holds c.mu.
func (c *Center) begin(about string, put func() error) *question {
	q := &question{done: make(chan struct{}), err: errors.New("panic in the server's cache")}
	if c.asking == nil {
		c.asking, c.answered = map[string]*question{}, map[string]bool{}
	}
	c.asking[about] = q
	go func() {
		observe.Safely(reading, func() { q.err = put() })
		c.answer(about, q)
	}()
	return q
}

func (c *Center) answer(about string, q *question) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.asking, about)
	if q.err == nil {
		c.answered[about] = true
	}
	close(q.done)
}

func unreadable(err error) error {
	return fmt.Errorf("the store of the config center cannot be read: %w", err)
}
