package cluster

import (
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// metricOf returns the value of a series of a node, "" where there is none.
func metricOf(t *testing.T, n node, series string) string {
	t.Helper()
	resp, err := http.Get("http://" + n.HTTPAddr + "/metrics")
	done(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	done(t, err)
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, series+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// What is away from one node, and a stock server among the nodes, is amber on every node,
// begins when it begins and ends when it is over. Callers notice nothing: the exit code is
// that of a cluster in which everybody has a list.
func TestAmber(t *testing.T) {
	t.Parallel()
	c, options := cluster(t), polaristest.Options{AdminToken: "a long secret"}
	one, two := join(t, c, options), join(t, c, options)
	done(t, one.Register(t.Context(), novel()...))
	says := func(n node, code int, want string) {
		t.Helper()
		wait(t, func() error {
			gets(t, two, shanghai, "10.11.0.1")
			got, out := setctl(t, n, "a long secret", "status")
			head, _, _ := strings.Cut(out, "\nup for ")
			if got != code || !strings.HasPrefix(head, want) || strings.Count(head, "\n") != strings.Count(want, "\n") {
				return fmt.Errorf("exit code %d: %s\nwant %d, %s", got, out, code, want)
			}
			return nil
		})
	}
	metric := func(n node, series, want string) {
		t.Helper()
		wait(t, func() error {
			if got := metricOf(t, n, series); got != want {
				return fmt.Errorf("%s of %s is %q, want %q", series, n.IP, got, want)
			}
			return nil
		})
	}
	const well, nobody = "all is well: nobody is without a usable instance; 1 caller", "nobody is without a usable instance; 1 caller"
	says(one, 0, well)
	says(two, 0, well)
	for _, tt := range []struct {
		kind, what  string
		begin, over func()
	}{
		{"store", "the store", two.ToDB.Cut, two.ToDB.Mend},
		{"heartbeats", "the keeper of heartbeats (Redis, or the leader)", two.ToRedis.Cut, two.ToRedis.Mend},
		{"store", "the store", two.ToDB.Hold, two.ToDB.Release},
		{"heartbeats", "the keeper of heartbeats (Redis, or the leader)", two.ToRedis.Hold, two.ToRedis.Release},
	} {
		series := fmt.Sprintf("setrouter_backing_up{kind=%q}", tt.kind)
		metric(two, series, "1")
		tt.begin()
		metric(two, series, "0")
		says(two, 0, nobody+"\nAMBER  "+tt.what+" has not answered this node for ")
		says(one, 0, nobody+"\nAMBER  "+tt.what+" has not answered "+two.GRPCAddr+" for ")
		tt.over()
		metric(two, series, "1")
		says(one, 0, well)
		says(two, 0, well)
	}
	metric(one, series("backing_up", "kind", "heartbeats"), "1")

	stock := filepath.Join(t.TempDir(), "stock")
	done(t, polaristest.Build(".", stock, "github.com/polarismesh/polaris"))
	metric(one, series("nodes", "standing", "stock"), "0")
	three := join(t, c, polaristest.Options{Binary: stock})
	amber := "\nAMBER  " + three.GRPCAddr + " is a stock server, or has an older setrouter: its callers get lists that no rule made"
	for _, n := range []node{one, two} {
		says(n, 1, nobody+amber+"\nAMBER  callers are counted without those of "+three.GRPCAddr+", which does not know the question")
		metric(n, series("nodes", "standing", "stock"), "1")
		metric(n, series("disagreements", "about", "stock"), "1")
	}
	done(t, three.Stop())
	for _, n := range []node{one, two} {
		metric(n, series("nodes", "standing", "stock"), "0")
		says(n, 0, well)
	}
}

// series returns the name of a series with one label.
func series(name, label, value string) string {
	return fmt.Sprintf("setrouter_%s{%s=%q}", name, label, value)
}
