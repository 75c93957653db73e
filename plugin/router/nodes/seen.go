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
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

const (
	// maxSeen is of how many callers a node tells, and maxPairs for how many pairs of
	// service and caller.
	maxSeen  = 20_000
	maxPairs = 200_000
	// maxSeenAnswer bounds what is read of a node's answer: an address has 41 letters at
	// most.
	maxSeenAnswer = 16 << 20

	// seenText is what the proof of the question is of.
	seenText = "seen"
)

// CallersSeen returns who asked any node lately, and for what. Notes say of which nodes
// these are not the callers, and why. CallersSeen takes 2 s at most.
func CallersSeen(ctx context.Context, s *router.Server) (callers world.Callers, notes []string) {
	callers = s.CallersSeen()
	list, _, _ := membersOf(s)
	if len(list) < 2 {
		return callers, nil
	}
	if s.Config().Admin.Token == "" {
		return callers, []string{fmt.Sprintf("the callers are those of this node alone: the set-admin listener has no token, without which the %d other nodes do not tell of their callers", len(list)-1)}
	}
	return addSeen(callers, list, func(n api.Node) (world.Callers, error) {
		return askSeen(ctx, n.Address, s.Config().GRPCTLS, s.Config().Admin.Token, s.Now())
	})
}

// addSeen asks the other nodes of a list at the same time, and adds what they say.
func addSeen(callers world.Callers, list []api.Node, ask func(api.Node) (world.Callers, error)) (world.Callers, []string) {
	others, errs := make([]world.Callers, len(list)), make([]error, len(list))
	var all sync.WaitGroup
	for i, n := range list {
		if n.Self {
			continue
		}
		all.Go(func() {
			defer func() {
				if p := recover(); p != nil { // in a goroutine that nobody guards
					errs[i] = fmt.Errorf("panic: %v", p)
				}
			}()
			others[i], errs[i] = ask(n)
		})
	}
	all.Wait()
	var notes []string
	for i, n := range list {
		switch {
		case n.Self, errs[i] != nil && !n.Healthy && isSilent(errs[i]): // Polaris has dropped it: it has no callers
		case errs[i] != nil:
			notes = append(notes, fmt.Sprintf("the callers are without those of %s, which %s", n.Address, problem(errs[i], patience)))
		default:
			callers.Add(others[i])
		}
	}
	if !callers.Complete {
		notes = append(notes, fmt.Sprintf("there are more callers than are told: of a node the %d with the most requests", maxSeen))
	}
	return callers, notes
}

// askSeen asks a node who asked it lately.
func askSeen(ctx context.Context, address string, withTLS bool, token string, now time.Time) (callers world.Callers, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	message, err := json.Marshal(newProof(token, address, seenText, now))
	if err != nil {
		return callers, err
	}
	if err := invoke(ctx, address, withTLS, call{SeenMethod, wrapperspb.Bytes(message), maxSeenAnswer}, &callers); err != nil {
		return callers, err
	}
	if err := callers.Check(); err != nil {
		return callers, unreadable{err}
	}
	return callers, nil
}

// answerSeen tells who asked this node lately.
func (t callerTeller) answerSeen(message []byte) (*wrapperspb.BytesValue, error) {
	if err := t.check(message, seenText); err != nil {
		return nil, err
	}
	callers := t.seen()
	callers.Cut(maxSeen, maxPairs)
	data, err := json.Marshal(callers)
	return wrapperspb.Bytes(data), err
}
