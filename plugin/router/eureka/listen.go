package eureka

import (
	"fmt"
	"maps"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/polarismesh/polaris/apiserver/eurekaserver"
	"github.com/polarismesh/polaris/common/conn/keepalive"
	connlimit "github.com/polarismesh/polaris/common/conn/limit"
	"github.com/polarismesh/polaris/common/secure"
)

// Options of the stock listener.
const (
	optionIP        = "listenIP"
	optionPort      = "listenPort"
	optionTLS       = "tls"
	optionConnLimit = "connLimit"
	optionNamespace = "namespace"
)

// The stock listener is told to listen here, where it cannot: it would give its lists
// to everybody on the host. Its log has this address, with an error, at each start.
const (
	impossibleIP   = "expected.setrouter-serves-the-clients"
	impossiblePort = 1 << 16
)

// keepAlive is the period that the stock listener has.
const keepAlive = 3 * time.Minute

// listenOptions say how the front listens: as the configuration tells the stock
// listener to.
type listenOptions struct {
	ip        string
	port      int
	protocol  string // names the connection limit
	tls       secure.TLSConfig
	connLimit *connlimit.Config // nil: no limit
}

// splitOptions returns how the front listens, and the options for the stock
// listener behind the front: without a port, and without what concerns the
// connections of clients. The options given stay as they are.
func splitOptions(option map[string]any, protocol string) (listenOptions, map[string]any, error) {
	listen, err := readListenOptions(option, protocol)
	if err != nil {
		return listen, nil, err
	}
	stock := maps.Clone(option)
	if stock == nil {
		stock = map[string]any{}
	}
	stock[optionIP], stock[optionPort] = impossibleIP, impossiblePort
	delete(stock, optionTLS)
	delete(stock, optionConnLimit)
	return listen, stock, nil
}

func readListenOptions(option map[string]any, protocol string) (listenOptions, error) {
	l := listenOptions{ip: eurekaserver.DefaultListenIP, port: eurekaserver.DefaultListenPort, protocol: protocol}
	if value, ok := option[optionIP]; ok {
		if l.ip, ok = value.(string); !ok {
			return l, fmt.Errorf("%s is %v, expected an address", optionIP, value)
		}
	}
	if value, ok := option[optionPort]; ok {
		if l.port, ok = value.(int); !ok {
			return l, fmt.Errorf("%s is %v, expected a number", optionPort, value)
		}
	}
	if section, _ := option[optionTLS].(map[any]any); section != nil {
		config, err := secure.ParseTLSConfig(section)
		if err != nil {
			return l, fmt.Errorf("%s: %w", optionTLS, err)
		}
		l.tls = *config
	}
	if section, _ := option[optionConnLimit].(map[any]any); section != nil {
		config, err := connlimit.ParseConnLimitConfig(section)
		if err != nil {
			return l, fmt.Errorf("%s: %w", optionConnLimit, err)
		}
		l.connLimit = config
	}
	return l, nil
}

// open listens as the stock listener does, and takes an IPv6 address without
// brackets too.
func (l listenOptions) open() (net.Listener, error) {
	listener, err := net.Listen("tcp", net.JoinHostPort(strings.Trim(l.ip, "[]"), strconv.Itoa(l.port)))
	if err != nil {
		return nil, err
	}
	listener = keepalive.NewTcpKeepAliveListener(keepAlive, listener.(*net.TCPListener))
	if l.connLimit == nil || !l.connLimit.OpenConnLimit {
		return listener, nil
	}
	limited, err := connlimit.NewListener(listener, l.protocol, l.connLimit)
	if err != nil {
		_ = listener.Close()
		return nil, err
	}
	return limited, nil
}

// hasTLS reports whether the front serves TLS.
func (l listenOptions) hasTLS() bool {
	return l.tls.CertFile != "" || l.tls.KeyFile != "" || l.tls.TrustedCAFile != ""
}
