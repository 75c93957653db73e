package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCommandLine(t *testing.T) {
	for _, try := range []struct {
		name string
		args string
		want options
		says string
	}{
		{"flags end at the command", "-n polaris status -o json", options{
			namespace: "polaris", selector: "app.kubernetes.io/name=polaris", port: 8095, command: []string{"status", "-o", "json"},
		}, ""},
		{"all flags", "--kubeconfig k --context c --namespace n -l app=polaris --pod polaris-1 --port 18095 lookup 10.0.0.1", options{
			kubeconfig: "k", context: "c", namespace: "n", selector: "app=polaris", pod: "polaris-1", port: 18095, command: []string{"lookup", "10.0.0.1"},
		}, ""},
		{"no command", "-n polaris", options{}, "kubectl setrouter [FLAGS] COMMAND [ARGUMENTS OF setctl]"},
		{"a flag that is none", "--nmespace polaris status", options{}, "flag provided but not defined: -nmespace"},
	} {
		t.Run(try.name, func(t *testing.T) {
			var out strings.Builder
			got, err := parse(strings.Fields(try.args), &out)
			if try.says != "" {
				if err == nil || !strings.Contains(out.String(), try.says) {
					t.Errorf("%v: %s, want %s", err, out.String(), try.says)
				}
				return
			}
			if diff := cmp.Diff(try.want, got, cmp.AllowUnexported(options{})); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}
