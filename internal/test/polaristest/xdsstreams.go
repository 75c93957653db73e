package polaristest

import (
	"errors"
	"fmt"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	resourcev3 "github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/types/known/anypb"
)

// worldStream is a stream of the state of the world.
type worldStream struct {
	stream discovery.AggregatedDiscoveryService_StreamAggregatedResourcesClient
	node   *core.Node // of the next request
	repeat bool       // the node is in each
}

func (s *worldStream) ask(typeURL string, names, _ []string, last *discovery.DiscoveryResponse) error {
	node := s.node
	if !s.repeat {
		s.node = nil
	}
	return s.stream.Send(&discovery.DiscoveryRequest{Node: node, TypeUrl: typeURL, ResourceNames: names, VersionInfo: last.GetVersionInfo(), ResponseNonce: last.GetNonce()})
}

func (s *worldStream) replaces(typeURL string) bool {
	return typeURL == resourcev3.ListenerType || typeURL == resourcev3.ClusterType
}

func (s *worldStream) receive() (*discovery.DiscoveryResponse, map[string]*anypb.Any, []string, error) {
	answer, err := s.stream.Recv()
	if err != nil {
		return nil, nil, nil, err
	}
	named := map[string]*anypb.Any{}
	for _, packed := range answer.Resources {
		name, err := resourceName(packed.Value)
		if err != nil {
			return nil, nil, nil, fmt.Errorf("a resource of type %s: %w", packed.TypeUrl, err)
		}
		named[name] = packed
	}
	return answer, named, nil, nil
}

// resourceName returns the name of a resource, which is field 1 of each type that Polaris
// sends. The rest is not read: thousands of clients in one process would do nothing else.
func resourceName(content []byte) (string, error) {
	for len(content) > 0 {
		number, kind, n := protowire.ConsumeTag(content)
		if n < 0 {
			return "", protowire.ParseError(n)
		}
		if content = content[n:]; number == 1 && kind == protowire.BytesType {
			name, n := protowire.ConsumeString(content)
			return name, protowire.ParseError(n)
		}
		if n = protowire.ConsumeFieldValue(number, kind, content); n < 0 {
			return "", protowire.ParseError(n)
		}
		content = content[n:]
	}
	return "", errors.New("there is no name")
}

// deltaStream is a stream of the delta variant.
type deltaStream struct {
	stream discovery.AggregatedDiscoveryService_DeltaAggregatedResourcesClient
	node   *core.Node // as of worldStream
	repeat bool
}

func (s *deltaStream) ask(typeURL string, _, more []string, last *discovery.DiscoveryResponse) error {
	node := s.node
	if !s.repeat {
		s.node = nil
	}
	return s.stream.Send(&discovery.DeltaDiscoveryRequest{Node: node, TypeUrl: typeURL, ResourceNamesSubscribe: more, ResponseNonce: last.GetNonce()})
}

func (s *deltaStream) replaces(string) bool { return false }

func (s *deltaStream) receive() (*discovery.DiscoveryResponse, map[string]*anypb.Any, []string, error) {
	answer, err := s.stream.Recv()
	if err != nil {
		return nil, nil, nil, err
	}
	named := map[string]*anypb.Any{}
	for _, r := range answer.Resources {
		named[r.Name] = r.Resource
	}
	return &discovery.DiscoveryResponse{TypeUrl: answer.TypeUrl, Nonce: answer.Nonce}, named, answer.RemovedResources, nil
}
