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

	"github.com/polaris-contrib/setrouter/internal/plural"
	"github.com/polaris-contrib/setrouter/plugin/router"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
)

// othersOf returns the nodes to ask, this one among them, and how they are asked. Where
// they would tell nothing, it returns no nodes, and a note that says why. Without other
// nodes it returns neither.
func othersOf(s *router.Server) (list []api.Node, q question, note string) {
	list, _, _ = membersOf(s)
	token := s.Config().Admin.Token
	switch {
	case len(list) < 2:
		return nil, q, ""
	case token == "":
		return nil, q, alone(len(list) - 1)
	}
	return list, question{token, s.Config().GRPCTLS, s.Now()}, ""
}

// alone says why the other nodes tell nothing.
func alone(others int) string {
	return fmt.Sprintf("of this node alone: the set-admin listener has no token, without which the %s not tell of their callers", plural.Count(others, "other node does", "other nodes do"))
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

// question is how another node is asked.
type question struct {
	token   string
	withTLS bool
	now     time.Time
}

// answer is what a node says. Check returns an error if no node would say it.
type answer interface{ Check() error }

// ask asks a node with a proof of a text. It takes as long as patience at most.
func (q question) ask(ctx context.Context, address, method, text string, limit int, into answer) error {
	return q.send(ctx, address, method, newProof(q.token, address, text, q.now), limit, into)
}

// send is ask with a message that has a proof in it.
func (q question) send(ctx context.Context, address, method string, message any, limit int, into answer) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	data, err := json.Marshal(message)
	if err != nil {
		return err
	}
	if err := invoke(ctx, address, q.withTLS, call{method, wrapperspb.Bytes(data), limit}, into); err != nil {
		return err
	}
	if err := into.Check(); err != nil {
		return unreadable{err}
	}
	return nil
}

// admit returns an error unless a message is the proof of a text.
func (v *verifier) admit(message []byte, text string, now time.Time) error {
	var p proof
	if err := json.Unmarshal(message, &p); err != nil {
		return status.Error(codes.InvalidArgument, "the message cannot be read")
	}
	if err := v.check(p, text, now); err != nil {
		return status.Error(codes.PermissionDenied, err.Error())
	}
	return nil
}
