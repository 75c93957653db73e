package main

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// A body of more than 4 MiB over HTTP is refused, and nothing of it comes into a log. The
// stock listener writes the name that is asked for into its log, whatever its length.
func TestLargeBodiesLeaveNothing(t *testing.T) {
	server, _ := start(t, polaristest.Options{})
	const marker = "a-name-that-is-logged"
	for _, path := range []string{"/v1/Discover", "/v1/Discover/", "/v1/ReportClient"} {
		body := fmt.Sprintf(`{"type": "INSTANCE", "service": {"namespace": "default", "name": "%s"}}`, strings.Repeat(marker, 5<<20/len(marker)))
		resp, err := http.Post("http://"+server.HTTPAddr+path, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: status %d", path, resp.StatusCode)
		}
	}
	logs, err := filepath.Glob(filepath.Join(server.Dir, "log", "*.log"))
	deeper, _ := filepath.Glob(filepath.Join(server.Dir, "log", "*", "*.log"))
	logs = append(logs, deeper...)
	if err != nil || len(logs) == 0 {
		t.Fatal(logs, err)
	}
	for _, name := range logs {
		if data, err := os.ReadFile(name); err != nil || bytes.Contains(data, []byte(marker)) {
			t.Errorf("%s has a part of the body, %v", name, err)
		}
	}
}

// A request of which a part comes does not hold its connection for ever.
func TestHalfRequestsEnd(t *testing.T) {
	server, _ := start(t, polaristest.Options{})
	for _, half := range []string{"POST /v1/Discover HTTP/1.1\r\nHost:", "POST /v1/Discover HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"} {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			conn, err := net.Dial("tcp", server.HTTPAddr)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			fmt.Fprint(conn, half)
			var answer bytes.Buffer
			if _, err := answer.ReadFrom(conn); err != nil {
				t.Error(err)
			}
			t.Logf("%q", answer.String())
		})
	}
}
