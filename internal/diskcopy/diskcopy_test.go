package diskcopy

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// value is one that shows when it is not whole.
type value struct{ First, Filler, Last string }

func TestMain(m *testing.M) {
	if name := os.Getenv("SETROUTER_TEST_WRITE"); name != "" {
		writeForEver(name)
	}
	os.Exit(m.Run())
}

func writeForEver(name string) {
	for n := 0; ; n++ {
		text := fmt.Sprint(n)
		if err := Write(name, value{text, strings.Repeat("x", 1<<18), text}); err != nil {
			panic(err)
		}
		if n == 0 {
			fmt.Print(".")
		}
	}
}

// A process that is killed at any moment of its writing leaves a whole copy, and
// what it leaves beside it does not pile up.
func TestKilledWhileWriting(t *testing.T) {
	name := filepath.Join(t.TempDir(), "data", "copy.json")
	for range 30 {
		writer := exec.Command(os.Args[0])
		writer.SysProcAttr = polaristest.DieWithParent()
		writer.Env = append(os.Environ(), "SETROUTER_TEST_WRITE="+name)
		written, err := writer.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := writer.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(written, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(rand.N(5 * time.Millisecond)) // any moment
		_ = writer.Process.Kill()
		_ = writer.Wait()
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var v value
		if err := json.Unmarshal(text, &v); err != nil || v.First == "" || v.First != v.Last {
			t.Fatalf("%d bytes, from %q to %q: %v", len(text), v.First, v.Last, err)
		}
	}
	if err := Write(name, value{}); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(filepath.Dir(name)); len(left) != 1 {
		t.Errorf("after a whole write there are %v", left)
	}
}
