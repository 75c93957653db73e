package nacos

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/polaris-contrib/setrouter/internal/observe"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

// Bounds of pushes by UDP.
const (
	// maxUDPLists and maxUDPListsOfAddress are how many lists are pushed, in all and to one
	// address. Who is beyond them polls.
	maxUDPLists          = 100_000
	maxUDPListsOfAddress = 2_000
	// udpLife is how long lists are pushed after the last request for them: clients ask every
	// second, and after an empty list once a minute.
	udpLife = 90 * time.Second
	// ackTime is how long an acknowledgement is waited for, and maxPushes how often a list
	// is pushed without one. A client that sends none polls.
	ackTime   = 2 * time.Second
	maxPushes = 3
)

// udpPusher pushes lists to clients of Nacos 1 that wait at a port of UDP. Packets go to the
// address from which the client has asked over TCP, and never to one that a client names.
type udpPusher struct {
	routing routing
	conn    *net.UDPConn
	now     func() time.Time

	mu    sync.Mutex
	lists map[netip.AddrPort]map[query]*udpList // by where the client waits
	count map[netip.Addr]int                    // of lists, by address
	total int
}

// udpList is a list that a client waits for.
type udpList struct {
	sent   state     // what the client has, or was pushed
	asked  time.Time // when the client asked last
	stamp  int64     // of the push that waits for its acknowledgement; 0: none does
	pushed time.Time // when that was sent
	pushes int       // of that list, without an acknowledgement
}

// newUDPPusher returns a pusher that sends from a port of the address.
func newUDPPusher(ip string, routing routing) (*udpPusher, error) {
	addr, err := net.ResolveUDPAddr("udp", net.JoinHostPort(ip, "0"))
	if err != nil {
		return nil, err
	}
	conn, err := net.ListenUDP("udp", addr)
	if err != nil {
		return nil, err
	}
	return &udpPusher{
		routing: routing, conn: conn, now: time.Now,
		lists: map[netip.AddrPort]map[query]*udpList{}, count: map[netip.Addr]int{},
	}, nil
}

// note notes that a client has asked for a list and has it, and waits for pushes.
func (u *udpPusher) note(client netip.AddrPort, q query, sent state) {
	u.mu.Lock()
	defer u.mu.Unlock()
	list := u.lists[client][q]
	if list == nil {
		if u.total >= maxUDPLists || u.count[client.Addr()] >= maxUDPListsOfAddress {
			return
		}
		if u.lists[client] == nil {
			u.lists[client] = map[query]*udpList{}
		}
		list = &udpList{}
		u.lists[client][q] = list
		u.count[client.Addr()]++
		u.total++
	}
	*list = udpList{sent: sent, asked: u.now()}
}

// remove ends pushes of a list to a client. The caller holds the lock.
func (u *udpPusher) remove(client netip.AddrPort, q query) {
	delete(u.lists[client], q)
	if len(u.lists[client]) == 0 {
		delete(u.lists, client)
	}
	if u.count[client.Addr()]--; u.count[client.Addr()] == 0 {
		delete(u.count, client.Addr())
	}
	u.total--
}

// udpTask is a list to look at.
type udpTask struct {
	client netip.AddrPort
	q      query
	sent   state
	again  bool // the last push is not acknowledged
}

// tasks returns the lists to look at, and ends pushes to clients that ask no more, or that
// acknowledge nothing.
func (u *udpPusher) tasks() []udpTask {
	u.mu.Lock()
	defer u.mu.Unlock()
	now := u.now()
	out := make([]udpTask, 0, u.total)
	for client, lists := range u.lists {
		for q, list := range lists {
			late := list.stamp != 0 && now.Sub(list.pushed) > ackTime
			if now.Sub(list.asked) > udpLife || late && list.pushes >= maxPushes {
				u.remove(client, q)
				continue
			}
			out = append(out, udpTask{client, q, list.sent, late})
		}
	}
	return out
}

// look pushes the lists that have changed since they were sent. Where routing fails, or the
// caller cannot be told, the client keeps the list that it has.
func (u *udpPusher) look() {
	tasks := u.tasks()
	if len(tasks) == 0 {
		return
	}
	look := u.routing.Look()
	for _, task := range tasks {
		now, err := stateOf(look, task.client.Addr(), task.q.polaris())
		if err == nil && (now != task.sent || task.again) {
			u.push(task)
		}
	}
}

// push sends a list to a client.
func (u *udpPusher) push(task udpTask) {
	info, now, err := answer(u.routing, task.client.Addr(), task.q)
	if err != nil {
		return
	}
	if !u.pushing(task, now, info.LastRefTime) {
		return
	}
	packet, err := udpPacket(task.q, info)
	if err != nil {
		observe.Fault("a list cannot be pushed to a Nacos client", zap.Error(err))
		return
	}
	if len(packet) > maxPacket { // the client has the list at its next request
		u.acknowledge(task.client, info.LastRefTime)
		return
	}
	_, _ = u.conn.WriteToUDPAddrPort(packet, task.client) // a client that cannot be reached polls
}

// pushing notes that a list is pushed with a stamp. It is not ok where the client has asked
// since the look, and has the list.
func (u *udpPusher) pushing(task udpTask, now state, stamp int64) (ok bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	list := u.lists[task.client][task.q]
	if list == nil || list.sent == now && list.stamp == 0 {
		return false
	}
	if list.sent != now {
		list.pushes = 0
	}
	list.sent, list.stamp, list.pushed = now, stamp, u.now()
	list.pushes++
	return true
}

// run pushes until the context is done.
func (u *udpPusher) run(ctx context.Context) {
	defer u.conn.Close()
	go observe.Safely("the acknowledgements of Nacos clients", u.receive)
	ticker := time.NewTicker(lookInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			observe.Safely("a look at the lists of Nacos clients", u.look)
		}
	}
}

// receive takes acknowledgements until the pusher is closed.
func (u *udpPusher) receive() {
	buffer := make([]byte, maxAck)
	for {
		n, from, err := u.conn.ReadFromUDPAddrPort(buffer)
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil: // a client that is not there any more
			continue
		}
		if stamp, ok := parseAck(buffer[:n]); ok {
			u.acknowledge(netip.AddrPortFrom(location.Normalize(from.Addr()), from.Port()), stamp)
		}
	}
}

// acknowledge notes that a client has the list of a push.
func (u *udpPusher) acknowledge(client netip.AddrPort, stamp int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, list := range u.lists[client] {
		if list.stamp == stamp {
			list.stamp, list.pushes = 0, 0
		}
	}
}
