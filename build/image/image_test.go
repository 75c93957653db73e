//go:build image

// Package image has the test of the image: it is built, looked into and
// started, without a container engine.
package image

import (
	"bytes"
	"context"
	"debug/elf"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

const (
	name    = "setrouter:test"
	netns   = "setrouter-image"
	maxSize = 80 << 20
)

func TestMain(m *testing.M) {
	if os.Getenv("SETROUTER_TEST_PROBE") != "" {
		if err := probe(); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// probe asks the server as a client of its network would.
func probe() error {
	d, err := polaristest.Discover(context.Background(), "127.0.0.1:8090", polaristest.Request{Namespace: "Polaris", Service: "polaris.checker"})
	if err != nil {
		return err
	}
	if len(d.Instances) != 1 || d.Instances[0].Port != 8091 {
		return fmt.Errorf("discovery of the server itself: %+v", d)
	}
	resp, err := http.Get("http://127.0.0.1:8090/metrics")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && !bytes.Contains(text, []byte("setrouter_")) {
		err = fmt.Errorf("/metrics has nothing of setrouter: %s", text)
	}
	return err
}

// store is a buildah store of the test's own.
type store []string

func (s store) run(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command("buildah", append(slices.Clone(s), args...)...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("buildah %v: %v: %s", args, err, errs.String())
	}
	return strings.TrimSpace(string(out))
}

func (s store) build(t *testing.T) (id string) {
	t.Helper()
	cmd := exec.Command("./build", name)
	cmd.Env = append(os.Environ(), "STORAGE="+strings.Join(s, " "))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return s.run(t, "images", "--quiet", "--no-trunc", name)
}

func TestImage(t *testing.T) {
	dir := t.TempDir()
	s := store{"--root", dir + "/root", "--runroot", dir + "/run", "--storage-driver", "vfs"}
	id := s.build(t)
	if again := s.build(t); again != id {
		t.Errorf("the same commit gives %s, and %s when built again", id, again)
	}
	version := checkConfig(t, s)
	checkSize(t, s)

	container := s.run(t, "from", "--pull-never", name)
	t.Cleanup(func() { s.run(t, "rm", container) })
	root := s.run(t, "mount", container)
	checkFiles(t, root)
	checkVersions(t, root, version)
	checkSBOM(t, root)
	checkRuns(t, s, container)
}

func checkConfig(t *testing.T, s store) (version string) {
	t.Helper()
	var image struct {
		OCIv1 struct {
			Config struct {
				User       string
				WorkingDir string
				Cmd        []string
				Labels     map[string]string
			} `json:"config"`
		}
	}
	if err := json.Unmarshal([]byte(s.run(t, "inspect", "--type", "image", name)), &image); err != nil {
		t.Fatal(err)
	}
	c := image.OCIv1.Config
	if c.User != "65532:0" || c.WorkingDir != "/root" || !slices.Equal(c.Cmd, []string{"polaris-server", "start"}) {
		t.Errorf("the image's user, directory and command: %+v", c)
	}
	for _, label := range []string{"title", "description", "source", "licenses", "version", "revision"} {
		if v := c.Labels["org.opencontainers.image."+label]; v == "" || v == "unknown" {
			t.Errorf("label %s is %q", label, v)
		}
	}
	return c.Labels["org.opencontainers.image.version"]
}

// checkVersions asks the programs, which are static: nodes tell each other's
// images apart by them.
func checkVersions(t *testing.T, root, version string) {
	t.Helper()
	for command, want := range map[string]string{"polaris-server version": "version: v1.18.1+setrouter." + version, "setctl --version": "setctl version " + version} {
		name, arg, _ := strings.Cut(command, " ")
		out, err := exec.Command(filepath.Join(root, "usr/local/bin", name), arg).Output()
		if err != nil || strings.TrimSpace(string(out)) != want {
			t.Errorf("%s: %v, %q, want %q", command, err, out, want)
		}
	}
}

func checkSize(t *testing.T, s store) {
	t.Helper()
	archive := filepath.Join(t.TempDir(), "image.tar")
	s.run(t, "push", name, "oci-archive:"+archive)
	packed, err := os.Stat(archive)
	if err != nil {
		t.Fatal(err)
	}
	size := s.run(t, "images", "--format", "{{.Size}}", name)
	t.Logf("the image has %s, and %.1f MB to be pulled", size, float64(packed.Size())/1e6)
	if packed.Size() > maxSize {
		t.Errorf("the image has %d bytes to be pulled, expected no more than %d", packed.Size(), maxSize)
	}
}

// checkFiles: programs are static, and the user can write nothing of the image
// but the directories that are meant for it.
func checkFiles(t *testing.T, root string) {
	t.Helper()
	for _, program := range []string{"polaris-server", "setctl"} {
		f, err := elf.Open(filepath.Join(root, "usr/local/bin", program))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range f.Progs {
			if p.Type == elf.PT_INTERP {
				t.Errorf("%s is not static", program)
			}
		}
		f.Close()
	}
	writable := []string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == root {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		uid := info.Sys().(*syscall.Stat_t).Uid
		if uid != 0 || info.Mode().Perm()&0o022 != 0 {
			writable = append(writable, strings.TrimPrefix(path, root))
		}
		if info.Mode()&(fs.ModeSetuid|fs.ModeSetgid) != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"/root", "/root/data", "/root/log", "/tmp"}; !slices.Equal(writable, want) {
		t.Errorf("the user can write %q, want %q", writable, want)
	}
}

func checkSBOM(t *testing.T, root string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "usr/share/sbom/polaris-server.cdx.json"))
	if err != nil {
		t.Fatal(err)
	}
	var sbom struct {
		BOMFormat  string `json:"bomFormat"`
		Components []struct{ Name, Version, PURL string }
	}
	if err := json.Unmarshal(text, &sbom); err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for _, c := range sbom.Components {
		seen[c.Name] = c.Version
	}
	if sbom.BOMFormat != "CycloneDX" || seen["github.com/polarismesh/polaris"] == "" || seen["std"] == "" {
		t.Errorf("the SBOM is %s of %v", sbom.BOMFormat, seen)
	}
}

// checkRuns starts the image in a network of its own, so that it has its ports.
func checkRuns(t *testing.T, s store, container string) {
	t.Helper()
	ip(t, "netns", "add", netns)
	t.Cleanup(func() { ip(t, "netns", "del", netns) })
	ip(t, "-n", netns, "link", "set", "lo", "up")
	inside := func(args ...string) *exec.Cmd {
		return exec.Command("ip", append([]string{"netns", "exec", netns}, args...)...)
	}
	in := func(args ...string) *exec.Cmd {
		return inside(append(append([]string{"buildah"}, s...), append([]string{"run", "--isolation", "chroot", container, "--"}, args...)...)...)
	}

	server := in("polaris-server", "start")
	var out bytes.Buffer
	server.Stdout, server.Stderr = &out, &out
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()
	defer func() {
		for _, pid := range pids(t) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}()

	polaristest.Wait(t, func() error {
		cmd := inside(os.Args[0])
		cmd.Env = append(os.Environ(), "SETROUTER_TEST_PROBE=1")
		if text, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%w: %s", err, text)
		}
		return nil
	})
	for _, args := range [][]string{
		{"setctl", "status"},
		{"setctl", "check", "conf/mapping/*", "conf/routing/*"},
	} {
		if text, err := in(args...).CombinedOutput(); err != nil {
			t.Errorf("%v: %v: %s", args, err, text)
		}
	}
	stop(t, ended)
	if strings.Contains(out.String(), "permission denied") {
		t.Errorf("the server may not do what it wants:\n%s", out.String())
	}
}

