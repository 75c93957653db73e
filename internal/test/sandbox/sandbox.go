// Package sandbox runs a company on loopback: a server with the pack, instances that
// are registered there, and callers with the unmodified SDK, each at an address of the
// company. make sandbox, make demo and the tests of the pages that operators read use
// the same companies.
package sandbox

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// Proxy is the address that the callers' connections come from. The server trusts the
// PROXY headers of Proxy, and its X-Forwarded-For over HTTP, so that callers may be at
// any address.
var Proxy = netip.MustParseAddr("127.0.0.2")

// Company is what a sandbox has.
type Company struct {
	Files     map[string]string // below the server's directory
	Instances []polaristest.Instance
	Callers   []Caller
}

// Caller is a program with the SDK. Asks are the services that it goes on asking for.
type Caller struct {
	Name string
	Addr netip.Addr
	Asks []Service
}

// Service is the name of a service.
type Service struct{ Namespace, Name string }

func (s Service) String() string { return s.Namespace + "/" + s.Name }

// Options say how to start a sandbox.
type Options struct {
	Programs polaristest.Programs
	Sandbox  string // the program of make sandbox; empty: the folder has no commands
	Ports    polaristest.Ports
	Token    string // of set-admin
}

// Sandbox is a running company. It is for one goroutine.
type Sandbox struct {
	Server    *polaristest.Server
	Console   *polaristest.Console
	Consumers *polaristest.Consumers
	Company   Company
}

// Start starts a company's server, registers its instances, and starts its callers.
func Start(ctx context.Context, o Options, c Company) (s *Sandbox, err error) {
	s = &Sandbox{Company: c}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	s.Server, err = polaristest.Start(ctx, polaristest.Options{
		Binary: o.Programs.Server, Files: c.Files, Ports: o.Ports, AdminToken: o.Token,
		TrustedProxies: []string{Proxy.String()}, Config: config(),
	})
	if err != nil {
		return s, err
	}
	if err := s.furnish(o); err != nil {
		return s, err
	}
	if s.Console, err = polaristest.Login(ctx, s.Server); err != nil {
		return s, err
	}
	if err := s.Console.Register(ctx, c.Instances...); err != nil {
		return s, err
	}
	return s, s.startCallers(o.Programs.Consumer)
}

// config is the configuration of servers in tests, with a listener for SDKs that reads
// PROXY headers.
func config() string {
	return strings.Replace(polaristest.Config(), "listenPort: {{.GRPC}}", "proxyProtocol: true, listenPort: {{.GRPC}}", 1)
}

func (s *Sandbox) startCallers(binary string) (err error) {
	s.Consumers, err = polaristest.StartConsumers(binary)
	if err != nil {
		return err
	}
	for _, c := range s.Company.Callers {
		if err := s.Consumers.AddBehind(Proxy, c.Name, c.Addr, s.Server); err != nil {
			return err
		}
	}
	return nil
}

// furnish puts the commands into the server's directory, and a file that a shell reads
// to find them: setctl, sandbox, and a kubectl that plays one.
func (s *Sandbox) furnish(o Options) error {
	if o.Sandbox == "" {
		return nil
	}
	bin := filepath.Join(s.Server.Dir, "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return err
	}
	for name, program := range map[string]string{"setctl": o.Programs.Setctl, "sandbox": o.Sandbox, "kubectl": o.Sandbox} {
		path, err := filepath.Abs(program)
		if err != nil {
			return err
		}
		if err := os.Symlink(path, filepath.Join(bin, name)); err != nil {
			return err
		}
	}
	lines := []string{
		"# For a shell: . " + s.Env(),
		"cd " + s.Server.Dir,
		"PATH=" + bin + ":$PATH",
		"export SETROUTER_SERVER=" + s.Server.AdminURL + " SETROUTER_TOKEN=" + o.Token + " " + httpVariable + "=" + s.Server.HTTPAddr,
	}
	return s.Server.WriteFile("env", strings.Join(lines, "\n")+"\n")
}

// Env is the file that a shell reads before the commands of the pages.
func (s *Sandbox) Env() string { return filepath.Join(s.Server.Dir, "env") }

// Close ends every process at once, and removes every file.
func (s *Sandbox) Close() error {
	var errs []error
	if s.Consumers != nil {
		errs = append(errs, s.Consumers.Close())
	}
	if s.Server != nil {
		errs = append(errs, s.Server.Kill())
	}
	return errors.Join(errs...)
}
