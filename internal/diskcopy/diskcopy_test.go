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

// A copy is read if its version is that of the program. A copy of a newer or older
// program is refused by its version, also where other fields have another form.
func TestVersions(t *testing.T) {
	const two = `copy.json: version 2, expected 1: another version of setrouter wrote it, and it is not used`
	for _, tt := range []struct{ name, text, want string }{
		{"this version", `{"version": 1, "First": "a"}`, ""},
		{"this version with a field more", `{"version": 1, "First": "a", "since": [1]}`, ""},
		{"a newer version", `{"version": 2, "First": "b"}`, two},
		{"a newer version whose fields have another form", `{"version": 2, "First": {"text": "b"}, "Last": 3}`, two},
		{"no version", `{"First": "b"}`, `copy.json: version 0, expected 1: another version of setrouter wrote it, and it is not used`},
		{"a version that is no number", `{"version": "2"}`, `copy.json: json: cannot unmarshal string into Go struct field .Version of type int`},
		{"half a file", `{"version": 1, "First"`, `copy.json: unexpected end of JSON input`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			if err := os.WriteFile("copy.json", []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			var v value
			err, want := Read("copy.json", 1, &v), value{}
			if tt.want == "" {
				want.First = "a"
				if err != nil {
					t.Error(err)
				}
			} else if err == nil || err.Error() != tt.want {
				t.Errorf("%v, want %s", err, tt.want)
			}
			if v != want {
				t.Errorf("read is %+v, want %+v", v, want)
			}
		})
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
