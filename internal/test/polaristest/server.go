// Package polaristest runs the parts that end-to-end tests and the demo need:
// a real server process, callers at several source addresses, and a program
// with the unmodified Go SDK.
package polaristest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"text/template"
	"time"

	"github.com/polaris-contrib/setrouter/internal/atomicfile"
)

// Options say how to start a server.
type Options struct {
	Binary string            // path of polaris-server
	Files  map[string]string // below the server's directory, written before the start
	Dir    string            // used again for a restart; empty: a temporary one
	// Replaces is a server that has ended. The new one takes its directory and ports.
	Replaces *Server
	// TrustedProxies is plugin.location.option.trustedProxies.
	TrustedProxies  []string
	ForwardedHeader string // default: no line in the configuration
	ListenIP        string // default 127.0.0.1
	FailClosed      bool   // failOpen: false
	AdminToken      string
	Config          string // a configuration; default Config()
	Store           string // the `store` in the configuration; default the embedded store
	Checkers        string // the `healthcheck.checkers`; default in memory
	SelfAddress     string // the address that the server registers itself with; default 127.0.0.1
	TimeZone        string // the process's TZ; default the machine's time zone
	Ports           Ports  // default free ones
}

// Ports are what a server listens on.
type Ports struct{ HTTP, GRPC, Admin int }

// Server is a running server process.
type Server struct {
	Dir      string
	HTTPAddr string
	GRPCAddr string
	AdminURL string

	ports   Ports
	admin   bool // the configuration has the admin port
	logged  int  // bytes that earlier servers in Dir logged
	cmd     *exec.Cmd
	out     *buffer
	done    chan struct{} // closed when the process has ended
	ownsDir bool
}

// Start starts a server, and waits until it serves. If the process ends before that,
// the error has what the process printed.
func Start(ctx context.Context, o Options) (*Server, error) {
	s := &Server{Dir: o.Dir, out: &buffer{}, done: make(chan struct{})}
	s.ports = o.Ports
	if s.ports == (Ports{}) {
		s.ports = Ports{FreePort(), FreePort(), FreePort()}
	}
	if o.Replaces != nil {
		s.Dir, s.ports = o.Replaces.Dir, o.Replaces.ports
	}
	if s.Dir == "" {
		dir, err := os.MkdirTemp("", "setrouter-")
		if err != nil {
			return nil, err
		}
		s.Dir, s.ownsDir = dir, true
	}
	if err := s.prepare(o); err != nil {
		return nil, errors.Join(err, s.clean())
	}
	binary, err := filepath.Abs(o.Binary)
	if err != nil {
		return nil, err
	}
	s.cmd = exec.Command(binary, "start", "-c", "conf/polaris-server.yaml")
	s.cmd.Dir, s.cmd.Stdout, s.cmd.Stderr = s.Dir, s.out, s.out
	if o.TimeZone != "" {
		s.cmd.Env = append(os.Environ(), "TZ="+o.TimeZone)
	}
	s.cmd.SysProcAttr, s.logged = DieWithParent(), len(s.Log())
	if err := s.cmd.Start(); err != nil {
		return nil, errors.Join(err, s.clean())
	}
	go func() {
		_ = s.cmd.Wait()
		close(s.done)
	}()
	if err := s.ready(ctx); err != nil {
		return nil, errors.Join(err, s.Kill())
	}
	return s, nil
}

