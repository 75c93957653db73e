package faults

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/test/needs"
	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// With no room for a copy of the config center the server goes on, on the newest
// files, and says so; the copy of before stays whole, and of use to a server that
// starts with it. Once there is room the copy is written without anybody's help.
func TestDiskFull(t *testing.T) {
	needs.Right(t, needs.RightMount)
	t.Parallel()
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	must(t, os.Mkdir(data, 0o755))
	must(t, syscall.Mount("tmpfs", data, "tmpfs", 0, "size=1m"))
	t.Cleanup(func() { must(t, syscall.Unmount(data, syscall.MNT_DETACH)) })
	o := polaristest.Options{
		Dir: dir, Files: map[string]string{"conf/mapping/mapping.yaml": mapping},
		Config: config(t, "conf/routing/*.yaml", "polaris://Polaris/setrouter/routing.yaml"),
	}
	server, console := start(t, o)
	must(t, console.Register(t.Context(), novel("novel")...))
	must(t, console.Publish(t.Context(), routingFile, "r1", routing))
	eventually(t, server, shanghai, "novel", "10.11.0.1")
	file := filepath.Join(data, "setrouter", "routing.json")
	var before []byte
	wait(t, func() (err error) {
		before, err = os.ReadFile(file)
		return err
	})
	says(t, server, 0, "!PROBLEM")

	fillUp(t, filepath.Join(data, "filler"))
	toPool := strings.Replace(routing, "set: {}", "set: {tiers: [pool]}", 1)
	must(t, console.Publish(t.Context(), routingFile, "r2", toPool))
	eventually(t, server, shanghai, "novel", "10.13.0.1")
	says(t, server, 0, "PROBLEM", "the copy on disk cannot be written: ", "no space left on device")
	if log := server.Log(); !strings.Contains(log, "no space left on device") {
		t.Errorf("the log does not say that there is no room: %s", log)
	}
	onlyCopy(t, file, before)
	// A release that is refused now leaves the copy of the one in force due.
	must(t, console.Publish(t.Context(), routingFile, "r3", "version: 2\n"))
	says(t, server, 1, "PROBLEM", "REFUSED")
	onlyCopy(t, file, before)
	must(t, server.Kill())

	second, console := start(t, o)
	must(t, gets(t, second, shanghai, "novel", "10.11.0.1"))
	says(t, second, 1, "COPY", "REFUSED")
	must(t, console.Publish(t.Context(), routingFile, "r4", toPool))
	eventually(t, second, shanghai, "novel", "10.13.0.1")
	says(t, second, 0, "PROBLEM")
	must(t, os.Remove(filepath.Join(data, "filler")))
	says(t, second, 0, "!PROBLEM")
	if now, err := os.ReadFile(file); err != nil || !bytes.Contains(now, []byte("tiers: [pool]")) {
		t.Errorf("there is room, and the copy is %s, %v", now, err)
	}
}

// fillUp writes a file until there is no room for a byte more.
func fillUp(t *testing.T, name string) {
	t.Helper()
	file, err := os.Create(name)
	must(t, err)
	defer file.Close()
	for size := 1 << 16; size > 0; size /= 2 {
		for err == nil {
			_, err = io.Copy(file, bytes.NewReader(make([]byte, size)))
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
		err = nil
	}
}

// onlyCopy wants the copy to be as it was, and nothing beside it.
func onlyCopy(t *testing.T, name string, before []byte) {
	t.Helper()
	now, err := os.ReadFile(name)
	if err != nil || !bytes.Equal(now, before) {
		t.Errorf("the copy of before is %q, %v, was %q", now, err, before)
	}
	wait(t, func() error { // the server tries again each second
		files, err := os.ReadDir(filepath.Dir(name))
		if len(files) != 1 {
			return errors.Join(err, fmt.Errorf("beside the copy: %v", files))
		}
		return err
	})
}
