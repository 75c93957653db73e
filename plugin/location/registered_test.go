package location

import (
	"fmt"
	"strings"
	"testing"
)

func TestRegistered(t *testing.T) {
	long := strings.Repeat("x", 65)
	tests := []struct {
		name     string
		metadata map[string]string
		want     string // the SET, and then why names do not count
	}{
		{"none", nil, ""},
		{"set name", map[string]string{MetaSetName: "a.b.c"}, "a.b.c"},
		{"enabled", map[string]string{MetaSetName: "a.b.c", MetaSetEnable: "Y"}, "a.b.c"},
		{"enabled, as some SDKs write it", map[string]string{MetaSetName: "a.b.c", MetaSetEnable: "y"}, "a.b.c"},
		{"switched off", map[string]string{MetaSetName: "a.b.c", MetaSetEnable: "N"}, `; SET name "a.b.c" is switched off by internal-enable-set "N"`},
		{"another value is off", map[string]string{MetaSetName: "a.b.c", MetaSetEnable: "yes"}, `; SET name "a.b.c" is switched off by internal-enable-set "yes"`},
		{"empty is off, group", map[string]string{MetaSetName: "a.b.c", MetaSetEnable: "", MetaSetGroup: "a.b.d"}, `a.b.d; SET name "a.b.c" is switched off by internal-enable-set ""`},
		{"switched off, and no name", map[string]string{MetaSetEnable: "N", MetaSetGroup: "a.b.d"}, "a.b.d"},
		{"the switch is not for the group", map[string]string{MetaSetGroup: "a.b.*", MetaSetEnable: "N"}, "a.b.*"},
		{"group", map[string]string{MetaSetGroup: "a.b.*"}, "a.b.*"},
		{"another key", map[string]string{"SET-GROUP": "a.b.c"}, ""},
		{"name before group", map[string]string{MetaSetName: "a.b.c", MetaSetGroup: "a.b.d"}, "a.b.c"},
		{"no SET name", map[string]string{MetaSetName: "a.b"}, `; SET name "a.b" has 2 segments, expected three: business.area.group`},
		{"no SET name, group", map[string]string{MetaSetName: " a.b.c", MetaSetGroup: "a.b.d"}, `a.b.d; SET name " a.b.c": segment " a" is not 1 to 64 letters, digits, '_' or '-'`},
		{"neither is a SET name", map[string]string{MetaSetName: "*.*.*", MetaSetGroup: "a.b." + long},
			`; SET name "*.*.*" has "*" in segment 1, expected it in the third only; SET name "a.b.` + long + `": segment "` + long + `" is not 1 to 64 letters, digits, '_' or '-'`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			facts, ignored := Registered(Location{Region: "r"}, tt.metadata)
			got := string(facts.SET)
			for _, name := range ignored {
				got += "; " + name.Why
			}
			if got != tt.want || facts.Region != "r" {
				t.Errorf("%+v\ngot  %s\nwant %s", facts.Identity, got, tt.want)
			}
		})
	}
}

// Hosts of instances come in every spelling that SDKs send.
func TestHostAddr(t *testing.T) {
	for host, want := range map[string]string{
		"10.1.0.1": "10.1.0.1", "::ffff:10.1.0.1": "10.1.0.1", "[::ffff:10.1.0.1]": "10.1.0.1",
		"2001:db8::1": "2001:db8::1", "[2001:db8::1]": "2001:db8::1", "2001:0DB8:0:0:0:0:0:1": "2001:db8::1",
		"fe80::1%eth0": "fe80::1", "[fe80::1%eth0]": "fe80::1",
		"": "", "[]": "", "[": "", "]": "", "[2001:db8::1": "", "2001:db8::1]": "", "[[2001:db8::1]]": "",
		"[2001:db8::1]:80": "", "10.1.0.1:80": "", "a-host": "", "010.1.0.1": "", " 10.1.0.1": "",
	} {
		addr, ok := HostAddr(host)
		got := ""
		if ok {
			got = fmt.Sprint(addr)
		}
		if got != want {
			t.Errorf("%q: %q, want %q", host, got, want)
		}
	}
}
