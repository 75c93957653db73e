package nodes

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/polaris-contrib/setrouter/plugin/router/api"
)

// patience is how long a node may take to answer.
const patience = 2 * time.Second

// maxAnswer bounds what is read of a node's answer, and of its headers.
const maxAnswer = 1 << 14

// askAll asks the nodes of a list at the same time, except the node that asks, and
// fills in what they say. It keeps no connection.
func askAll(ctx context.Context, list []api.Node, withTLS bool) {
	var all sync.WaitGroup
	for i := range list {
		if n := &list[i]; !n.Self {
			all.Go(func() { fill(ctx, n, withTLS) })
		}
	}
	all.Wait()
}

func fill(ctx context.Context, n *api.Node, withTLS bool) {
	defer func() {
		if p := recover(); p != nil { // in a goroutine that nobody guards
			n.Problem = fmt.Sprintf("panic: %v", p)
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	asked := time.Now()
	summary, err := askOne(ctx, n.Address, withTLS)
	if err != nil {
		n.Problem, n.Stock = problem(err, patience), isStock(err)
		return
	}
	// The node has read its clock at some moment between.
	answered := time.Now()
	if early, late := summary.Now.Sub(asked), summary.Now.Sub(answered); early < 0 {
		n.AheadSeconds = early.Seconds()
	} else if late > 0 {
		n.AheadSeconds = late.Seconds()
	}
	n.Summary = summary
}

// askOne asks a node for its summary.
func askOne(ctx context.Context, address string, withTLS bool) (*api.Summary, error) {
	var s api.Summary
	if err := invoke(ctx, address, withTLS, call{SummaryMethod, &emptypb.Empty{}, maxAnswer}, &s); err != nil {
		return nil, err
	}
	if err := s.Check(); err != nil {
		return nil, unreadable{err}
	}
	return &s, nil
}

// call is a call of a node, and how large its answer may be.
type call struct {
	method   string
	argument proto.Message
	limit    int
}

// invoke calls a node, and decodes the JSON of its answer. It keeps no connection.
func invoke(ctx context.Context, address string, withTLS bool, c call, into any) error {
	creds := insecure.NewCredentials()
	if withTLS {
		// Nothing secret is sent, and nothing that comes is trusted; addresses
		// of nodes are not in certificates for clients.
		creds = credentials.NewTLS(&tls.Config{InsecureSkipVerify: true}) //nolint:gosec
	}
	var refused atomic.Pointer[net.OpError]
	conn, err := grpc.DialContext(ctx, "passthrough:///"+address,
		grpc.WithTransportCredentials(creds),
		// An address from the registry is one of TCP, whatever it looks like.
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
			if op, ok := errors.AsType[*net.OpError](err); ok {
				refused.Store(op)
			}
			return conn, err
		}),
		grpc.WithMaxHeaderListSize(maxAnswer),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(c.limit)),
		grpc.WithDisableServiceConfig(), grpc.WithDisableRetry(),
	)
	if err != nil {
		return err
	}
	defer conn.Close()
	var answer wrapperspb.BytesValue
	if err := conn.Invoke(ctx, c.method, c.argument, &answer); err != nil {
		if op := refused.Load(); op != nil && ctx.Err() == nil {
			return op.Err // without the words of gRPC around it
		}
		return err
	}
	if err := refusal(&answer); err != nil {
		return err
	}
	if err := json.Unmarshal(answer.GetValue(), into); err != nil {
		return unreadable{err}
	}
	return nil
}

// refusal returns what the listener itself answers in the place of a summary, as
// for every call when its rate limits are reached.
func refusal(answer *wrapperspb.BytesValue) error {
	data, err := proto.Marshal(answer)
	var r apiservice.Response
	if err != nil || proto.Unmarshal(data, protoadapt.MessageV2Of(&r)) != nil || r.GetInfo() == nil {
		return nil
	}
	return fmt.Errorf("its listener refuses with code %d, %s", r.GetCode().GetValue(), r.GetInfo().GetValue())
}

// unreadable is the error for an answer that no node would give.
type unreadable struct{ error }

// maxProblem bounds the text of a fault: the text may have come from the other node.
const maxProblem = 200

// isStock reports whether a node does not know the question.
func isStock(err error) bool {
	_, ok := errors.AsType[unreadable](err)
	return !ok && status.Code(err) == codes.Unimplemented
}

// isSilent reports whether a node does not answer at all.
func isSilent(err error) bool {
	_, ok := errors.AsType[unreadable](err)
	return !ok && !isStock(err) && status.Code(err) != codes.PermissionDenied
}

// problem returns a fault in words. Patience is how long the node was waited for.
func problem(err error, patience time.Duration) string {
	text := ""
	switch _, ok := errors.AsType[unreadable](err); {
	case ok:
		text = "answers what no node would: " + err.Error()
	case isStock(err):
		text = "does not know the question: it is a stock server, or has an older setrouter"
	case status.Code(err) == codes.DeadlineExceeded:
		text = fmt.Sprintf("does not answer within %v", patience)
	case status.Code(err) == codes.PermissionDenied:
		text = "refuses: " + status.Convert(err).Message()
	default:
		text = "does not answer: " + status.Convert(err).Message()
	}
	return text[:min(len(text), maxProblem)]
}
