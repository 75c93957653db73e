package configcenter

import (
	"errors"
	"fmt"
	"time"
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
// to do so again is how to tell an empty store from one that is away. One that
// hangs is away; the question then stays, and is not put again.
func (c *Center) load(from releases) error {
	c.mu.Lock()
	if c.loaded {
		c.mu.Unlock()
		return nil
	}
	if c.asking == nil {
		c.asking = &question{done: make(chan struct{})}
		go c.ask(from, c.asking)
	}
	q := c.asking
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

func (c *Center) ask(from releases, q *question) {
	q.err = errors.New("panic in the server's cache")
	defer close(q.done)
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.asking, c.loaded = nil, q.err == nil
	}()
	safely(func() { q.err = from.Update() })
}