func (s *Server) prepare(o Options) error {
	for name, content := range o.Files {
		if err := s.WriteFile(name, content); err != nil {
			return err
		}
	}
	if o.ListenIP == "" {
		o.ListenIP = "127.0.0.1"
	}
	host := o.ListenIP
	if host == "[::]" {
		host = "127.0.0.1"
	}
	s.HTTPAddr = net.JoinHostPort(host, strconv.Itoa(s.ports.HTTP))
	s.GRPCAddr = net.JoinHostPort(host, strconv.Itoa(s.ports.GRPC))
	s.AdminURL = "http://127.0.0.1:" + strconv.Itoa(s.ports.Admin)
	if o.Store == "" {
		o.Store = "{name: boltdbStore, option: {path: ./polaris.bolt}}"
	}
	if o.Checkers == "" {
		o.Checkers = "[{name: heartbeatMemory}]"
	}
	if o.SelfAddress == "" {
		o.SelfAddress = "127.0.0.1"
	}
	config := o.Config
	if config == "" {
		config = configTemplate
	}
	var text bytes.Buffer
	err := template.Must(template.New("").Parse(config)).Execute(&text, map[string]any{
		"IP": o.ListenIP, "HTTP": s.ports.HTTP, "GRPC": s.ports.GRPC, "Admin": s.ports.Admin, "Token": o.AdminToken,
		"Trusted": strings.Join(o.TrustedProxies, ", "), "Header": o.ForwardedHeader, "FailOpen": !o.FailClosed,
		"Store": o.Store, "Checkers": o.Checkers, "Self": o.SelfAddress,
	})
	if err != nil {
		return err
	}
	s.admin = strings.Contains(text.String(), "listenPort: "+strconv.Itoa(s.ports.Admin))
	return s.WriteFile("conf/polaris-server.yaml", text.String())
}

// ready waits until the server serves. The stock server prints that it has started
// shortly after it starts its listeners; a listener may listen later than that.
func (s *Server) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	for !strings.Contains(s.Output(), "finish starting server") || !listens(s.HTTPAddr) || !listens(s.GRPCAddr) || !s.adminListens() {
		select {
		case <-s.done:
			return fmt.Errorf("the server ended with exit code %d:\n%s", s.ExitCode(), s.Output())
		case <-ctx.Done():
			_ = s.end(syscall.SIGQUIT) // prints what every goroutine does
			return fmt.Errorf("the server did not start: %w:\n%s", ctx.Err(), s.Output())
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}

// adminListens reports whether the admin listener listens. It is true for a stock
// server, which has no such listener and does not write the pack's log.
func (s *Server) adminListens() bool {
	return !s.admin || len(s.Log()) <= s.logged || listens(strings.TrimPrefix(s.AdminURL, "http://"))
}

func listens(addr string) bool {
	conn, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

// WriteFile puts a file below the server's directory in one step.
func (s *Server) WriteFile(name, content string) error {
	path := filepath.Join(s.Dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return atomicfile.Write(path, []byte(content), 0o644)
}

// Output returns what the process has printed so far.
func (s *Server) Output() string { return s.out.String() }

// Log returns what the pack has logged so far.
func (s *Server) Log() string { return s.log("setrouter") }

// StockLog returns what the rest of the server has logged so far.
func (s *Server) StockLog() string { return s.log("default") }

func (s *Server) log(scope string) string {
	text, _ := os.ReadFile(filepath.Join(s.Dir, "log", scope+".log"))
	return string(text)
}

// ExitCode returns the exit code of the process, and -1 while it runs.
func (s *Server) ExitCode() int {
	select {
	case <-s.done:
		return s.cmd.ProcessState.ExitCode()
	default:
		return -1
	}
}

// PID returns the process's id.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// Stop ends the server as an operator would. The stock server takes 5 s.
func (s *Server) Stop() error { return s.end(syscall.SIGTERM) }

// Crash ends the server at once, and keeps its directory.
func (s *Server) Crash() error { return s.end(syscall.SIGKILL) }

// Kill ends the server at once, and removes its directory if Start made it.
func (s *Server) Kill() error { return errors.Join(s.end(syscall.SIGKILL), s.clean()) }

func (s *Server) end(signal os.Signal) error {
	err := s.cmd.Process.Signal(signal)
	if errors.Is(err, os.ErrProcessDone) {
		err = nil
	}
	<-s.done
	return err
}

func (s *Server) clean() error {
	if !s.ownsDir {
		return nil
	}
	return os.RemoveAll(s.Dir)
}

// buffer is a bytes.Buffer for a process that writes while a test reads.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// Faults returns what the process printed from its first panic or fatal error on,
// and "none" if there was none. net/http goes on after a panic: the client only sees
// a closed connection.
func (s *Server) Faults() string {
	index := regexp.MustCompile(`panic|fatal error`).FindStringIndex(s.Output())
	if index == nil {
		return "none"
	}
	text := s.Output()[index[0]:]
	return text[:min(len(text), 4000)]
}
