package nacos

import (
	"errors"
	"sync"
)

// maxSubscriptions is how many lists a connection may have subscribed to.
const maxSubscriptions = 20_000

var errTooMany = errors.New("this connection has subscribed to 20000 lists, and can subscribe to no more")

// subscriptions are the lists that a connection has subscribed to, with the state of the
// list that was sent last. The zero value is ready for use.
type subscriptions struct {
	lists sync.Mutex // guards sent
	sent  map[query]state
}

// set notes what was sent to a subscriber.
func (s *subscriptions) set(q query, sent state) error {
	s.lists.Lock()
	defer s.lists.Unlock()
	if s.sent == nil {
		s.sent = map[query]state{}
	}
	if _, ok := s.sent[q]; !ok && len(s.sent) >= maxSubscriptions {
		return errTooMany
	}
	s.sent[q] = sent
	return nil
}

// update notes what was sent to a subscriber, if it is still one.
func (s *subscriptions) update(q query, sent state) (ok bool) {
	s.lists.Lock()
	defer s.lists.Unlock()
	if _, ok = s.sent[q]; ok {
		s.sent[q] = sent
	}
	return ok
}

func (s *subscriptions) remove(q query) {
	s.lists.Lock()
	defer s.lists.Unlock()
	delete(s.sent, q)
}

// clear ends all subscriptions.
func (s *subscriptions) clear() {
	s.lists.Lock()
	defer s.lists.Unlock()
	s.sent = nil
}

// changed returns the subscriptions whose list has another state than the list that was sent
// last. Where now fails, the subscriber keeps what it has.
func (s *subscriptions) changed(now func(query) (state, error)) (list []query) {
	s.lists.Lock()
	defer s.lists.Unlock()
	for q, sent := range s.sent {
		if state, err := now(q); err == nil && state != sent {
			list = append(list, q)
		}
	}
	return list
}

// count returns how many lists the connection has subscribed to.
func (s *subscriptions) count() int {
	s.lists.Lock()
	defer s.lists.Unlock()
	return len(s.sent)
}
