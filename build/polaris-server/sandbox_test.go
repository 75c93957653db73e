package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/test/needs"
	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
	"github.com/polaris-contrib/setrouter/internal/test/sandbox"
)

// sandboxBinary builds the program of make sandbox once, and returns its path.
var sandboxBinary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(filepath.Dir(serverBinary), "sandbox")
	return path, polaristest.Build(".", path, "../../scripts/sandbox")
})

// startSandbox starts a company that ends with the test, with the commands that make
// sandbox has.
func startSandbox(t *testing.T, read func(fs.FS) (sandbox.Company, error)) *sandbox.Sandbox {
	t.Helper()
	binary, err := sandboxBinary()
	if err != nil {
		t.Fatal(err)
	}
	company, err := read(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	const token = "sandbox"
	t.Setenv("SETROUTER_TOKEN", token)
	programs := polaristest.Programs{Server: serverBinary, Setctl: setctlBinary, Consumer: consumerBinary}
	s, err := sandbox.Start(t.Context(), sandbox.Options{Programs: programs, Sandbox: binary, Token: token}, company)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the pack's log:\n%s\nfaults: %s", s.Server.Log(), s.Server.Faults())
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// sandboxRun is a running make sandbox.
type sandboxRun struct {
	cmd   *exec.Cmd
	out   *output
	temp  string // the folder for temporary files
	ports []int
}

// output is what a process has printed so far.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// sandboxCommand is the command of make sandbox, without a make.
func sandboxCommand(t *testing.T, temp, company string, ports []int) (*exec.Cmd, *output) {
	t.Helper()
	binary, err := sandboxBinary()
	if err != nil {
		t.Fatal(err)
	}
	programs := t.TempDir()
	for name, program := range map[string]string{"polaris-server": serverBinary, "setctl": setctlBinary, "demo-consumer": consumerBinary} {
		if err := os.Symlink(program, filepath.Join(programs, name)); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(binary, "-company", company, "-repository", "../..", "-programs", programs, "-ports", fmt.Sprintf("%d,%d,%d", ports[0], ports[1], ports[2]))
	out := &output{}
	cmd.Stdout, cmd.Stderr, cmd.Env, cmd.SysProcAttr = out, out, append(os.Environ(), "TMPDIR="+temp), polaristest.DieWithParent()
	return cmd, out
}

func runSandbox(t *testing.T, company string) *sandboxRun {
	t.Helper()
	r := &sandboxRun{temp: t.TempDir(), ports: []int{polaristest.FreePort(), polaristest.FreePort(), polaristest.FreePort()}}
	r.cmd, r.out = sandboxCommand(t, r.temp, company, r.ports)
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.cmd.Process.Kill() })
	r.waitFor(t, "there is a line for each list that changes")
	return r
}

func (r *sandboxRun) waitFor(t *testing.T, texts ...string) {
	t.Helper()
	wait(t, func() error {
		for _, text := range texts {
			if !strings.Contains(r.out.String(), text) {
				return errorf("no %q in\n%s", text, r.out)
			}
		}
		return nil
	})
}

// children are the process ids of the sandbox's children.
func (r *sandboxRun) children(t *testing.T) (pids []string) {
	t.Helper()
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", r.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, strings.Fields(string(text))...)
	}
	return pids
}

// Every command that make sandbox prints succeeds, in the order in which they are
// printed. A city that is switched off moves its callers along the roads. Ctrl-C leaves no
// process, no file and no listener.
func TestSandbox(t *testing.T) {
	needs.Program(t, "curl")
	for company, changes := range map[string][]string{
		"shop": {
			"default/orders: 10.1.20.1 10.1.20.2 -> 10.2.30.1\n", "default/catalog: 10.1.60.1 -> 10.2.60.1\n", // off
			"default/orders: 10.2.30.1 -> 10.1.20.1 10.1.20.2\n", "default/catalog: 10.2.60.1 -> 10.1.60.1\n", // on
		},
		"tutorial": nil,
	} {
		t.Run(company, func(t *testing.T) {
			t.Parallel()
			r := runSandbox(t, company)
			if children := r.children(t); len(children) != 2 {
				t.Errorf("children %v, want the server and the SDKs", children)
			}
			r.tryAll(t, changes)
			r.portsAreTaken(t, company)
			r.end(t)
		})
	}
}

// tryAll runs every command that is printed. After a city is switched, the lists change
// as the next two changes say.
func (r *sandboxRun) tryAll(t *testing.T, changes []string) {
	t.Helper()
	env := regexp.MustCompile(`(?m)^  (\. \S+/env)$`).FindStringSubmatch(r.out.String())
	commands := regexp.MustCompile(`(?m)^  # .*\n  (\S.*)$`).FindAllStringSubmatch(r.out.String(), -1)
	if env == nil || len(commands) < 5 {
		t.Fatalf("no commands in\n%s", r.out)
	}
	id := "none"
	for _, c := range commands {
		command := strings.Replace(c[1], "--end ID", "--end "+id, 1)
		out, err := exec.Command("sh", "-c", "export LC_ALL=C\n"+env[1]+"\n"+command).CombinedOutput()
		if err != nil {
			t.Errorf("$ %s: %v\n%s", command, err, out)
		}
		if found := regexp.MustCompile(`evacuating (\S+) in`).FindSubmatch(out); found != nil {
			id = string(found[1])
		}
		if strings.HasPrefix(command, "sandbox o") {
			r.waitFor(t, changes[:2]...)
			changes = changes[2:]
		}
	}
	if len(changes) > 0 {
		t.Errorf("no command led to %v", changes)
	}
}

// portsAreTaken wants a second sandbox to say whose ports it cannot have.
func (r *sandboxRun) portsAreTaken(t *testing.T, company string) {
	t.Helper()
	free := polaristest.FreePort()
	cmd, out := sandboxCommand(t, t.TempDir(), company, []int{free, r.ports[1], r.ports[2]})
	err := cmd.Run()
	want := fmt.Sprintf(`sandbox: port %d is taken, and is for our listener service-grpc (SDKs)
port %d is taken, and is for our listener set-admin (setctl, and the operators' page)
choose others: make sandbox SANDBOXFLAGS="-ports 18090,18091,18095"
`, r.ports[1], r.ports[2])
	if err == nil || out.String() != want {
		t.Errorf("%v:\n%swant\n%s", err, out, want)
	}
}

// end ends the sandbox by Ctrl-C.
func (r *sandboxRun) end(t *testing.T) {
	t.Helper()
	children := r.children(t)
	if err := r.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Wait(); err != nil || !strings.HasSuffix(r.out.String(), "\nEverything is stopped, and the folder is removed.\n") {
		t.Errorf("%v:\n%s", err, r.out)
	}
	for _, pid := range children {
		if _, err := os.Stat("/proc/" + pid); err == nil {
			t.Errorf("process %s is left", pid)
		}
	}
	if left, err := os.ReadDir(r.temp); err != nil || len(left) > 0 {
		t.Errorf("left are %v, %v", left, err)
	}
	for _, port := range r.ports {
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			t.Error(err)
			continue
		}
		listener.Close()
	}
}
