package nodes

import (
	"context"
	"encoding/json"
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
	list, q, note := othersOf(s)
	if note != "" {
		states.Alone = true
		states.Notes = append(states.Notes, note)
	}
	addAll(&states, list, func(n api.Node) (api.CallerStates, error) { return q.callers(ctx, n.Address) })
	return states
}

// addAll asks the other nodes of a list at the same time, and adds what they say.
func addAll(states *api.CallerStates, list []api.Node, ask func(api.Node) (api.CallerStates, error)) {
	states.Notes = append(states.Notes, gather(list, ask, states.Add)...)
}

// callers asks a node for its callers.
func (q question) callers(ctx context.Context, address string) (states api.CallerStates, err error) {
	err = q.ask(ctx, address, CallersMethod, callersText, maxCallersAnswer, &states)
	return states, err
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
