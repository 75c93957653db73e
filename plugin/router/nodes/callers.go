package nodes

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
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
		states.Notes = append(states.Notes, aloneNote(len(list)-1))
		return states
	}
	addAll(&states, list, func(n api.Node) (api.CallerStates, error) {
		return askCallers(ctx, n.Address, s.Config().GRPCTLS, s.Config().Admin.Token, s.Now())
	})
	return states
}

// addAll asks the other nodes of a list at the same time, and adds what they say.
func addAll(states *api.CallerStates, list []api.Node, ask func(api.Node) (api.CallerStates, error)) {
	answers, problems := askOthers(list, ask)
	for i, n := range list {
		switch {
		case problems[i] != "":
			states.Notes = append(states.Notes, fmt.Sprintf("without those of %s, which %s", n.Address, problems[i]))
		case answers[i] != nil:
			states.Add(*answers[i])
		}
	}
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
	var p proof
	if err := json.Unmarshal(message, &p); err != nil {
		return nil, status.Error(codes.InvalidArgument, "the message cannot be read")
	}
	if err := t.verifier.check(p, callersText, t.now()); err != nil {
		return nil, status.Error(codes.PermissionDenied, err.Error())
	}
	states := t.callers()
	states.Cut(maxKinds)
	data, err := json.Marshal(states)
	return wrapperspb.Bytes(data), err
}
