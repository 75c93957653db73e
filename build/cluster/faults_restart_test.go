package cluster

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// goesOn is a client of several nodes: it stays with one, and goes on to the
// next where that does not answer.
func goesOn(quit <-chan struct{}, nodes int, ask func(node int) error) (answers int) {
	for at := 0; ; {
		select {
		case <-quit:
			return answers
		case <-time.After(20 * time.Millisecond):
		}
		if ask(at) != nil {
			at = (at + 1) % nodes
			continue
		}
		answers++
	}
}

// All nodes are restarted, one after the other, as in an upgrade. Clients go on
// with the other node: an SDK that knows both has its list all the time, without
// an event, and no answer over HTTP or gRPC is another list, or an error.
func TestRollingRestart(t *testing.T) {
	t.Parallel()
	c := cluster(t)
	nodes := []node{join(t, c, polaristest.Options{}), join(t, c, polaristest.Options{})}
	done(t, nodes[0].Register(t.Context(), novel()...))
	var revision string
	wait(t, func() error {
		revision = gets(t, nodes[0], shanghai, "10.11.0.1")
		if other := gets(t, nodes[1], shanghai, "10.11.0.1"); other != revision {
			return fmt.Errorf("revisions %s and %s", revision, other)
		}
		return nil
	})

	var addrs []string
	for _, n := range nodes {
		relay, err := polaristest.NewRelay(netip.MustParseAddr("127.1.0.3"), n.GRPCAddr)
		done(t, err)
		t.Cleanup(func() { done(t, relay.Close()) })
		addrs = append(addrs, relay.Addr)
	}
	sdk, err := polaristest.StartConsumers(programs.Consumer)
	done(t, err)
	t.Cleanup(func() { done(t, sdk.Close()) })
	added, err := sdk.Do(map[string]any{"add": "sdk", "servers": addrs, "dir": t.TempDir()})
	done(t, err)
	if added.Error != "" {
		t.Fatal(added.Error)
	}

	watched := func() polaristest.Got {
		got, err := sdk.Do(map[string]any{"watch": "sdk", "namespace": "default", "service": "novel"})
		done(t, err)
		return got
	}
	watched()
	found, quit, answers := &faults{}, make(chan struct{}), make(chan int, len(nodes)+2)
	right := func(of string, code int, got string, hosts []string) {
		if code != listSent || got != revision || !slices.Equal(hosts, []string{"10.11.0.1"}) { // nobody says which list they have
			found.add("%s: code %d, revision %q, %v", of, code, got, hosts)
		}
	}
	for _, n := range nodes { // from the first answer after a start to the last one before an end
		go func() {
			answers <- goesOn(quit, 1, func(int) error {
				got, err := polaristest.Discover(t.Context(), n.HTTPAddr, polaristest.Request{Source: shanghai, Namespace: "default", Service: "novel"})
				if _, answered := errors.AsType[*json.SyntaxError](err); answered {
					found.add("HTTP: %v", err)
				}
				if err == nil {
					right("HTTP", got.Code, got.Service.Revision, hostsOf(got.Instances))
				}
				return err
			})
		}()
	}
	go func() {
		var stream *polaristest.Stream // to nodes[at]
		at := 0
		answers <- goesOn(quit, len(nodes), func(i int) (err error) {
			if stream == nil || at != i {
				if stream, err = polaristest.Dial(t.Context(), nodes[i].GRPCAddr, shanghai); err != nil {
					return err
				}
				at = i
			}
			got, err := stream.Instances("default", "novel", "")
			if err != nil {
				_ = stream.Close()
				stream = nil
				return err
			}
			var hosts []string
			for _, i := range got.Instances {
				hosts = append(hosts, i.GetHost().GetValue())
			}
			right("gRPC", int(got.GetCode().GetValue()), got.GetService().GetRevision().GetValue(), hosts)
			return nil
		})
		if stream != nil {
			_ = stream.Close()
		}
	}()
	go func() {
		answers <- goesOn(quit, 1, func(int) error {
			got, err := sdk.Get("sdk", "default", "novel")
			var hosts []string
			for _, i := range got.Instances {
				hosts = append(hosts, i.Host)
			}
			if err != nil || got.Error != "" || got.PickError != "" {
				found.add("SDK: %v %s %s", err, got.Error, got.PickError)
			}
			right("SDK", listSent, got.Revision, hosts)
			return nil
		})
	}()
	for _, n := range nodes {
		done(t, n.Stop())
		if code := n.ExitCode(); code != 0 {
			t.Errorf("%s ends with exit code %d", n.IP, code)
		}
		n = startsAgain(t, n, polaristest.Options{})
		gets(t, n, shanghai, "10.11.0.1")
	}
	close(quit)
	sum := 0
	for range len(nodes) + 2 {
		n := <-answers
		if sum += n; n < 50 {
			t.Errorf("%d answers", n)
		}
	}
	if got := watched(); len(got.Events) > 0 {
		found.add("events in the SDK: %+v", got.Events)
	}
	t.Logf("%d answers, %d of them wrong", sum, len(found.text))
	for _, text := range found.text {
		t.Error(text)
	}
}
