package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/polaris-contrib/setrouter/internal/test/eurekaclient"
)

// client is a client of one server, at an address.
type client struct {
	eurekaclient.Client
	kind   string
	source string // address
	url    string
	http   *http.Client
	every  int // seconds between two polls, about

	polled       time.Time // the last time
	full, deltas traffic
	told         int // deltas that told the client to fetch all
	mismatches   int // other hashcodes that did not match
	late         int // of these after a longer time than the interval, as the machine stood still
}

// traffic are answers of one kind.
type traffic struct{ count, bytes int }

// newClients returns clients of both servers. Two of ours share an address.
func (w *world) newClients() []*client {
	clients := []*client{
		newClient(w.ours, "eureka-client", &eurekaclient.Java{}, "127.1.0.1", 1),
		newClient(w.ours, "eureka-client", &eurekaclient.Java{}, "127.1.0.2", 5),
		newClient(w.ours, "eureka-client", &eurekaclient.Java{}, "127.1.0.2", 7),
		newClient(w.ours, "py-eureka-client", &eurekaclient.Python{}, "127.1.0.3", 2),
		newClient(w.ours, "eureka-client", &eurekaclient.Java{}, "127.2.0.1", 3),
		newClient(w.ours, "eureka-client", &eurekaclient.Java{}, "127.9.0.1", 3),
	}
	if w.stock != nil {
		clients = append(clients, newClient(w.stock, stockKind, &eurekaclient.Java{}, "127.1.0.1", 1))
	}
	return clients
}

const stockKind = "eureka-client, stock server"

func newClient(n *node, kind string, model eurekaclient.Client, source string, every int) *client {
	return &client{Client: model, kind: kind, source: source, url: "http://" + n.eureka + "/eureka", every: every, http: dialingFrom(source)}
}

func dialingFrom(source string) *http.Client {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(source)}}
	return &http.Client{Transport: &http.Transport{DialContext: dialer.DialContext}, Timeout: 20 * time.Second}
}

func (c *client) String() string { return c.kind + " at " + c.source }

// poll polls as the client does.
func (c *client) poll() error {
	isLate := time.Since(c.polled) > deltaInterval
	defer func() { c.polled = time.Now() }()
	if c.IsFull() {
		delta, err := c.ask("/apps/delta", &c.deltas)
		if err != nil || !c.Delta(delta) {
			return err
		}
		c.noteMismatch(delta, isLate)
	}
	list, err := c.ask("/apps", &c.full)
	if err == nil {
		c.Full(list)
	}
	return err
}

func (c *client) noteMismatch(delta eurekaclient.Answer, isLate bool) {
	if delta.FetchAll() {
		c.told++
		return
	}
	if c.mismatches++; isLate {
		c.late++
	}
}

func (c *client) ask(path string, t *traffic) (a eurekaclient.Answer, err error) {
	req, err := http.NewRequest(http.MethodGet, c.url+path, nil)
	if err != nil {
		return a, err
	}
	req.Header.Set("Accept", "application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		return a, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %.200s", path, resp.Status, body)
	}
	t.count++
	t.bytes += len(body)
	if err == nil {
		err = json.Unmarshal(body, &a)
	}
	return a, err
}

// settled is how long nothing changes before clients are compared: the servers' caches are
// about a second old, and a client polls its last change after them.
const settled = 4 * time.Second

// compare lets every client poll once more, and compares what each has with a full list
// for another address of the same kind. A list that is wrong is noted.
func (w *world) compare(clients []*client) error {
	time.Sleep(settled)
	for _, c := range clients {
		if err := c.poll(); err != nil {
			return err
		}
		beside := client{url: c.url, http: dialingFrom(c.source[:strings.LastIndex(c.source, ".")] + ".200")}
		list, err := beside.ask("/apps", &traffic{})
		if err != nil {
			return err
		}
		beside.http.CloseIdleConnections()
		want := &eurekaclient.Java{}
		want.Full(list)
		w.compared++
		if got := c.Has(); !slices.Equal(got, want.Has()) {
			w.wrong = append(w.wrong, fmt.Sprintf("%s: %d instances, want %d", c, len(got), len(want.Has())))
		}
	}
	return nil
}
