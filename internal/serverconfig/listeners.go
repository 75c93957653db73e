package serverconfig

import (
	"fmt"
	"math"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/polaris-contrib/setrouter/internal/strict"
)

// AdminName is the name of the admin listener under apiservers.
const AdminName = "set-admin"

// GRPCName is the name of the listener of SDKs under apiservers.
const GRPCName = "service-grpc"

// HTTPName is the name of the HTTP listener under apiservers.
const HTTPName = "api-http"

// EurekaName is the name of the Eureka listener under apiservers.
const EurekaName = "service-eureka"

// NacosName is the name of the Nacos listener under apiservers.
const NacosName = "service-nacos"

// NacosGRPCOffset is how far the port of gRPC of the Nacos listener is above its port of HTTP:
// clients know it.
const NacosGRPCOffset = 1000

// XDSName is the name of the xDS listener under apiservers.
const XDSName = "xds-v3"

// proxyListeners are the listeners that read PROXY headers.
var proxyListeners = []string{GRPCName, HTTPName, EurekaName, NacosName, XDSName}

// defaultAnswersKept is the default of sizeCacheProto in the stock server.
const defaultAnswersKept = 128

// Listener is a listener of the server, with the port that it needs.
type Listener struct {
	Name   string
	Addr   string // host:port; an empty host means every address
	Origin string // file:line:col of the port
}

// readListener reads a listener. It ignores an invalid port: Polaris refuses it. The Nacos
// listener needs two ports.
func (c *Config) readListener(name string, n strict.Node) {
	options := entries(entries(n)["option"])
	port, ok := options["listenPort"]
	if !ok {
		return
	}
	number, err := strconv.ParseUint(port.Raw(), 10, 16)
	if err != nil {
		return
	}
	ip := strings.Trim(n.Peek("option", "listenIP"), "[]") // stock listeners take [::]
	origin := fmt.Sprintf("%s:%d:%d", port.File(), port.Line(), port.Col())
	c.Listeners = append(c.Listeners, Listener{name, net.JoinHostPort(ip, port.Raw()), origin})
	if name != NacosName {
		return
	}
	if number+NacosGRPCOffset > math.MaxUint16 {
		port.Errorf("found %d, expected a port of at most %d: gRPC is at the port %d above it", number, math.MaxUint16-NacosGRPCOffset, NacosGRPCOffset)
		return
	}
	c.Listeners = append(c.Listeners, Listener{name, net.JoinHostPort(ip, strconv.FormatUint(number+NacosGRPCOffset, 10)), origin})
}

// readProxyProtocol checks proxyProtocol of a listener: Polaris ignores options that it
// does not know.
func (c *Config) readProxyProtocol(name string, n strict.Node) {
	on := false
	values := entries(n)["option"].BindOwn(
		strict.Optional("proxyProtocol", "Whether the listener reads PROXY headers, of `trustedProxies` alone. It can be at "+strings.Join(proxyListeners, ", ")+".", strict.Bool(&on)),
	)
	value, ok := values["proxyProtocol"]
	switch {
	case !ok:
	case !slices.Contains(proxyListeners, name):
		value.Errorf("the listener %q reads no PROXY headers, expected proxyProtocol at %s alone", name, strings.Join(proxyListeners, ", "))
	case on:
		c.proxyProtocols = append(c.proxyProtocols, value)
	}
}

// checkProxyProtocols checks that there are proxies whose PROXY headers are read.
func (c *Config) checkProxyProtocols() {
	if len(c.TrustedProxies) > 0 {
		return
	}
	for _, value := range c.proxyProtocols {
		value.Errorf("proxyProtocol is true and nobody's PROXY header is read, expected the addresses of the proxies in plugin.location.option.trustedProxies")
	}
}

// listenerName is a name under apiservers, and where it stands.
type listenerName struct {
	name, file string
	line, col  int
}

