package xds

import (
	"net/netip"

	xdsresource "github.com/polarismesh/polaris/apiserver/xdsserverv3/resource"

	"github.com/polaris-contrib/setrouter/plugin/location"
)

// asker is whoever opened a stream, as the connection has it.
type asker struct {
	peer netip.Addr // of the connection, normalised
	// addr is the caller's address: the peer, or what a trusted proxy says in a header.
	// It is invalid where the caller cannot be told.
	addr netip.Addr
	trust
}

// trust says whether an address of a node id is believed.
type trust int

const (
	trustPeer   trust = iota // the peer is no trusted proxy, and is the caller
	trustHeader              // the peer is a trusted proxy, and a header says who asks
	trustNode                // the peer is a trusted proxy without a header: the node id may name the caller
)

// caller is who asks on a stream.
type caller struct {
	addr netip.Addr // invalid: cannot be told, so that there is nothing new of routed services
	// disowned is whether the caller cannot be told since the node id names another
	// address than the connection has, as behind NAT.
	disowned bool
}

// callerOf returns the caller of a stream (docs/design.md, 6.1). A client says its own
// address in a Polaris node id, as in sidecar~default/UUID~10.1.0.1. A trusted proxy that
// sends no header is believed what the node id says. Of another peer the node id must
// name the peer, if it names an address: somebody else may stand behind the peer.
func (a asker) callerOf(client *xdsresource.XDSClient) caller {
	said := addressIn(client)
	switch {
	case !said.IsValid() || !a.addr.IsValid() || said == a.addr || a.trust == trustHeader:
		return caller{addr: a.addr}
	case a.trust == trustNode:
		return caller{addr: said}
	}
	return caller{disowned: true}
}

// addressIn returns the address in a node id, normalised. It is invalid where there is
// none, or one that every machine has, as 127.0.0.1 and 0.0.0.0 in examples.
func addressIn(client *xdsresource.XDSClient) netip.Addr {
	addr, err := netip.ParseAddr(client.IPAddr)
	addr = location.Normalize(addr)
	if err != nil || addr.IsLoopback() || addr.IsUnspecified() {
		return netip.Addr{}
	}
	return addr
}
