package kubernetes

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/polaris-contrib/setrouter/internal/clock"
)

// contact watches what an API server says to one feed: the informers do not
// tell when a watch works, only when it does not.
type contact struct {
	mu    sync.Mutex
	heard time.Time
	err   error // why the last exchange failed; nil: it did not
}

func (c *contact) ok() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.heard, c.err = clock.Now(), nil
}

func (c *contact) failed(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = err
}

func (c *contact) state() (heard time.Time, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.heard, c.err
}

// wrap is a rest.Config's WrapTransport.
func (c *contact) wrap(next http.RoundTripper) http.RoundTripper { return &listener{next, c} }

// listener notes how requests of a feed end.
type listener struct {
	next    http.RoundTripper
	contact *contact
}

// RoundTrip implements http.RoundTripper.
func (l *listener) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := l.next.RoundTrip(req)
	switch {
	case req.Context().Err() != nil:
	case err != nil:
		l.contact.failed(err)
	case resp.StatusCode >= 400 && resp.StatusCode != http.StatusGone: // 410: list again
		l.contact.failed(fmt.Errorf("the API server answers %s to %s", resp.Status, req.URL.Path))
	default:
		l.contact.ok()
		resp.Body = &heardBody{resp.Body, l.contact}
	}
	return resp, err
}

// WrappedRoundTripper is for those who close idle connections.
func (l *listener) WrappedRoundTripper() http.RoundTripper { return l.next }

// heardBody notes each piece of a watch: in a quiet cluster that is a bookmark
// a minute.
type heardBody struct {
	io.ReadCloser
	contact *contact
}

func (b *heardBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 {
		b.contact.ok()
	}
	if err != nil && !errors.Is(err, io.EOF) {
		b.contact.failed(err)
	}
	return n, err
}
