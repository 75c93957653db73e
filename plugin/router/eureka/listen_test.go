package eureka

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The front takes over what concerns clients' connections, and leaves the rest.
func TestSplitOptions(t *testing.T) {
	option := map[string]any{
		"listenIP": "10.0.0.1", "listenPort": 8761, "namespace": "n", "refreshInterval": 5,
		"tls":       map[any]any{"certFile": "c", "keyFile": "k"},
		"connLimit": map[any]any{"openConnLimit": true, "maxConnPerHost": 16, "maxConnLimit": 64},
	}
	listen, stock, err := splitOptions(option, "eureka")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"listenIP": "expected.setrouter-serves-the-clients", "listenPort": 65536, "namespace": "n", "refreshInterval": 5}
	if diff := cmp.Diff(want, stock); diff != "" {
		t.Errorf("the stock listener's options: (-want +got)\n%s", diff)
	}
	if listen.IP != "10.0.0.1" || listen.Port != 8761 || listen.TLS.CertFile != "c" || listen.TLS.KeyFile != "k" || !listen.ConnLimit.OpenConnLimit || listen.ConnLimit.MaxConnPerHost != 16 {
		t.Errorf("the front's: %+v", listen)
	}
	if option["listenPort"] != 8761 || option["tls"] == nil {
		t.Errorf("the options were altered: %v", option)
	}
	if listen, stock, err := splitOptions(nil, "eureka"); err != nil || listen.IP != "0.0.0.0" || listen.Port != 8761 || stock["listenPort"] != 65536 {
		t.Errorf("without options: %+v %v %v", listen, stock, err)
	}
	for _, tt := range []struct {
		option map[string]any
		want   string
	}{
		{map[string]any{"listenPort": "8761x"}, "listenPort is 8761x, expected a number"},
		{map[string]any{"listenIP": 7}, "listenIP is 7, expected an address"},
	} {
		if _, _, err := splitOptions(tt.option, "eureka"); err == nil || err.Error() != tt.want {
			t.Errorf("%v: %v, want %s", tt.option, err, tt.want)
		}
	}
}

// Deltas have what changed within the stock option, or its default.
func TestDeltaInterval(t *testing.T) {
	for _, tt := range []struct {
		value any
		want  string
	}{
		{nil, "1m0s"}, {0, "1m0s"}, {-1, "1m0s"}, {180, "3m0s"},
		{"60s", "deltaExpireInterval is 60s, expected a number of seconds"},
	} {
		option := map[string]any{}
		if tt.value != nil {
			option["deltaExpireInterval"] = tt.value
		}
		f, _, err := newFront(option, "eureka", newRegistry(t, nil))
		got := fmt.Sprint(err)
		if err == nil {
			got = f.memory.interval.String()
		}
		if got != tt.want {
			t.Errorf("%v: %s, want %s", tt.value, got, tt.want)
		}
	}
}
