package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/polaris-contrib/setrouter/internal/test/company"
)

// serveCompany serves the dump of a large company as the admin listener does.
func serveCompany(tb testing.TB) (url string) {
	dump := company.Dump(company.Large, time.Now())
	percent := 30
	dump.ShrinkGuardPercent = &percent
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		compressed, _ := gzip.NewWriterLevel(w, gzip.BestSpeed)
		defer compressed.Close()
		_ = json.NewEncoder(compressed).Encode(dump)
	}))
	tb.Cleanup(s.Close)
	return s.URL
}

// BenchmarkPlan is a plan from the command line to its text: of 2,000 services, 20,000
// instances and 200 kinds of callers.
func BenchmarkPlan(b *testing.B) {
	url := serveCompany(b)
	text := company.Routing(company.Large)
	for _, tt := range []struct{ name, routing string }{
		{"one rule", strings.Replace(text, "matchLevel: zone", "matchLevel: region", 1)},
		{"every rule", strings.NewReplacer("matchLevel: campus", "matchLevel: all", "matchLevel: zone", "matchLevel: region", "nearby: {}", "nearby: {matchLevel: all}").Replace(text)},
	} {
		file := filepath.Join(b.TempDir(), "r.yaml")
		if err := os.WriteFile(file, []byte(tt.routing), 0o600); err != nil {
			b.Fatal(err)
		}
		b.Run(tt.name, func(b *testing.B) {
			for range b.N {
				var stdout, stderr bytes.Buffer
				if code := run([]string{"plan", "--server", url, "--routing", file}, &stdout, &stderr); code != 0 {
					b.Fatal(stderr.String())
				}
				b.ReportMetric(float64(strings.Count(stdout.String(), "\n")), "lines")
				if os.Getenv("SHOW") != "" {
					os.Stderr.WriteString(stdout.String())
				}
			}
		})
	}
}
