package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	_ "google.golang.org/grpc/xds" // the resolver of xds:///
)

// command is a line of input.
type command struct {
	Target string `json:"call"`
	Times  int    `json:"times"`
}

// reply answers a command.
type reply struct {
	Served map[string]int `json:"served"` // calls by the host that served them
	Failed int            `json:"failed"`
	Error  string         `json:"error"` // of the last call that failed
}

// timeout bounds a call.
const timeout = 2 * time.Second

// answer answers commands until the input ends.
func answer(in io.Reader, out io.Writer) {
	conns := map[string]*grpc.ClientConn{}
	lines, answers := bufio.NewScanner(in), json.NewEncoder(out)
	for lines.Scan() {
		var c command
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			fail(err)
		}
		conn := conns[c.Target]
		if conn == nil {
			var err error
			if conn, err = grpc.NewClient(c.Target, grpc.WithTransportCredentials(insecure.NewCredentials())); err != nil {
				fail(err)
			}
			conns[c.Target] = conn
		}
		if err := answers.Encode(call(conn, c.Times)); err != nil {
			fail(err)
		}
	}
}

// call calls one after the other.
func call(conn *grpc.ClientConn, times int) reply {
	r := reply{Served: map[string]int{}}
	for range times {
		ctx, cancel := context.WithTimeout(context.Background(), timeout)
		var header metadata.MD
		_, err := grpc_health_v1.NewHealthClient(conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{}, grpc.Header(&header))
		cancel()
		if err != nil {
			r.Failed, r.Error = r.Failed+1, err.Error()
			continue
		}
		for _, host := range header.Get("served-by") {
			r.Served[host]++
		}
	}
	return r
}
