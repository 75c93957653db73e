package nodes

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/polaris-contrib/setrouter/plugin/router"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
)

const (
	// maxKinds is how many kinds of callers a node tells of, the worst first.
	maxKinds = 2000
	// maxCallersAnswer bounds what is read of a node's answer.
	maxCallersAnswer = 1 << 20

	// callersText is what the proof of the question is of.
	callersText = "callers"
)

// CallersNow returns what the callers of all nodes have now, the worst first. The other
// nodes tell only a node that proves the set-admin token: without a token these are the
// callers of this node, and a note says so. CallersNow takes 2 s at most.
func CallersNow(ctx context.Context, s *router.Server) api.CallerStates {
	states := s.CallersNow()
	list, _, _ := membersOf(s)
	if len(list) < 2 {
		return states
	}
	if s.Config().Admin.Token == "" {
		states.Alone = true
		states.Notes = append(states.Notes, alone(len(list)-1))
		return states
	}
	addAll(&states, list, func(n api.Node) (api.CallerStates, error) {
		return askCallers(ctx, n.Address, s.Config().GRPCTLS, s.Config().Admin.Token, s.Now())
	})
	return states
}

// alone says why the other nodes tell nothing.
func alone(others int) string {
	return fmt.Sprintf("of this node alone: the set-admin listener has no token, without which the %d other nodes do not tell of their callers", others)
}

// addAll asks the other nodes of a list at the same time, and adds what they say.
func addAll(states *api.CallerStates, list []api.Node, ask func(api.Node) (api.CallerStates, error)) {
	states.Notes = append(states.Notes, gather(list, ask, states.Add)...)
}

// gather asks the other nodes of a list at the same time, and then adds the answer of each.
// It returns which nodes have no answer, and why.
func gather[T any](list []api.Node, ask func(api.Node) (T, error), add func(T)) (notes []string) {
	answers := make([]T, len(list))
	problems, answered := make([]string, len(list)), make([]bool, len(list))
	var all sync.WaitGroup
	for i, n := range list {
		if n.Self {
			continue
		}
		all.Go(func() {
			defer func() {
				if p := recover(); p != nil { // in a goroutine that nobody guards
					problems[i] = fmt.Sprintf("panic: %v", p)
				}
			}()
			var err error
			switch answers[i], err = ask(n); {
			case err == nil:
				answered[i] = true
			case !n.Healthy && isSilent(err): // Polaris has dropped it: it has no callers
			default:
				problems[i] = problem(err, patience)
			}
		})
	}
	all.Wait()
	for i, n := range list {
		switch {
		case n.Self:
		case problems[i] != "":
			notes = append(notes, fmt.Sprintf("without those of %s, which %s", n.Address, problems[i]))
		case answered[i]:
			add(answers[i])
		}
	}
	return notes
}

// askCallers asks a node for its callers.
func askCallers(ctx context.Context, address string, withTLS bool, token string, now time.Time) (states api.CallerStates, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	message, err := json.Marshal(newProof(token, address, callersText, now))
	if err != nil {
		return states, err
	}
	if err := invoke(ctx, address, withTLS, call{CallersMethod, wrapperspb.Bytes(message), maxCallersAnswer}, &states); err != nil {
		return states, err
	}
	if err := states.Check(); err != nil {
		return states, unreadable{err}
	}
	return states, nil
}

// callerTeller answers for the callers of this node.
type callerTeller struct {
	verifier *verifier
	now      func() time.Time
	callers  func() api.CallerStates
}

func (t callerTeller) answer(message []byte) (*wrapperspb.BytesValue, error) {
	if err := t.verifier.admit(message, callersText, t.now()); err != nil {
		return nil, err
	}
	states := t.callers()
	states.Cut(maxKinds)
	data, err := json.Marshal(states)
	return wrapperspb.Bytes(data), err
}
