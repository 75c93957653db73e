package nodes

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/polaris-contrib/setrouter/plugin/router"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
)

// maxSeenAnswer bounds what is read of a node's answer.
const maxSeenAnswer = 1 << 22

// CallersSeen returns who asked all nodes for what lately, and the names that nobody asked
// any node for. The other nodes tell only a node that proves the set-admin token, as for
// CallersNow. CallersSeen takes 2 s at most.
func CallersSeen(ctx context.Context, s *router.Server, q api.CallerQuery) api.CallerList {
	seen := s.CallersSeen(q)
	list, _, _ := membersOf(s)
	if len(list) < 2 {
		return seen
	}
	if s.Config().Admin.Token == "" {
		seen.Alone = true
		seen.Notes = append(seen.Notes, aloneNote(len(list)-1))
		return seen
	}
	q.Names = []string{}
	for _, n := range seen.Quiet {
		q.Names = append(q.Names, n.Name)
	}
	addSeen(&seen, list, func(n api.Node) (api.CallerList, error) {
		return askSeen(ctx, n.Address, s.Config().GRPCTLS, s.Config().Admin.Token, s.Now(), q)
	})
	return seen
}

// aloneNote says that other nodes do not tell of their callers.
func aloneNote(others int) string {
	return fmt.Sprintf("of this node alone: the set-admin listener has no token, without which the %d other nodes do not tell of their callers", others)
}

// addSeen asks the other nodes of a list at the same time, and adds what they say.
func addSeen(seen *api.CallerList, list []api.Node, ask func(api.Node) (api.CallerList, error)) {
	answers, problems := askOthers(list, ask)
	for i, n := range list {
		switch {
		case problems[i] != "":
			seen.Notes = append(seen.Notes, fmt.Sprintf("without those of %s, which %s", n.Address, problems[i]))
		case answers[i] != nil:
			seen.Add(*answers[i])
		}
	}
}

// askOthers asks the other nodes of a list at the same time. Each has an answer, or a
// problem, or neither: a node that Polaris has dropped, and that is silent, has no callers.
func askOthers[T any](list []api.Node, ask func(api.Node) (T, error)) (answers []*T, problems []string) {
	answers, problems = make([]*T, len(list)), make([]string, len(list))
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
			switch answer, err := ask(n); {
			case err == nil:
				answers[i] = &answer
			case n.Healthy || !isSilent(err):
				problems[i] = problem(err, patience)
			}
		})
	}
	all.Wait()
	return answers, problems
}

// seenMessage asks a node for its callers.
type seenMessage struct {
	Query api.CallerQuery `json:"query"`
	proof
}

// seenText returns what the proof of a seenMessage is of.
func seenText(q api.CallerQuery) string {
	text, _ := json.Marshal(q) // of strings and an address: no error is possible
	return "seen " + string(text)
}

// askSeen asks a node for its callers.
func askSeen(ctx context.Context, address string, withTLS bool, token string, now time.Time, q api.CallerQuery) (list api.CallerList, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	message, err := json.Marshal(seenMessage{q, newProof(token, address, seenText(q), now)})
	if err != nil {
		return list, err
	}
	if err := invoke(ctx, address, withTLS, call{SeenMethod, wrapperspb.Bytes(message), maxSeenAnswer}, &list); err != nil {
		return list, err
	}
	if err := list.Check(); err != nil {
		return list, unreadable{err}
	}
	return list, nil
}

// seenTeller answers seenMessages for the callers of this node.
type seenTeller struct {
	verifier *verifier
	now      func() time.Time
	seen     func(api.CallerQuery) api.CallerList
}

func (t seenTeller) answer(message []byte) (*wrapperspb.BytesValue, error) {
	var m seenMessage
	if err := json.Unmarshal(message, &m); err != nil {
		return nil, status.Error(codes.InvalidArgument, "the message cannot be read")
	}
	if err := t.verifier.check(m.proof, seenText(m.Query), t.now()); err != nil {
		return nil, status.Error(codes.PermissionDenied, err.Error())
	}
	list := t.seen(m.Query)
	list.Cut(maxKinds)
	data, err := json.Marshal(list)
	return wrapperspb.Bytes(data), err
}
