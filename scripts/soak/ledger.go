package main

import (
	"crypto/sha256"
	"fmt"

	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"
)

// ledger has every revision of a view that was ever given, and its content: all
// that clients receive, the revision itself left out. Equal content has an equal
// revision, over nodes and restarts (docs/design.md, 5.4).
type ledger struct {
	content  map[string][32]byte // by revision
	revision map[[32]byte]string
	forSDK   map[string]string // what of the content SDKs show, by revision
}

func newLedger() ledger {
	return ledger{map[string][32]byte{}, map[[32]byte]string{}, map[string]string{}}
}

// note tells what is wrong with an answer beside those before. A stock revision
// is the stock server's; it must not be one of a view.
func (l *ledger) note(resp *apiservice.DiscoverResponse) string {
	revision := resp.GetService().GetRevision().GetValue()
	if revision == "" {
		return "the answer has no revision"
	}
	if !routed(resp) {
		return ""
	}
	sum, err := contentOf(resp)
	if err != nil {
		return err.Error()
	}
	if before, there := l.content[revision]; there && before != sum {
		return fmt.Sprintf("revision %s had other content before", revision)
	}
	if before, there := l.revision[sum]; there && before != revision {
		return fmt.Sprintf("the same content had revision %s before, and has %s", before, revision)
	}
	l.content[revision], l.revision[sum] = sum, revision
	l.forSDK[revision] = digest(shown(resp))
	return ""
}

func contentOf(resp *apiservice.DiscoverResponse) (sum [32]byte, err error) {
	whole := protoadapt.MessageV2Of(resp)
	bare := protoadapt.MessageV1Of(proto.Clone(whole)).(*apiservice.DiscoverResponse)
	bare.Service.Revision = nil
	text, err := proto.MarshalOptions{Deterministic: true}.Marshal(protoadapt.MessageV2Of(bare))
	return sha256.Sum256(text), err
}

// shown is what an SDK shows of the instances, without their order.
func shown(resp *apiservice.DiscoverResponse) []string {
	var out []string
	for _, i := range resp.Instances {
		out = append(out, shownOne(i.GetHost().GetValue(), int(i.GetPort().GetValue()),
			i.GetHealthy().GetValue(), i.GetIsolate().GetValue(), int(i.GetWeight().GetValue())))
	}
	return sorted(out)
}

func shownOne(host string, port int, healthy, isolated bool, weight int) string {
	return fmt.Sprintf("%s:%d %t %t %d", host, port, healthy, isolated, weight)
}
