package nodes

import (
	"context"
	"encoding/json"
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
	list, others, note := othersOf(s)
	if note != "" {
		seen.Alone = true
		seen.Notes = append(seen.Notes, note)
	}
	q.Names = []string{}
	for _, n := range seen.Quiet {
		q.Names = append(q.Names, n.Name)
	}
	seen.Notes = append(seen.Notes, gather(list, func(n api.Node) (api.CallerList, error) { return others.seen(ctx, n.Address, q) }, seen.Add)...)
	return seen
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

// seen asks a node for its callers.
func (q question) seen(ctx context.Context, address string, query api.CallerQuery) (list api.CallerList, err error) {
	message := seenMessage{query, newProof(q.token, address, seenText(query), q.now)}
	err = q.send(ctx, address, SeenMethod, message, maxSeenAnswer, &list)
	return list, err
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
