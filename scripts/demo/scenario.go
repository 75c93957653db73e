package main

import (
	"net/netip"

	"github.com/polaris-contrib/setrouter/internal/test/sandbox"
)

// callers are the SDKs of the demo and the addresses that the server sees.
var callers = []sandbox.Caller{
	{Name: "novel-shanghai", Addr: netip.MustParseAddr("127.1.0.1")},
	{Name: "novel-shenzhen", Addr: netip.MustParseAddr("127.2.0.1")},
	{Name: "novel-public", Addr: netip.MustParseAddr("127.2.8.1")},
	{Name: "set-shanghai", Addr: netip.MustParseAddr("127.1.1.1")},
	{Name: "plain", Addr: netip.MustParseAddr("127.3.0.1")},
}

// instances register their SET; their location comes from the mapping.
var instances = []struct{ service, host, set string }{
	{"novel", "10.11.0.1", "qb.novel.h"},
	{"novel", "10.11.0.2", "qb.novel.h"},
	{"novel", "10.12.0.1", "qb.novel.z"},
	{"novel", "10.13.0.1", "qb.novel.*"},
	{"novel", "10.14.0.1", "qb.ams.h"},
	{"novel-composed", "10.11.0.1", "qb.novel.h"},
	{"novel-composed", "10.12.0.1", "qb.novel.z"},
	{"ams", "10.15.0.1", "ams.SH.1"},
	{"ams", "10.16.0.1", "ams.SZ.1"},
	{"bjepp.gateway.domain.testing", "10.31.0.1", "epp.core.bj"},
	{"bjepp.gateway.domain.testing", "10.32.0.1", "epp.query.bj"},
	{"svc-a", "10.21.0.1", ""},
	{"svc-a", "10.22.0.1", ""},
	{"svc-a", "10.23.0.1", ""},
}

// row is the list that a caller must get of a service, and the tier and level that
// gave it.
type row struct {
	caller, service string
	want            []string
	tier, level     string
	why             string
}

// phase is a state of the cluster, and what every caller must see in it.
type phase struct {
	title   string
	down    map[string][]string // hosts to isolate, by service
	replace [2]string           // in the routing file
	rows    []row
}

var everyNovel = []string{"10.11.0.1", "10.11.0.2", "10.12.0.1", "10.13.0.1", "10.14.0.1"}

var phases = []phase{
	{
		title: "Everything works",
		rows: []row{
			{"novel-shanghai", "novel", []string{"10.11.0.1", "10.11.0.2"}, "own", "", "scheme 3: its own group"},
			{"novel-shenzhen", "novel", []string{"10.12.0.1"}, "own", "", "scheme 3: its own group"},
			{"novel-public", "novel", []string{"10.11.0.1", "10.11.0.2", "10.12.0.1", "10.13.0.1"}, "own", "", "scheme 2: every group of novel"},
			{"plain", "novel", nil, "", "", "no SET: nothing, by unknown: none"},
			{"novel-shanghai", "ams", []string{"10.15.0.1"}, "own", "", "scheme 1: fixed callee ams.SH.1"},
			{"set-shanghai", "novel-composed", []string{"10.11.0.1"}, "own", "", "set.SH.1 is routed as qb.novel.h"},
			{"plain", "bjepp.gateway.domain.core.testing", []string{"10.31.0.1"}, "own", "", "lane address: core"},
			{"plain", "bjepp.gateway.domain.query.testing", []string{"10.32.0.1"}, "own", "", "lane address: query"},
			{"plain", "svc-a", []string{"10.21.0.1"}, "", "zone", "nearby: Shenzhen"},
			{"novel-shanghai", "svc-a", []string{"10.23.0.1"}, "", "region", "nearby: none in Shanghai, so its region"},
		},
	},
	{
		title: "Shanghai's group is down",
		down:  map[string][]string{"novel": {"10.11.0.1", "10.11.0.2"}, "ams": {"10.15.0.1"}},
		rows: []row{
			{"novel-shanghai", "novel", []string{"10.13.0.1"}, "pool", "", "moved to the public pool, never to qb.novel.z or ams"},
			{"novel-shenzhen", "novel", []string{"10.12.0.1"}, "own", "", "did not notice"},
			{"novel-shanghai", "ams", []string{"10.15.0.1"}, "own", "", "scheme 1 has no failover"},
		},
	},
	{
		title: "Shenzhen is down",
		down:  map[string][]string{"svc-a": {"10.21.0.1"}},
		rows: []row{
			{"plain", "svc-a", []string{"10.21.0.1", "10.22.0.1"}, "", "region", "widened to its region: Guangzhou"},
			{"novel-shanghai", "svc-a", []string{"10.23.0.1"}, "", "region", "did not notice"},
		},
	},
	{
		title: "Guangzhou is down, too",
		down:  map[string][]string{"svc-a": {"10.22.0.1"}},
		rows: []row{
			{"plain", "svc-a", []string{"10.21.0.1", "10.22.0.1", "10.23.0.1"}, "", "all", "widened to all: Nanjing"},
		},
	},
	{
		title:   "Rolled back: rollout: {percent: 0} in the rule own-then-pool",
		replace: [2]string{"rollout: {percent: 100}", "rollout: {percent: 0}"},
		rows: []row{
			{"novel-shanghai", "novel", everyNovel, "", "", "the stock answer"},
			{"novel-shenzhen", "novel", everyNovel, "", "", "the stock answer"},
			{"plain", "svc-a", []string{"10.21.0.1", "10.22.0.1", "10.23.0.1"}, "", "all", "other rules stay in force"},
		},
	},
}
