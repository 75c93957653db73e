package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// memoryOf returns the resident memory of a server in bytes, 0 where the system does not
// tell.
func memoryOf(server *polaristest.Server) uint64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/statm", server.PID()))
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.ParseUint(fields[1], 10, 64)
	return pages * uint64(os.Getpagesize())
}

// liveOf returns the bytes of a server's heap that are in use after collections. Buffers of
// gRPC that nobody uses outlive the first one.
func liveOf(ctx context.Context, server *polaristest.Server) (bytes uint64, err error) {
	for range 3 {
		if bytes, err = collected(ctx, server); err != nil {
			return 0, err
		}
	}
	return bytes, nil
}

// collected returns the bytes of a server's heap that are in use after one collection.
func collected(ctx context.Context, server *polaristest.Server) (bytes uint64, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+server.HTTPAddr+"/debug/pprof/heap?gc=1&debug=1", nil)
	if err != nil {
		return 0, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), "# HeapAlloc = ")
	line, _, _ := strings.Cut(rest, "\n")
	return strconv.ParseUint(line, 10, 64)
}

// cpuOf returns the processor time of a server, in steps of 10 ms.
func cpuOf(server *polaristest.Server) time.Duration {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", server.PID()))
	_, after, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(after)
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}
