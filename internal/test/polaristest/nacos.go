package polaristest

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// NacosOffset is how far above the port of a Nacos listener its port for gRPC is.
const NacosOffset = 1000

// NacosNews is what happened at a client of a Nacos program.
type NacosNews struct {
	Client  int
	At      int64  // Unix, in ms
	Kind    string // ready, pushed, or the command that is done
	Service string
	Hosts   []string
	Times   map[string]int // how often each host was chosen, by the command select
	Error   string
}

// Time returns when the news happened.
func (n NacosNews) Time() time.Time { return time.UnixMilli(n.At) }

// Nacos is a running program of scripts/clients/nacos*, with an unmodified SDK. Its
// methods may be called concurrently.
type Nacos struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	done chan struct{} // closed when the process has ended

	mu   sync.Mutex
	news []NacosNews
}

// StartNacos starts a program by its command, with a folder of its own and a client
// for each address of a server. What the program prints on standard error goes to
// errs.
func StartNacos(command []string, errs io.Writer, dir string, servers ...string) (*Nacos, error) {
	args := append(append(slices.Clone(command[1:]), dir), servers...)
	n := &Nacos{cmd: exec.Command(command[0], args...), done: make(chan struct{})}
	n.cmd.Dir, n.cmd.Stderr, n.cmd.SysProcAttr = dir, errs, DieWithParent()
	var err error
	if n.in, err = n.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := n.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := n.cmd.Start(); err != nil {
		return nil, err
	}
	go n.read(out)
	return n, nil
}

func (n *Nacos) read(out io.Reader) {
	defer close(n.done)
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var news NacosNews
		if json.Unmarshal(lines.Bytes(), &news) != nil {
			continue // a library printed the line
		}
		n.mu.Lock()
		n.news = append(n.news, news)
		n.mu.Unlock()
	}
	_ = n.cmd.Wait()
}

// Do gives the program a command, as scripts/clients/nacos has them.
func (n *Nacos) Do(command string) error {
	_, err := io.WriteString(n.in, command+"\n")
	return err
}

// News returns the news from a number of them on, oldest first.
func (n *Nacos) News(from int) []NacosNews {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.news[min(from, len(n.news)):])
}

// Last returns a client's last news of a kind about a service, and how many there were.
func (n *Nacos) Last(client int, kind, service string) (last NacosNews, count int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, news := range n.news {
		if news.Client == client && news.Kind == kind && news.Service == service {
			last, count = news, count+1
		}
	}
	return last, count
}

// Ended reports whether the program has ended.
func (n *Nacos) Ended() bool {
	select {
	case <-n.done:
		return true
	default:
		return false
	}
}

// Kill ends the program at once, as a crash does.
func (n *Nacos) Kill() {
	_ = n.cmd.Process.Kill()
	<-n.done
}

// Close ends the program, and kills it if the program does not end by itself.
func (n *Nacos) Close() {
	_ = n.in.Close()
	select {
	case <-n.done:
	case <-time.After(5 * time.Second):
		n.Kill()
	}
}

// NacosRelay is a relay for each of the two ports of a Nacos listener.
type NacosRelay struct {
	Addr       string // to connect to, as to a Nacos listener
	HTTP, GRPC *Relay
}

// NewNacosRelay is NewRelay for a Nacos listener: target is its address for HTTP.
func NewNacosRelay(source netip.Addr, target string) (*NacosRelay, error) {
	above, err := NacosGRPC(target)
	if err != nil {
		return nil, err
	}
	port := FreePortPair()
	r := &NacosRelay{Addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(port))}
	if r.HTTP, err = newRelay(r.Addr, source, target, ""); err != nil {
		return nil, err
	}
	r.GRPC, err = newRelay(net.JoinHostPort("127.0.0.1", strconv.Itoa(port+NacosOffset)), source, above, "")
	if err != nil {
		return nil, errors.Join(err, r.HTTP.Close())
	}
	return r, nil
}

// Hold is Relay.Hold for both ports.
func (r *NacosRelay) Hold() { r.HTTP.Hold(); r.GRPC.Hold() }

// Release is Relay.Release for both ports.
func (r *NacosRelay) Release() { r.HTTP.Release(); r.GRPC.Release() }

// Close is Relay.Close for both ports.
func (r *NacosRelay) Close() error { return errors.Join(r.HTTP.Close(), r.GRPC.Close()) }

// WithNacos adds a Nacos listener to a configuration, and returns its address. The
// namespace public is default.
func WithNacos(config string) (changed, addr string) {
	port := FreePortPair()
	changed = strings.Replace(config, "  - name: set-admin", fmt.Sprintf(
		"  - {name: service-nacos, option: {listenIP: 127.0.0.1, listenPort: %d, defaultNamespace: default}}\n  - name: set-admin", port), 1)
	return changed, net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
}

// NacosGRPC returns the address for gRPC of a Nacos listener by its address for HTTP.
func NacosGRPC(addr string) (string, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", err
	}
	number, err := strconv.Atoi(port)
	return net.JoinHostPort(host, strconv.Itoa(number+NacosOffset)), err
}
