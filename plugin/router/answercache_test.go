package router

import (
	"strings"
	"testing"
	"time"

	"github.com/polaris-contrib/setrouter/internal/serverconfig"
	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

func TestAnswerCacheTooSmall(t *testing.T) {
	var problems strict.Problems
	table := location.LoadMapping([]strict.File{{Name: "m.csv", Data: []byte("match,set,region,zone\n" +
		"10.1.0.0/16,a.b.c,r,z1\n10.2.0.0/16,a.b.c,r,z2\n10.3.0.0/16,a.b.d,r,z1\n10.4.0.0/16,a.b.d,r,z1\n")}}, &problems)
	rules := route.Load([]strict.File{{Name: "r.yaml", Data: []byte("version: 1\nrules:\n" +
		"  - {name: sets, service: a/b, set: {}}\n" + // 2 kinds
		"  - {name: both, service: a/c, set: {}, nearby: {matchLevel: zone}}\n" + // 3
		"  - {name: when, service: a/d, when: {ip: [10.0.0.0/8]}, set: {}}\n" + // not counted
		"  - {name: none, service: a/e}\n")}}, time.Now(), &problems)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	for kept, want := range map[int]string{0: "keeps 0 encoded answers", 4: "callers are of 5 kinds", 5: ""} {
		got := answerCacheTooSmall(&serverconfig.Config{Protocols: []string{"service-grpc"}, AnswersKept: kept}, rules, table)
		if (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%d kept: %q, want %q", kept, got, want)
		}
	}
	if got := answerCacheTooSmall(&serverconfig.Config{Protocols: []string{"api-http"}}, rules, table); got != "" {
		t.Errorf("without the listener: %q", got)
	}
}
