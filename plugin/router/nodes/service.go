package nodes

import (
	"context"
	"encoding/json"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/polaris-contrib/setrouter/plugin/router/api"
)

// Method is the full name of the call. Its answer is the JSON of an api.Summary, as
// google.protobuf.BytesValue.
const Method = "/" + service + "/" + method

const (
	service = "setrouter.v1.Nodes"
	method  = "Summary"
)

// Register offers the call on a server.
func Register(s *grpc.Server, summary func() api.Summary) {
	handle := func(context.Context, any) (any, error) {
		data, err := json.Marshal(summary())
		return wrapperspb.Bytes(data), err
	}
	s.RegisterService(&grpc.ServiceDesc{
		ServiceName: service,
		HandlerType: (*any)(nil),
		Methods: []grpc.MethodDesc{{MethodName: method, Handler: func(_ any, ctx context.Context, decode func(any) error, interceptor grpc.UnaryServerInterceptor) (any, error) {
			in := &emptypb.Empty{}
			if err := decode(in); err != nil {
				return nil, err
			}
			if interceptor == nil {
				return handle(ctx, in)
			}
			return interceptor(ctx, in, &grpc.UnaryServerInfo{FullMethod: Method}, handle)
		}}},
	}, nil)
}
