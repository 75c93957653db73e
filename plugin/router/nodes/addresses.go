package nodes

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/polaris-contrib/setrouter/plugin/router"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

const (
	// maxTold is of how many callers a node tells, and maxPairs for how many pairs of
	// service and caller.
	maxTold  = 20_000
	maxPairs = 200_000
	// maxAddressesAnswer bounds what is read of a node's answer: an address has 41 letters
	// at most.
	maxAddressesAnswer = 16 << 20

	// addressesText is what the proof of the question is of.
	addressesText = "addresses"
)

// Addresses returns who asked any node lately, and for what. Notes say of which nodes
// these are not the callers, as for CallersNow. Addresses takes 2 s at most.
func Addresses(ctx context.Context, s *router.Server) (callers world.Callers, notes []string) {
	callers = s.CallerAddresses()
	list, q, note := othersOf(s)
	switch {
	case note != "":
		return callers, []string{"callers " + note}
	case list == nil:
		return callers, nil
	}
	return addAddresses(callers, list, q.addresses(ctx))
}

// addAddresses asks the other nodes of a list at the same time, and adds what they say.
func addAddresses(callers world.Callers, list []api.Node, ask func(api.Node) (world.Callers, error)) (world.Callers, []string) {
	notes := gather(list, ask, callers.Add)
	for n := range notes {
		notes[n] = "callers " + notes[n]
	}
	if !callers.Complete {
		notes = append(notes, fmt.Sprintf("there are more callers than are told: of a node the %d with the most requests", maxTold))
	}
	return callers, notes
}

// addresses returns a function that asks a node for its callers.
func (q question) addresses(ctx context.Context) func(api.Node) (world.Callers, error) {
	return func(n api.Node) (callers world.Callers, err error) {
		err = q.ask(ctx, n.Address, AddressesMethod, addressesText, maxAddressesAnswer, &callers)
		return callers, err
	}
}

// addressTeller answers for the callers of this node.
type addressTeller struct {
	verifier *verifier
	now      func() time.Time
	callers  func() world.Callers
}

func (t addressTeller) answer(message []byte) (*wrapperspb.BytesValue, error) {
	if err := t.verifier.admit(message, addressesText, t.now()); err != nil {
		return nil, err
	}
	callers := t.callers()
	callers.Cut(maxTold, maxPairs)
	data, err := json.Marshal(callers)
	return wrapperspb.Bytes(data), err
}