// CheckListeners returns an error for each listener under apiservers that is not
// among known, the listeners of this server. Polaris writes a line into its log for
// such a listener, and goes on without it.
func (c *Config) CheckListeners(known []string) error {
	var problems strict.Problems
	for _, l := range c.listenerNames {
		if slices.Contains(known, l.name) {
			continue
		}
		hint := ", expected one of " + strings.Join(known, ", ")
		if near, ok := strict.Nearest(l.name, known); ok {
			hint = fmt.Sprintf("; did you mean %q?", near)
		}
		problems.Add(strict.Problem{File: l.file, Line: l.line, Col: l.col, Message: fmt.Sprintf("this server has no listener %q%s", l.name, hint)})
	}
	return problems.Err()
}

// Admin is the options of the admin listener. They matter if AdminName is among the
// Protocols.
type Admin struct {
	ListenIP   string
	ListenPort int
	Token      string // empty: the listener asks for no token, and stays on loopback
	ReadToken  string // of who may read and change nothing; empty: there is no such token
}

func (c *Config) readAdmin(n strict.Node) {
	n.Bind(
		strict.Optional("name", "`set-admin`: the listener that `setctl` and the page ask.", strict.Ignore),
		strict.Optional("api", "Polaris's own key, which means nothing here.", strict.Ignore),
		strict.Optional("option", "Where the listener listens, and who may ask.", func(option strict.Node) {
			values := option.Bind(
				strict.Optional("listenIP", "The address to listen at. Without a token it must be a loopback address.",
					strict.Text(&c.Admin.ListenIP)),
				strict.Optional("listenPort", "The port to listen at.", strict.Int(&c.Admin.ListenPort, 1, 65535)),
				strict.Optional("token", "The token that each request must have. Without it the listener asks for none, and stays on loopback.",
					strict.Text(&c.Admin.Token)),
				strict.Optional("readToken", "The token of those who may read and change nothing. It needs a `token` beside it, and must be another one.",
					strict.Text(&c.Admin.ReadToken)),
			)
			if values.Has("listenIP") {
				c.checkAdminIP(values["listenIP"])
			}
			if c.Admin.ReadToken != "" {
				c.checkReadToken(values["readToken"])
			}
		}),
	)
}

// checkAdminIP checks the address of the admin listener. Without a token the address
// must be loopback.
func (c *Config) checkAdminIP(n strict.Node) {
	addr, err := netip.ParseAddr(strings.Trim(c.Admin.ListenIP, "[]")) // stock listeners take [::]
	switch {
	case err != nil:
		n.Errorf("listenIP %q is not an address", c.Admin.ListenIP)
	case !addr.IsLoopback() && c.Admin.Token == "":
		n.Errorf("listenIP %q can be reached from other machines, expected a token beside it, or 127.0.0.1", c.Admin.ListenIP)
	default:
		c.Admin.ListenIP = addr.String()
	}
}

// checkReadToken checks the token of who may read only. The problem does not quote a token.
func (c *Config) checkReadToken(n strict.Node) {
	switch c.Admin.Token {
	case "":
		n.Errorf("there is a readToken and no token: then everybody may change everything, expected a token beside it")
	case c.Admin.ReadToken:
		n.Errorf("readToken is the same as token, and who has it may change everything, expected another one")
	}
}

// readGRPC reads the options of service-grpc that the pack needs. It checks nothing,
// as Polaris ignores values of other types.
func (c *Config) readGRPC(n strict.Node) {
	fields := entries(entries(n)["option"])
	c.GRPCTLS = n.Peek("option", "tls", "certFile") != ""
	if enabled, ok := fields["enableCacheProto"]; !ok || enabled.Raw() != "true" {
		return
	}
	c.AnswersKept = defaultAnswersKept
	if size, ok := fields["sizeCacheProto"]; ok && size.Raw() != "0" {
		c.AnswersKept, _ = strconv.Atoi(size.Raw())
	}
}
