package nacos

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"
	nacosmodel "github.com/polarismesh/polaris/apiserver/nacosserver/model"
	nacospb "github.com/polarismesh/polaris/apiserver/nacosserver/v2/pb"
	"google.golang.org/protobuf/types/known/anypb"
)

// lookInterval is how often the lists of subscribers are looked at. The caches of the
// server are as old as a second.
const lookInterval = 500 * time.Millisecond

// look finds out whose list has changed since it was sent, and has the list pushed. What
// stays the same costs no list: a look is one check for each kind of caller and service
// (router.Look).
func (s *connections) look() {
	look := s.routing.Look()
	for _, c := range s.list() {
		c.look(look)
	}
}

// look has the lists of the connection pushed that have changed. Where routing fails, or
// the caller cannot be told, the client keeps the list that it has.
func (c *connection) look(look look) {
	out := c.current()
	if out == nil {
		return
	}
	caller := c.callers.only()
	for _, q := range c.changed(func(q query) (state, error) { return stateOf(look, caller, q.polaris()) }) {
		out.push(q)
	}
}

// current returns the stream of the client, nil where there is none.
func (c *connection) current() *stream {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stream
}

// notify makes the push of a list to the subscriber of q. It returns nil where there is
// nothing to push.
func (c *connection) notify(r routing, q query) (*nacospb.Payload, error) {
	info, now, err := answer(r, c.callers.only(), q)
	if err != nil {
		return nil, nil // the client keeps what it has, and the next look tries again
	}
	if !c.update(q, now) {
		return nil, nil
	}
	return pushOf(q, info)
}

// pushOf returns the message that pushes a list.
func pushOf(q query, info *nacosmodel.ServiceInfo) (*nacospb.Payload, error) {
	body, err := json.Marshal(&nacospb.NotifySubscriberRequest{
		NamingRequest: nacospb.NewBasicNamingRequest(uuid.NewString(), q.namespace, q.service, q.group), ServiceInfo: info,
	})
	if err != nil {
		return nil, err
	}
	return &nacospb.Payload{Metadata: &nacospb.Metadata{Type: nacospb.TypeNotifySubscriberRequest}, Body: &anypb.Any{Value: body}}, nil
}
