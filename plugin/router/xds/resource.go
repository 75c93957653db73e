package xds

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	resourcev3 "github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
)

// The types of resources that the listener has.
const (
	typeListener = resourcev3.ListenerType
	typeRoute    = resourcev3.RouteType
	typeCluster  = resourcev3.ClusterType
	typeEndpoint = resourcev3.EndpointType
	typeHost     = resourcev3.VirtualHostType
)

// isServed reports whether the listener has resources of a type.
func isServed(typeURL string) bool {
	switch typeURL {
	case typeListener, typeRoute, typeCluster, typeEndpoint, typeHost:
		return true
	}
	return false
}

// shortType returns a word for a type.
func shortType(typeURL string) string {
	switch typeURL {
	case typeListener:
		return "listener"
	case typeRoute:
		return "route"
	case typeCluster:
		return "cluster"
	case typeEndpoint:
		return "endpoint"
	case typeHost:
		return "host"
	}
	return "other"
}

// hasFullState reports whether an answer of the state of the world has all resources of a
// type, so that a client drops what is not in it. Of the other types clients keep what
// is not in an answer.
func hasFullState(typeURL string) bool { return typeURL == typeListener || typeURL == typeCluster }

// resource is a resource in the form that is sent. It is immutable, and shared by streams.
type resource struct {
	packed *anypb.Any
	// version is a digest of the content, as text: raw bytes are no valid string of a
	// message. Equal content has an equal version on every node and after a restart.
	version string
}

// versionBytes is how many bytes of a digest a version has.
const versionBytes = 10

// newResource packs a message.
func newResource(m proto.Message) (*resource, error) {
	content, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("a resource of xDS: %w", err)
	}
	sum := sha256.Sum256(content)
	name := string(m.ProtoReflect().Descriptor().FullName())
	return &resource{&anypb.Any{TypeUrl: resourcev3.APITypePrefix + name, Value: content}, hex.EncodeToString(sum[:versionBytes])}, nil
}
