package nodes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/polaris-contrib/setrouter/plugin/router"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
	"github.com/polaris-contrib/setrouter/plugin/router/matrix"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

const (
	// maxGroups is how many groups of callers a node tells of.
	maxGroups = 50_000
	// maxAskedAnswer bounds what is read of a node's answer.
	maxAskedAnswer = 1 << 23

	// askedText is what the proof of the question is of.
	askedText = "asked"
)

// AskedNow returns the groups of callers of all nodes that asked lately. Notes say of which
// nodes these are not the callers, as for CallersNow. AskedNow takes 2 s at most.
func AskedNow(ctx context.Context, s *router.Server) (groups []matrix.Asked, complete bool, notes []string) {
	groups, complete = s.AskedNow()
	list, q, note := othersOf(s)
	if note != "" {
		return groups, complete, []string{note}
	}
	known := matrix.NewLists(groups)
	notes = gather(list, func(n api.Node) (askedAnswer, error) { return q.asked(ctx, n.Address) }, func(a askedAnswer) {
		for _, g := range a.groups(s.Now()) {
			groups = append(groups, known.Complete(g))
		}
		complete = complete && a.Complete
	})
	return groups, complete, notes
}

func (q question) asked(ctx context.Context, address string) (a askedAnswer, err error) {
	err = q.ask(ctx, address, AskedMethod, askedText, maxAskedAnswer, &a)
	return a, err
}

// askedAnswer is groups of callers as they go from node to node: each field of all groups
// is a list, and texts are told once.
type askedAnswer struct {
	Complete bool     `json:"complete"` // false: the node does not remember, or tell of, all callers
	Texts    []string `json:"texts"`

	// Numbers in Texts. Service and State are known of each group.
	Service []int `json:"service"`
	Rule    []int `json:"rule"`
	Kind    []int `json:"kind"`
	State   []int `json:"state"`
	Tier    []int `json:"tier"`
	Level   []int `json:"level"`

	Usable  []int        `json:"usable"`
	Sent    []int        `json:"sent"`
	Callers []int        `json:"callers"`
	Ago     []int        `json:"ago"` // seconds since the last request
	Example []netip.Addr `json:"example"`
}

// newAskedAnswer returns the first groups as they go to another node.
func newAskedAnswer(groups []matrix.Asked, complete bool, now time.Time) askedAnswer {
	a := askedAnswer{Complete: complete && len(groups) <= maxGroups}
	index := map[string]int{}
	text := func(s string) int {
		n, ok := index[s]
		if !ok {
			n = len(a.Texts)
			index[s], a.Texts = n, append(a.Texts, s)
		}
		return n
	}
	for _, g := range groups[:min(len(groups), maxGroups)] {
		k := g.State
		a.Service, a.Rule, a.Kind = append(a.Service, text(k.Service)), append(a.Rule, text(k.Rule)), append(a.Kind, text(k.Kind))
		a.State, a.Tier, a.Level = append(a.State, text(k.State)), append(a.Tier, text(k.Tier)), append(a.Level, text(k.Level))
		a.Usable, a.Sent, a.Callers = append(a.Usable, k.Usable), append(a.Sent, k.Sent), append(a.Callers, k.Callers)
		a.Ago, a.Example = append(a.Ago, int(now.Sub(k.Last)/time.Second)), append(a.Example, k.Example)
	}
	return a
}

// Check returns an error for an answer that no node would give.
func (a *askedAnswer) Check() error {
	count := len(a.Service)
	if count > maxGroups {
		return fmt.Errorf("it has %d groups of callers", count)
	}
	for _, list := range [][]int{a.Service, a.Rule, a.Kind, a.State, a.Tier, a.Level, a.Usable, a.Sent, a.Callers, a.Ago} {
		if len(list) != count || len(a.Example) != count {
			return errors.New("it has not as many of one thing as of another")
		}
		for _, n := range list {
			if n < 0 {
				return errors.New("a number is below 0")
			}
		}
	}
	for _, list := range [][]int{a.Service, a.Rule, a.Kind, a.State, a.Tier, a.Level} {
		for _, n := range list {
			if n >= len(a.Texts) {
				return errors.New("a text is missing")
			}
		}
	}
	for n := range count {
		if !api.IsState(a.Texts[a.State[n]]) {
			return errors.New("callers in a state that there is not")
		}
		if !a.Example[n].IsValid() {
			return errors.New("callers without an address")
		}
	}
	return nil
}

// groups returns the groups. Those of names that no service can have are left out.
func (a *askedAnswer) groups(now time.Time) (out []matrix.Asked) {
	for n := range a.Service {
		service, err := route.ParseService(a.Texts[a.Service[n]])
		if err != nil {
			continue
		}
		out = append(out, matrix.Asked{Service: service, State: api.KindState{
			Service: service.String(), Rule: a.Texts[a.Rule[n]], Kind: a.Texts[a.Kind[n]], State: a.Texts[a.State[n]], Tier: a.Texts[a.Tier[n]], Level: a.Texts[a.Level[n]],
			Usable: a.Usable[n], Sent: a.Sent[n], Callers: a.Callers[n], Example: a.Example[n], Last: now.Add(-time.Duration(a.Ago[n]) * time.Second),
		}})
	}
	return out
}

// askedTeller answers for the groups of callers of this node.
type askedTeller struct {
	verifier *verifier
	now      func() time.Time
	groups   func() (groups []matrix.Asked, complete bool)
}

func (t askedTeller) answer(message []byte) (*wrapperspb.BytesValue, error) {
	if err := t.verifier.admit(message, askedText, t.now()); err != nil {
		return nil, err
	}
	groups, complete := t.groups()
	data, err := json.Marshal(newAskedAnswer(groups, complete, t.now()))
	return wrapperspb.Bytes(data), err
}
