package view

import (
	"fmt"
	"strings"
	"testing"

	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// someInstance reads an instance as id=host:port, with words behind it.
func someInstance(text string) *apiservice.Instance {
	fields := strings.Fields(text)
	id, address, _ := strings.Cut(fields[0], "=")
	colon := strings.LastIndex(address, ":")
	var port uint32
	fmt.Sscan(address[colon+1:], &port)
	i := &apiservice.Instance{Id: wrapperspb.String(id), Host: wrapperspb.String(address[:colon]), Port: wrapperspb.UInt32(port), Weight: wrapperspb.UInt32(100), Healthy: wrapperspb.Bool(true)}
	for _, word := range fields[1:] {
		switch word {
		case "isolated":
			i.Isolate = wrapperspb.Bool(true)
		case "weightless":
			i.Weight = wrapperspb.UInt32(0)
		}
	}
	return i
}

func TestReachable(t *testing.T) {
	for _, tt := range []struct {
		name       string
		priorities [][]string
		want, left string
	}{
		{"all", [][]string{{"a=10.0.0.1:80", "b=10.0.0.2:80"}, {"c=10.0.0.3:80"}}, "a b; c", ""},
		{"out of service", [][]string{{"a=10.0.0.1:80 isolated", "b=10.0.0.2:80 weightless"}, {"c=10.0.0.3:80"}}, "c", ""},
		{"names", [][]string{{"a=host-1:80", "b=10.0.0.2:80"}, {"c=host-2:80"}, {"d=:80"}}, "b", `3 whose host is no IP address, as "host-1:80"`},
		{"a twin", [][]string{{"a=10.0.0.1:80", "b=10.0.0.1:80", "c=10.0.0.1:81"}}, "a c", `1 with the address and port of another instance, as "10.0.0.1:80"`},
		{"a twin in another priority", [][]string{{"b=10.0.0.1:80", "c=10.0.0.2:80"}, {"a=10.0.0.1:80"}}, "c; a", `1 with the address and port of another instance, as "10.0.0.1:80"`},
		{"a twin that leaves a priority empty", [][]string{{"b=10.0.0.1:80"}, {"a=10.0.0.1:80"}}, "a", `1 with the address and port of another instance, as "10.0.0.1:80"`},
		{"a twin that is out of service", [][]string{{"a=10.0.0.1:80 isolated", "b=10.0.0.1:80"}}, "b", ""},
		{"one address written in ways", [][]string{{"a=[2001:db8::1]:80", "b=2001:DB8:0::1:80", "c=::ffff:10.0.0.1:80", "d=10.0.0.1:80"}}, "a c", `2 with the address and port of another instance, as "2001:DB8:0::1:80"`},
		{"a port that there is not", [][]string{{"a=10.0.0.1:65616", "b=10.0.0.1:80"}}, "b", `1 whose host is no IP address, as "10.0.0.1:65616"`},
		{"both", [][]string{{"a=x:1", "b=10.0.0.1:80", "c=10.0.0.1:80"}}, "b", `1 whose host is no IP address, as "x:1", and 1 with the address and port of another instance, as "10.0.0.1:80"`},
		{"none", nil, "", ""},
	} {
		var priorities []Priority
		for _, list := range tt.priorities {
			var p Priority
			for _, text := range list {
				p.Instances = append(p.Instances, someInstance(text))
			}
			priorities = append(priorities, p)
		}
		out, left := ReachableIn(priorities)
		var got []string
		for _, list := range out {
			var ids []string
			for _, i := range list {
				ids = append(ids, i.GetId().GetValue())
			}
			got = append(got, strings.Join(ids, " "))
		}
		if got := strings.Join(got, "; "); got != tt.want || left.String() != tt.left {
			t.Errorf("%s: %q, left out %q\nwant %q, left out %q", tt.name, got, left, tt.want, tt.left)
		}
	}
}
