package eureka

import (
	"fmt"
	"time"

	"github.com/polarismesh/polaris/apiserver/eurekaserver"

	"github.com/polaris-contrib/setrouter/internal/listen"
	"github.com/polaris-contrib/setrouter/plugin/router"
)

// Options of the stock listener.
const (
	optionNamespace     = "namespace"
	optionDeltaInterval = "deltaExpireInterval" // in seconds
)

// The stock listener is told to listen here, where it cannot: it would give its lists
// to everybody on the host. Its log has this address, with an error, at each start.
const (
	impossibleIP   = "expected.setrouter-serves-the-clients"
	impossiblePort = 1 << 16
)

// splitOptions returns how the front listens, and the options for the stock
// listener behind the front.
func splitOptions(option map[string]any, protocol string) (listen.Options, map[string]any, error) {
	options, err := listen.Read(option, listen.Options{IP: eurekaserver.DefaultListenIP, Port: eurekaserver.DefaultListenPort, Protocol: protocol, Trust: router.TrustsProxy})
	return options, listen.Behind(option, impossibleIP, impossiblePort), err
}

// deltaInterval returns for how long deltas have a change.
func deltaInterval(option map[string]any) (time.Duration, error) {
	seconds, ok := option[optionDeltaInterval].(int)
	if value := option[optionDeltaInterval]; value != nil && !ok {
		return 0, fmt.Errorf("%s is %v, expected a number of seconds", optionDeltaInterval, value)
	}
	if seconds <= 0 {
		seconds = eurekaserver.DefaultDetailExpireInterval
	}
	return time.Duration(seconds) * time.Second, nil
}
