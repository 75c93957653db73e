package eureka

import (
	"fmt"
	"maps"
	"net"
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

// loopback is where the stock listener listens.
const loopback = "127.0.0.1"

// listen is how the front listens: as the stock listener was told to.
type listen struct {
	ip        string
	port      int
	protocol  string // names the listener's connection limit
	tls       secure.TLSConfig
	connLimit *connlimit.Config
}

// split takes what concerns clients' connections out of a copy of the options,
// and puts the stock listener on a port of loopback.
func split(option map[string]any, protocol string, port int) (listen, map[string]any, error) {
	l := listen{ip: eurekaserver.DefaultListenIP, port: eurekaserver.DefaultListenPort, protocol: protocol}
	if v, given := option[optionIP]; given {
		ip, ok := v.(string)
		if !ok {
			return l, nil, fmt.Errorf("%s is %v, expected an address", optionIP, v)
		}
		l.ip = ip
	}
	if v, given := option[optionPort]; given {
		n, ok := v.(int)
		if !ok {
			return l, nil, fmt.Errorf("%s is %v, expected a number", optionPort, v)
		}
		l.port = n
	}
	if raw, _ := option[optionTLS].(map[any]any); raw != nil {
		config, err := secure.ParseTLSConfig(raw)
		if err != nil {
			return l, nil, fmt.Errorf("%s: %w", optionTLS, err)
		}
		l.tls = *config
	}
	if raw, _ := option[optionConnLimit].(map[any]any); raw != nil {
		config, err := connlimit.ParseConnLimitConfig(raw)
		if err != nil {
			return l, nil, fmt.Errorf("%s: %w", optionConnLimit, err)
		}
		l.connLimit = config
	}
	inner := maps.Clone(option)
	if inner == nil {
		inner = map[string]any{}
	}
	inner[optionIP], inner[optionPort] = loopback, port
	delete(inner, optionTLS)
	delete(inner, optionConnLimit)
	return l, inner, nil
}

// open listens as the stock listener does.
func (l listen) open() (net.Listener, error) {
	ln, err := net.Listen("tcp", fmt.Sprintf("%s:%d", l.ip, l.port))
	if err != nil {
		return nil, err
	}
	ln = keepalive.NewTcpKeepAliveListener(3*time.Minute, ln.(*net.TCPListener))
	if l.connLimit == nil || !l.connLimit.OpenConnLimit {
		return ln, nil
	}
	limited, err := connlimit.NewListener(ln, l.protocol, l.connLimit)
	if err != nil {
		_ = ln.Close()
		return nil, err
	}
	return limited, nil
}

// freePort is a port of loopback that nobody listens on now.
func freePort() (int, error) {
	ln, err := net.Listen("tcp", loopback+":0")
	if err != nil {
		return 0, err
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port, nil
}
