// Package backing watches what a server needs beside itself and what may go away: the
// store, and where heartbeats are kept. Lists stay as they are meanwhile, so that callers
// notice nothing; but nobody who comes, goes or falls ill is seen.
package backing

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/polaris-contrib/setrouter/internal/clock"
	"github.com/polaris-contrib/setrouter/internal/events"
	"github.com/polaris-contrib/setrouter/internal/observe"
)

// The kinds of backing services.
const (
	KindStore      = "store"
	KindHeartbeats = "heartbeats"
)

const (
	// interval is how often a backing service is asked.
	interval = 3 * time.Second
	// patience is how long a backing service may take to answer.
	patience = 3 * time.Second
	// maxProblem bounds the text of a fault.
	maxProblem = 200
)

// Service is a backing service, and whether it answers. It is safe for concurrent use.
type Service struct {
	Kind string // one of the kinds
	Name string // in the server's configuration, as defaultStore

	ask    func() error
	mu     sync.Mutex
	asking bool // a question has no answer yet
	state  State
}

// State is how a backing service is. The zero value: it answers.
type State struct {
	AwayAt  time.Time // since when it does not answer; zero: it answers
	Problem string    // what it answered last; empty: it answers
}

// New returns a service that is asked by ask, which returns an error if the service does
// not answer. Ask may take as long as it likes; a second call waits for the first.
func New(kind, name string, ask func() error) *Service {
	return &Service{Kind: kind, Name: name, ask: ask}
}

// State returns how the service was when it was last asked.
func (s *Service) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

// Watch asks the service every few seconds, as long as the process lives.
func (s *Service) Watch() {
	for {
		s.Check()
		time.Sleep(interval)
	}
}

// Check asks the service once. It returns after patience at the latest.
func (s *Service) Check() {
	s.note(s.answer())
}

// answer returns what the service answers within patience. Where an answer to an earlier
// question is still to come, the service does not answer.
func (s *Service) answer() error {
	late := fmt.Errorf("does not answer within %v", patience)
	s.mu.Lock()
	if s.asking {
		s.mu.Unlock()
		return late
	}
	s.asking = true
	s.mu.Unlock()
	answer := make(chan error, 1)
	go func() {
		err := errors.New("asking failed")
		observe.Safely("asking the "+s.Kind, func() { err = s.ask() })
		s.mu.Lock()
		s.asking = false
		s.mu.Unlock()
		answer <- err
	}()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case err := <-answer:
		return err
	case <-timer.C:
		return late
	}
}

// note keeps an answer, and says in metrics and log what has changed.
func (s *Service) note(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.state
	s.state = State{}
	up := 1.0
	if err != nil {
		up, s.state.AwayAt = 0, before.AwayAt
		if before.AwayAt.IsZero() {
			s.state.AwayAt = clock.Now()
		}
		s.state.Problem = err.Error()
		s.state.Problem = s.state.Problem[:min(len(s.state.Problem), maxProblem)]
	}
	observe.BackingUp.WithLabelValues(s.Kind).Set(up)
	switch {
	case err != nil && before.AwayAt.IsZero():
		s.tell(events.CodePartLost, events.SeverityAmber, "the "+s.Kind+" does not answer: lists stay as they are; "+s.state.Problem)
		observe.Log.Error("[SetRouter] the "+s.Kind+" does not answer: lists stay as they are", zap.String("name", s.Name), zap.Error(err))
	case err == nil && !before.AwayAt.IsZero():
		s.tell(events.CodePartBack, events.SeverityGood, "the "+s.Kind+" answers again")
		observe.Log.Info("[SetRouter] the "+s.Kind+" answers again", zap.String("name", s.Name), zap.Duration("away", clock.Now().Sub(before.AwayAt)))
	}
}

// tell notes an event.
func (s *Service) tell(code, severity, text string) {
	events.Noted.Note(events.Event{At: clock.Now(), Code: code, Severity: severity, Text: text, Args: map[string]string{"part": s.Kind, "detail": s.Name}})
}
