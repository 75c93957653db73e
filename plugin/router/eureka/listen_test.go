package eureka

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The front takes over what concerns clients' connections, and leaves the rest.
func TestSplit(t *testing.T) {
	option := map[string]any{
		"listenIP": "10.0.0.1", "listenPort": 8761, "namespace": "n", "refreshInterval": 5,
		"tls":       map[any]any{"certFile": "c", "keyFile": "k"},
		"connLimit": map[any]any{"openConnLimit": true, "maxConnPerHost": 16, "maxConnLimit": 64},
	}
	l, inner, err := split(option, "eureka", 99)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"listenIP": "127.0.0.1", "listenPort": 99, "namespace": "n", "refreshInterval": 5}
	if diff := cmp.Diff(want, inner); diff != "" {
		t.Errorf("the stock listener's options: (-want +got)\n%s", diff)
	}
	if l.ip != "10.0.0.1" || l.port != 8761 || l.tls.CertFile != "c" || l.tls.KeyFile != "k" || !l.connLimit.OpenConnLimit || l.connLimit.MaxConnPerHost != 16 {
		t.Errorf("the front's: %+v", l)
	}
	if option["listenPort"] != 8761 || option["tls"] == nil {
		t.Errorf("the options were altered: %v", option)
	}
	if l, inner, err := split(nil, "eureka", 99); err != nil || l.ip != "0.0.0.0" || l.port != 8761 || inner["listenPort"] != 99 {
		t.Errorf("without options: %+v %v %v", l, inner, err)
	}
	for _, tt := range []struct {
		option map[string]any
		want   string
	}{
		{map[string]any{"listenPort": "8761x"}, "listenPort is 8761x, expected a number"},
		{map[string]any{"listenIP": 7}, "listenIP is 7, expected an address"},
	} {
		if _, _, err := split(tt.option, "eureka", 99); err == nil || err.Error() != tt.want {
			t.Errorf("%v: %v, want %s", tt.option, err, tt.want)
		}
	}
}
