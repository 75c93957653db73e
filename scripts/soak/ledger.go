package main

import (
	"crypto/sha256"
	"fmt"

	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"
)

// ledger has every revision of a view that any caller was given, and its content:
// everything that clients receive except the revision. Equal content must have an
// equal revision, over nodes and restarts (docs/design.md, 5.4).
type ledger struct {
	content  map[string][32]byte // by revision
	revision map[[32]byte]string
	forSDK   map[string]string // the part of the content that SDKs show, by revision
}

func newLedger() ledger {
	return ledger{map[string][32]byte{}, map[[32]byte]string{}, map[string]string{}}
}

// note notes an answer, and returns what is wrong with it beside the answers before;
// it returns an empty text if nothing is. A stock revision is not noted: it is the
// stock server's.
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
	if before, ok := l.content[revision]; ok && before != sum {
		return fmt.Sprintf("revision %s had other content before", revision)
	}
	if before, ok := l.revision[sum]; ok && before != revision {
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

// shown returns what an SDK shows of the instances, without their order.
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
