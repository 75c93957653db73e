package faults

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Kinds of errors that a client cannot but meet when its server ends. Which one
// of the system's errors it sees of a kind depends on the moment.
const (
	noConnection  = "no connection"
	endsBefore    = "the connection ends before an answer"
	endsInAnswer  = "the connection ends in an answer"
	dialingFailed = "Error while dialing" // gRPC's words, where it has no error values
)

var errInAnswer = errors.New(endsInAnswer)

// kindOf returns the kind of an error; an error of no kind stands for itself.
func kindOf(err error) string {
	if errors.Is(err, errInAnswer) {
		return endsInAnswer
	}
	if s, ok := status.FromError(err); ok && s.Code() == codes.Unavailable {
		if strings.Contains(s.Message(), dialingFailed) {
			return noConnection
		}
		return endsBefore
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return noConnection
	}
	for _, end := range []error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNABORTED, net.ErrClosed} {
		if errors.Is(err, end) {
			return endsBefore
		}
	}
	if strings.Contains(err.Error(), "server closed idle connection") { // net/http's own, which it does not export
		return endsBefore
	}
	return address.ReplaceAllString(err.Error(), "ADDR")
}

// Addresses differ from run to run.
var address = regexp.MustCompile(`\d+\.\d+\.\d+\.\d+:\d+`)

func TestKindOf(t *testing.T) {
	over := func(op string, err error) error {
		return &net.OpError{Op: op, Net: "tcp", Err: os.NewSyscallError(op, err)}
	}
	get := func(err error) error { return fmt.Errorf("Post \"http://127.0.0.1:15000/v1/Discover\": %w", err) }
	for _, tt := range []struct {
		err  error
		want string
	}{
		{get(over("dial", syscall.ECONNREFUSED)), noConnection},
		{get(over("dial", syscall.ECONNRESET)), noConnection},
		{get(io.EOF), endsBefore},
		{get(over("read", syscall.ECONNRESET)), endsBefore},
		{get(over("write", syscall.ECONNRESET)), endsBefore},
		{get(over("write", syscall.EPIPE)), endsBefore},
		{get(fmt.Errorf("http: server closed idle connection")), endsBefore},
		{fmt.Errorf("%w: %w", errInAnswer, io.ErrUnexpectedEOF), endsInAnswer},
		{fmt.Errorf("%w: %w", errInAnswer, over("read", syscall.ECONNRESET)), endsInAnswer},
		{io.EOF, endsBefore},
		{status.Error(codes.Unavailable, "error reading from server: EOF"), endsBefore},
		{status.Error(codes.Unavailable, "error reading from server: read tcp 127.1.0.1:1->127.0.0.1:2: read: connection reset by peer"), endsBefore},
		{status.Error(codes.Unavailable, "connection error: desc = \"transport: Error while dialing: dial tcp 127.0.0.1:2: connect: connection refused\""), noConnection},
		{status.Error(codes.Internal, "a panic at 127.0.0.1:15000"), "rpc error: code = Internal desc = a panic at ADDR"},
		{fmt.Errorf("%d %s: none", http.StatusInternalServerError, "Internal Server Error"), "500 Internal Server Error: none"},
		{fmt.Errorf("code 500000, 10.0.0.1:80"), "code 500000, ADDR"},
	} {
		if got := kindOf(tt.err); got != tt.want {
			t.Errorf("%v: %q, want %q", tt.err, got, tt.want)
		}
	}
}
