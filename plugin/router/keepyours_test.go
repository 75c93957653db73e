package router

import (
	"context"
	"testing"

	"github.com/golang/protobuf/proto"
	apimodel "github.com/polarismesh/specification/source/go/api/v1/model"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// The code depends on the revision of the request. Everything else that an answer
// needs is filled in, and nothing else is sent back.
func TestKeepYours(t *testing.T) {
	named := func(revision *wrapperspb.StringValue) *apiservice.Service {
		return &apiservice.Service{Namespace: wrapperspb.String("default"), Name: wrapperspb.String("s"), Revision: revision}
	}
	for _, test := range []struct {
		name     string
		revision *wrapperspb.StringValue
		code     apimodel.Code
	}{
		{"a list", wrapperspb.String("setrouter-1"), apimodel.Code_DataNoChange},
		{"no list", nil, apimodel.Code_ExecuteException},
		{"no list, an empty revision", wrapperspb.String(""), apimodel.Code_ExecuteException},
	} {
		t.Run(test.name, func(t *testing.T) {
			message := named(test.revision)
			message.Token, message.Metadata = wrapperspb.String("secret"), map[string]string{"k": "v"}
			want := &apiservice.DiscoverResponse{
				Type: apiservice.DiscoverResponse_INSTANCE, Code: wrapperspb.UInt32(uint32(test.code)), Info: wrapperspb.String("so it is"),
				Service: named(test.revision),
			}
			if got := KeepYours(message, "so it is"); !proto.Equal(got, want) {
				t.Errorf("%v, want %v", got, want)
			}
		})
	}
}

// A client without a caller that can be told keeps its list, as in a fault.
func TestNoPeerKeepsItsList(t *testing.T) {
	s, _ := newTestServer(t)
	resp := s.instances(context.Background(), &apiservice.DiscoverFilter{}, &apiservice.Service{
		Name: wrapperspb.String("lane"), Namespace: wrapperspb.String("default"), Revision: wrapperspb.String("mine"),
	})
	want := KeepYours(&apiservice.Service{Name: wrapperspb.String("lane"), Namespace: wrapperspb.String("default"), Revision: wrapperspb.String("mine")}, whyUntold)
	if !proto.Equal(resp, want) {
		t.Errorf("%v, want %v", resp, want)
	}
}

// After a fault a client gets the list that it missed, also where it asks with the
// revision that it was told to keep.
func TestListAfterAFault(t *testing.T) {
	s, _ := newTestServer(t)
	resp, want := get(s, "10.1.0.1", "s", "")
	revision := resp.Service.GetRevision().GetValue()
	sources := s.sources
	for _, sent := range []string{"", "older", revision} {
		s.config.FailOpen, s.sources = false, append(sources[:0:0], brokenSource{})
		if resp, _ := get(s, "10.1.0.1", "s", sent); resp.Service.GetRevision().GetValue() != sent || len(resp.Instances) > 0 {
			t.Errorf("under the fault, with %q: %v", sent, resp)
		}
		s.sources = sources
		expected := want
		if sent == revision {
			expected = "200001 "
		}
		if _, got := get(s, "10.1.0.1", "s", sent); got != expected {
			t.Errorf("after the fault, with %q: %s, want %s", sent, got, expected)
		}
	}
}
