// Package cluster tests several server nodes on one database and one Redis.
package cluster

import (
	"fmt"
	"os"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/test/needs"
	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

var programs polaristest.Programs

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "setrouter-cluster-")
	if err != nil {
		panic(err)
	}
	if programs, err = polaristest.BuildPrograms(dir); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// mapping has a caller network for each kind of caller.
const mapping = `
version: 1
mappings:
  - {match: 127.1.0.0/16, region: east, zone: shanghai, campus: shanghai-1, set: qb.novel.h}
  - {match: 127.2.0.0/16, region: south, zone: shenzhen, campus: shenzhen-2, set: qb.novel.z}
`

const routing = `
version: 1
rules:
  - {name: novel, service: default/novel*, set: {}}
`

// cluster starts what nodes share.
func cluster(t *testing.T) *polaristest.Cluster {
	t.Helper()
	needs.Program(t, polaristest.ClusterPrograms...)
	c, err := polaristest.StartCluster()
	done(t, err)
	t.Cleanup(func() { done(t, c.Kill()) })
	return c
}

// node is a running server of a cluster.
type node struct {
	*polaristest.Server
	*polaristest.Node
	*polaristest.Console
}

// join starts a server as one more node. Without files in o it has those of the
// constants here.
func join(t *testing.T, c *polaristest.Cluster, o polaristest.Options) node {
	t.Helper()
	place, err := c.Join()
	done(t, err)
	if o.Binary == "" {
		o.Binary = programs.Server
	}
	if o.Files == nil {
		o.Files = map[string]string{"conf/mapping/all.yaml": mapping, "conf/mapping/none.csv": "match,set\n", "conf/routing/all.yaml": routing}
	}
	server, err := polaristest.Start(t.Context(), place.On(o))
	done(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s: %s", place.IP, server.Log())
		}
		done(t, server.Kill())
	})
	console, err := polaristest.Login(t.Context(), server)
	done(t, err)
	return node{server, place, console}
}

func done(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wait waits for something to hold.
func wait(t *testing.T, holds func() error) {
	t.Helper()
	polaristest.Wait(t, holds)
}
