package nodes

import (
	"context"
	"encoding/json"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/polaris-contrib/setrouter/plugin/router"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
)

// The calls, by their full names. Their answers are JSON, as google.protobuf.BytesValue.
const (
	// SummaryMethod has no argument. Its answer is an api.Summary.
	SummaryMethod = "/" + service + "/Summary"
	// ReloadMethod has a reloadMessage as JSON, in google.protobuf.BytesValue. Its
	// answer is a list of api.Reloaded.
	ReloadMethod = "/" + service + "/Reload"
	// CallersMethod has a proof as JSON, in google.protobuf.BytesValue. Its answer is
	// an api.CallerStates.
	CallersMethod = "/" + service + "/Callers"
	// AskedMethod has a proof as JSON, in google.protobuf.BytesValue. Its answer is an
	// askedAnswer.
	AskedMethod = "/" + service + "/Asked"
	// SeenMethod has a seenMessage as JSON, in google.protobuf.BytesValue. Its answer is an
	// api.CallerList.
	SeenMethod = "/" + service + "/Seen"
	// TimelineMethod has a proof as JSON, in google.protobuf.BytesValue. Its answer is the
	// events of the node.
	TimelineMethod = "/" + service + "/Timeline"

	// AddressesMethod has a proof as JSON, in google.protobuf.BytesValue. Its answer is
	// world.Callers.
	AddressesMethod = "/" + service + "/Addresses"

	service = "setrouter.v1.Nodes"
)

// Methods are the full names of the calls.
var Methods = []string{SummaryMethod, ReloadMethod, CallersMethod, AskedMethod, SeenMethod, TimelineMethod, AddressesMethod}

// Register offers the calls on a server of this node.
func Register(s *grpc.Server, node *router.Server) {
	proofs := &verifier{token: node.Config().Admin.Token, address: selfAddress}
	register(s, func() api.Summary { return Summary(node) },
		&reloader{verifier: proofs, now: node.Now, reload: func(force bool) []api.Reloaded { return Reload(node, force) }},
		callerTeller{verifier: proofs, now: node.Now, callers: node.CallersNow},
		teller{"Asked", askedTeller{verifier: proofs, now: node.Now, groups: node.AskedGroups}.answer},
		teller{"Seen", seenTeller{verifier: proofs, now: node.Now, seen: node.CallersSeen}.answer},
		teller{"Addresses", addressTeller{verifier: proofs, now: node.Now, callers: node.CallerAddresses}.answer},
		teller{"Timeline", timelineTeller{verifier: proofs, now: node.Now, timeline: func() api.Timeline { return Timeline(node) }}.answer})
}

// teller answers messages of other nodes.
type teller struct {
	name   string // of the call
	answer func(message []byte) (*wrapperspb.BytesValue, error)
}

func (t teller) method() grpc.MethodDesc {
	return method(t.name, &wrapperspb.BytesValue{}, func(in proto.Message) (*wrapperspb.BytesValue, error) {
		return t.answer(in.(*wrapperspb.BytesValue).GetValue())
	})
}

func register(s *grpc.Server, summary func() api.Summary, r *reloader, t callerTeller, others ...teller) {
	methods := []grpc.MethodDesc{teller{"Reload", r.answer}.method(), teller{"Callers", t.answer}.method()}
	for _, other := range others {
		methods = append(methods, other.method())
	}
	s.RegisterService(&grpc.ServiceDesc{
		ServiceName: service,
		HandlerType: (*any)(nil),
		Methods: append(methods, method("Summary", &emptypb.Empty{}, func(proto.Message) (*wrapperspb.BytesValue, error) {
			data, err := json.Marshal(summary())
			return wrapperspb.Bytes(data), err
		})),
	}, nil)
}

// method returns a call whose argument has the type of in.
func method(name string, in proto.Message, answer func(proto.Message) (*wrapperspb.BytesValue, error)) grpc.MethodDesc {
	handle := func(_ context.Context, in any) (any, error) { return answer(in.(proto.Message)) }
	return grpc.MethodDesc{MethodName: name, Handler: func(_ any, ctx context.Context, decode func(any) error, interceptor grpc.UnaryServerInterceptor) (any, error) {
		in := in.ProtoReflect().New().Interface()
		if err := decode(in); err != nil {
			return nil, err
		}
		if interceptor == nil {
			return handle(ctx, in)
		}
		return interceptor(ctx, in, &grpc.UnaryServerInfo{FullMethod: "/" + service + "/" + name}, handle)
	}}
}
