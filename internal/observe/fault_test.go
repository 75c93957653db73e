package observe

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/polarismesh/polaris/common/log"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"golang.org/x/time/rate"
)

// However many faults there are, the log has few, and all are counted.
func TestFaultLinesAreLimited(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	logTo := func(path string) {
		options := map[string]*log.Options{"setrouter": {OutputPaths: []string{path}, ErrorOutputPaths: []string{"stderr"}, OutputLevel: "info"}}
		if err := log.Configure(options); err != nil {
			t.Fatal(err)
		}
	}
	logTo(path)
	old := faultLines
	t.Cleanup(func() { faultLines = old; logTo("stdout") })
	faultLines = &rate.Sometimes{First: 3, Interval: time.Hour}
	before := testutil.ToFloat64(Failures)
	for range 1000 {
		Fault("a fault")
	}
	faultLines = &rate.Sometimes{First: 1} // as if an hour had passed
	Fault("a fault")
	if counted := testutil.ToFloat64(Failures) - before; counted != 1001 {
		t.Errorf("counted %v", counted)
	}
	_ = Log.Sync()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range regexp.MustCompile(`"notLogged": ?(\d+)`).FindAllSubmatch(bytes.TrimSpace(text), -1) {
		got = append(got, string(m[1]))
	}
	want := []string{"0", "0", "0", "997"}
	if !slices.Equal(got, want) {
		t.Errorf("the lines have left out %q, want %q, in\n%s", got, want, text)
	}
}
