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

// contact records when and how an API server last answered one feed. Informers
// report a watch that fails, and do not report a watch that works.
type contact struct {
	mu    sync.Mutex
	heard time.Time // when the API server last answered
	err   error     // why the last exchange failed; nil: the exchange succeeded
}

func (c *contact) succeeded() {
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

// wrap is the WrapTransport of a rest.Config.
func (c *contact) wrap(next http.RoundTripper) http.RoundTripper { return &listener{next, c} }

// listener records in contact how the requests of a feed end.
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
	case resp.StatusCode >= 400 && resp.StatusCode != http.StatusGone: // after 410 the informer lists again
		l.contact.failed(fmt.Errorf("the API server answers %s to %s", resp.Status, req.URL.Path))
	default:
		l.contact.succeeded()
		resp.Body = &heardBody{resp.Body, l.contact}
	}
	return resp, err
}

// WrappedRoundTripper lets utilnet.CloseIdleConnectionsFor find the transport.
func (l *listener) WrappedRoundTripper() http.RoundTripper { return l.next }

// heardBody records in contact each piece of a watch. A quiet cluster sends a
// bookmark every minute.
type heardBody struct {
	io.ReadCloser
	contact *contact
}

func (b *heardBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 {
		b.contact.succeeded()
	}
	if err != nil && !errors.Is(err, io.EOF) {
		b.contact.failed(err)
	}
	return n, err
}
