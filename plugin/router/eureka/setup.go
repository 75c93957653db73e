// Package eureka routes the clients of the Eureka listener, `service-eureka`.
//
// The stock listener reads the registry past the discovery interface. It makes
// one list every refreshInterval, and sends that list to every caller. So this
// package listens in its place, with the stock listener's own routes. The answers of
// the routes that have instances are written here, from the views that the router has
// at that moment; of a service that no rule concerns, from the registry. No answer is
// cut out of a stock answer. Where no rule is for the namespace, the stock route
// answers. The stock listener itself does not listen: docs/decisions/0010 says how.
//
// Where a rule is for the namespace, a delta is made from the caller's views, too
// (docs/design.md, 6.1). For deltaExpireInterval a node remembers which views it gave to
// an address in a namespace. A delta has all that came, changed or went in these, so that
// a client that has any of them ends with the view: also a client that polls rarely behind
// the address of another, and one whose last answer was lost. Views are shared among
// addresses, and told apart by what they have: remembering an address takes some 200
// bytes. Eureka's own hashcode counts instances by status only, so that a view alone does
// not say what its client has.
//
// Where the node does not know what the clients of an address have, the delta has no
// instance, and a hashcode at which no client arrives: each fetches all, as the protocol
// says, and keeps its list until then. With instances in such a delta a client would have
// these beside its own, and longer than a moment where the full list does not come. The
// same is sent in the first interval after that, and then in one of every checkEvery
// intervals: a client came from another node, maybe, or was silent for too long behind the
// address of another. A client that does not look at the hashcode, as eureka-js-client,
// misses what happened while the node was away, and gets what happens in such an interval
// after it.
//
// Eureka has no weights. Under a rule with `rollout: {by: weight}` clients get
// the instances, and share among them evenly. A lane address is answered only if
// it is a service with instances of its own.
//
// Without routing files the stock listener is left alone. A fault in routing is logged
// and counted, and the stock answer is sent, or status 503 with failOpen: false.
//
// setup.go is the listener in the life cycle of Polaris, and listen.go reads its
// options. front.go listens, and has the stock routes; stock.go does what the stock
// listener does around them. query.go says what a request asks for, serve.go and delta.go
// answer. list.go asks for what the caller should see, and view.go is how clients keep it.
// memory.go remembers views in generations.go, and changes.go compares them. write.go sends
// an answer, in a form of syntax.go, with instances from fragment.go, which
// instanceinfo.go shows as the stock listener does.
package eureka

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"

	"github.com/polarismesh/polaris/apiserver"
	_ "github.com/polarismesh/polaris/apiserver/eurekaserver" // registers the slot before the init here wraps it

	"github.com/polaris-contrib/setrouter/internal/listen"
	"github.com/polaris-contrib/setrouter/internal/serverconfig"
	"github.com/polaris-contrib/setrouter/plugin/router"
)

const slotName = serverconfig.EurekaName

func init() { wrap(apiserver.Slots) }

func wrap(slots map[string]apiserver.Apiserver) {
	if stock, ok := slots[slotName].(stockServer); ok {
		slots[slotName] = &slot{stock: stock, routing: runningRouting}
	}
}

// slot is the stock listener, with a front where the server has routing files.
type slot struct {
	stock   stockServer
	routing func() routing // returns nil where the server has no routing files

	front atomic.Pointer[front] // nil: the stock listener is alone
}

var _ apiserver.Apiserver = (*slot)(nil)

// GetProtocol implements apiserver.Apiserver.
func (s *slot) GetProtocol() string { return s.stock.GetProtocol() }

// GetPort returns the port that clients know.
func (s *slot) GetPort() uint32 {
	if f := s.front.Load(); f != nil {
		return uint32(f.listen.Port)
	}
	return s.stock.GetPort()
}

// Initialize makes the front, and tells the stock listener to listen behind it.
func (s *slot) Initialize(ctx context.Context, option map[string]any, apis map[string]apiserver.APIConfig) error {
	if err := router.Ready(); err != nil {
		return err
	}
	var f *front
	if routing := s.routing(); routing != nil {
		var err error
		if f, option, err = newFront(option, s.GetProtocol(), routing); err != nil {
			return fmt.Errorf("%s: %w", slotName, err)
		}
	} else if _, ok := option[listen.OptionProxyProtocol]; ok {
		return fmt.Errorf("%s: %s needs routing files: without them the stock listener is alone, which does not know it", slotName, listen.OptionProxyProtocol)
	}
	s.front.Store(f)
	return s.stock.Initialize(ctx, option, apis)
}

// Run serves until Stop. Polaris ends the process when a listener fails.
func (s *slot) Run(errCh chan error) {
	f := s.front.Load()
	if f == nil {
		s.stock.Run(errCh)
		return
	}
	if err := f.run(s.stock); err != nil && !errors.Is(err, http.ErrServerClosed) {
		errCh <- fmt.Errorf("%s: %w", slotName, err)
	}
}

// Stop ends the front, then the stock listener.
func (s *slot) Stop() {
	if f := s.front.Load(); f != nil {
		f.stop()
	}
	s.stock.Stop()
}

// Restart implements apiserver.Apiserver.
func (s *slot) Restart(option map[string]any, apis map[string]apiserver.APIConfig, errCh chan error) error {
	return router.Restart(s, option, apis, errCh)
}

// runningRouting returns the routing of this server, nil without routing files.
func runningRouting() routing {
	if server := router.Running(); server != nil && server.HasRules() {
		return serverRouting{server}
	}
	return nil
}
