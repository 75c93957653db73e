package configcenter

import (
	"errors"
	"fmt"
	"time"

	"github.com/polaris-contrib/setrouter/internal/observe"
)

// storePatience is how long a store may take to say that it is there. It is a
// variable for tests.
var storePatience = 3 * time.Second

// question is put to the store: done is closed when err is the answer.
type question struct {
	done chan struct{}
	err  error
}

// load makes sure that what the cache does not have is not there. The server
// fills its caches once at its start, and goes on where that failed: to ask it
// to do so again is how to tell an empty store from one that is away.
func (c *Center) load(from *stock) error { return c.ask("releases", from.releases.Update) }

// ask puts a question to the store until it was answered once. A store that
// hangs is away; the question then stays, and is not put again.
func (c *Center) ask(about string, put func() error) error {
	c.mu.Lock()
	if c.answered[about] {
		c.mu.Unlock()
		return nil
	}
	q := c.asking[about]
	if q == nil {
		q = &question{done: make(chan struct{}), err: errors.New("panic in the server's cache")}
		if c.asking == nil {
			c.asking, c.answered = map[string]*question{}, map[string]bool{}
		}
		c.asking[about] = q
		go func() {
			observe.Safely(reading, func() { q.err = put() })
			c.answer(about, q)
		}()
	}
	c.mu.Unlock()
	select {
	case <-q.done:
	case <-time.After(storePatience):
		return errors.New("the store of the config center does not answer")
	}
	if q.err != nil {
		return fmt.Errorf("the store of the config center cannot be read: %w", q.err)
	}
	return nil
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
