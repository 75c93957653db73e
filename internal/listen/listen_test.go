package listen

import "testing"

func TestOpenTakesIPv6WithAndWithoutBrackets(t *testing.T) {
	for _, ip := range []string{"::1", "[::1]", "::", "127.0.0.1", ""} {
		listener, err := Options{IP: ip, Protocol: "eureka"}.Open()
		if err != nil {
			t.Errorf("listenIP %q: %v", ip, err)
			continue
		}
		listener.Close()
	}
}