// stop ends the server as a cluster does: a signal, and a time to go. It must
// not be root.
func stop(t *testing.T, ended chan error) {
	t.Helper()
	servers := 0
	for _, pid := range pids(t) {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil || !strings.HasPrefix(string(status), "Name:\tpolaris-server\n") {
			continue
		}
		servers++
		if !strings.Contains(string(status), "\nUid:\t65532\t65532\t65532\t65532\n") {
			t.Errorf("the server runs as:\n%s", status)
		}
		if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
			t.Error(err)
		}
	}
	if servers != 1 {
		t.Fatalf("%d processes are the server", servers)
	}
	asked := time.Now()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("the server ended with %v", err)
		}
		t.Logf("it stopped after %.1f s", time.Since(asked).Seconds())
	case <-time.After(20 * time.Second): // terminationGracePeriodSeconds less preStop, and a margin
		t.Error("the server does not stop")
	}
}

// pids are the processes in the network.
func pids(t *testing.T) (out []int) {
	t.Helper()
	for _, field := range strings.Fields(ip(t, "netns", "pids", netns)) {
		var pid int
		if _, err := fmt.Sscan(field, &pid); err != nil {
			t.Fatal(err)
		}
		out = append(out, pid)
	}
	return out
}

func ip(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("ip", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("ip %v: %v: %s", args, err, out)
	}
	return string(out)
}
