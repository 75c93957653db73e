// Command grpc-xds-go runs the unmodified grpc-go as a client of xDS, and as instances
// for all clients of xDS.
//
//	grpc-xds-go serve HOST:PORT
//
// is an instance: it answers calls of gRPC's health service and requests of HTTP, and says
// its host in the header served-by. The program prints a line when it listens.
//
//	grpc-xds-go call
//
// reads commands from standard input, one JSON object a line, and answers each with one:
// {"call": TARGET, "times": N} calls a target, as xds:///novel.default, and answers how
// often each instance served the call. The file that GRPC_XDS_BOOTSTRAP names says where
// the xDS server is.
//
// The program ends when its input ends.
package main

import (
	"fmt"
	"io"
	"os"
)

func main() {
	if len(os.Args) < 2 {
		fail("expected serve HOST:PORT or call")
	}
	switch os.Args[1] {
	case "serve":
		go func() {
			if err := serve(os.Args[2]); err != nil {
				fail(err)
			}
		}()
		_, _ = io.Copy(io.Discard, os.Stdin)
	case "call":
		answer(os.Stdin, os.Stdout)
	default:
		fail("expected serve HOST:PORT or call")
	}
}

func fail(why any) {
	fmt.Fprintln(os.Stderr, why)
	os.Exit(1)
}
