package main

import (
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
	"github.com/polaris-contrib/setrouter/plugin/router/nodes"
)

// What a node tells whoever asks has nothing of the contents, names and faults of
// its files, and of what is registered.
func TestSummaryHasNoSecrets(t *testing.T) {
	server, console := start(t, polaristest.Options{Config: replacedConfig(t, "enable_register: true", "enable_register: false")})
	registerNovel(t, console, "novel")
	eventually(t, server, polaristest.Request{Source: shanghai, Service: "novel"}, "10.11.0.1")
	done(t, server.WriteFile("conf/routing/all.yaml", "version: 1\nrules: [{name: secret-rule, service: default/novel, sett: {}}]\n"))
	// Its own status says it all, and that it knows of no other node.
	says(t, server, 1, "conf/routing/all.yaml:2:", `"sett"`, "nodes: 1, agree: false", "refuses routing files",
		"NOTE  this node is not among the instances of Polaris/polaris.checker")

	conn, err := grpc.DialContext(t.Context(), server.GRPCAddr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	done(t, err)
	defer conn.Close()
	var answer wrapperspb.BytesValue
	done(t, conn.Invoke(t.Context(), nodes.SummaryMethod, &emptypb.Empty{}, &answer))
	text := string(answer.GetValue())
	for _, secret := range []string{"novel", "qb", "conf", "yaml", "secret", "shanghai", "10.11", "127."} {
		if strings.Contains(text, secret) {
			t.Errorf("the summary has %q: %s", secret, text)
		}
	}
	for _, has := range []string{`"refused":true`, `"kind":"routing"`, `"instances":4`, `"services":2`} {
		if !strings.Contains(text, has) {
			t.Errorf("the summary has not %s: %s", has, text)
		}
	}
}

// Metrics show the digest in force, and none of before.
func TestDigestMetric(t *testing.T) {
	server, _ := start(t, polaristest.Options{})
	shown := func() []string {
		return slices.DeleteFunc(strings.Split(httpGet(t, "http://"+server.HTTPAddr+"/metrics", ""), "\n"), func(line string) bool {
			return !strings.HasPrefix(line, "setrouter_files_info{")
		})
	}
	before := shown()
	const more = `setrouter_rule_enabled{mode="enforce",rule="more"} 1`
	if metrics := httpGet(t, "http://"+server.HTTPAddr+"/metrics", ""); strings.Contains(metrics, more) || !strings.Contains(metrics, "setrouter_rule_enabled{") {
		t.Errorf("rules before there is one more: %s", metrics)
	}
	done(t, server.WriteFile("conf/routing/more.yaml", "version: 1\nrules: [{name: more, service: default/more, set: {}}]\n"))
	wait(t, func() error {
		if now := shown(); len(before) != 2 || len(now) != 2 || slices.Equal(now, before) {
			return errorf("%q, and before %q", now, before)
		}
		if !strings.Contains(httpGet(t, "http://"+server.HTTPAddr+"/metrics", ""), more) {
			return errorf("there is no %s", more)
		}
		return nil
	})
}
