// Package listen opens listeners in the place of stock listeners of Polaris, as the
// configuration tells these to.
package listen

import (
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/polarismesh/polaris/common/conn/keepalive"
	connlimit "github.com/polarismesh/polaris/common/conn/limit"
	"github.com/polarismesh/polaris/common/secure"
)

// Options of the stock listeners.
const (
	optionIP        = "listenIP"
	optionPort      = "listenPort"
	optionTLS       = "tls"
	optionConnLimit = "connLimit"
	// OptionProxyProtocol is an option of ours.
	OptionProxyProtocol = "proxyProtocol"
)

// keepAlive is the period that the stock listeners have.
const keepAlive = 3 * time.Minute

// Options say how to listen.
type Options struct {
	IP        string
	Port      int
	Protocol  string // names the connection limit
	TLS       secure.TLSConfig
	ConnLimit *connlimit.Config // nil: no limit
	// ProxyProtocol is whether trusted proxies begin with a PROXY header.
	ProxyProtocol bool
	// Trust reports whether an address is a trusted proxy's. It is needed with
	// ProxyProtocol, and called concurrently.
	Trust func(netip.Addr) bool
}

// Read returns how the configuration tells a stock listener to listen. What it does not
// say is as in defaults.
func Read(option map[string]any, defaults Options) (Options, error) {
	l := defaults
	if value, ok := option[optionIP]; ok {
		if l.IP, ok = value.(string); !ok {
			return l, fmt.Errorf("%s is %v, expected an address", optionIP, value)
		}
	}
	if value, ok := option[optionPort]; ok {
		if l.Port, ok = value.(int); !ok {
			return l, fmt.Errorf("%s is %v, expected a number", optionPort, value)
		}
	}
	if value, ok := option[OptionProxyProtocol]; ok {
		if l.ProxyProtocol, ok = value.(bool); !ok {
			return l, fmt.Errorf("%s is %v, expected true or false", OptionProxyProtocol, value)
		}
	}
	if section, _ := option[optionTLS].(map[any]any); section != nil {
		config, err := secure.ParseTLSConfig(section)
		if err != nil {
			return l, fmt.Errorf("%s: %w", optionTLS, err)
		}
		l.TLS = *config
	}
	if section, _ := option[optionConnLimit].(map[any]any); section != nil {
		config, err := connlimit.ParseConnLimitConfig(section)
		if err != nil {
			return l, fmt.Errorf("%s: %w", optionConnLimit, err)
		}
		l.ConnLimit = config
	}
	return l, nil
}

// Behind returns the options for the stock listener behind ours: with another address, and
// without what concerns the connections of clients. The options given stay as they are.
func Behind(option map[string]any, ip string, port int) map[string]any {
	stock := maps.Clone(option)
	if stock == nil {
		stock = map[string]any{}
	}
	stock[optionIP], stock[optionPort] = ip, port
	delete(stock, optionTLS)
	delete(stock, optionConnLimit)
	delete(stock, OptionProxyProtocol)
	return stock
}

// Open listens as the stock listeners do, and takes an IPv6 address without
// brackets too.
func (l Options) Open() (net.Listener, error) {
	listener, err := net.Listen("tcp", net.JoinHostPort(strings.Trim(l.IP, "[]"), strconv.Itoa(l.Port)))
	if err != nil {
		return nil, err
	}
	listener = keepalive.NewTcpKeepAliveListener(keepAlive, listener.(*net.TCPListener))
	if l.ProxyProtocol {
		listener = NewProxyListener(listener, l.Trust)
	}
	if l.ConnLimit == nil || !l.ConnLimit.OpenConnLimit {
		return listener, nil
	}
	stock, err := connlimit.NewListener(listener, l.Protocol, l.ConnLimit)
	if err != nil {
		_ = listener.Close()
		return nil, err
	}
	return limited{stock}, nil
}

// Serve serves a listener until the server is closed, with TLS where the options have
// any. Its error is never nil.
func (l Options) Serve(server *http.Server, listener net.Listener) error {
	if l.TLS.CertFile != "" || l.TLS.KeyFile != "" || l.TLS.TrustedCAFile != "" {
		return server.ServeTLS(listener, l.TLS.CertFile, l.TLS.KeyFile)
	}
	return server.Serve(listener)
}
