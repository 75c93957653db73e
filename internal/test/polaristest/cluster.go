package polaristest

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
)

// Cluster is what servers of the cluster form share: a database and a Redis.
type Cluster struct {
	DB    *MariaDB
	Redis *Redis
	nodes []*Node
}

// Node is a server's place in a cluster: an address of its own, and ways of its
// own to what the servers share, which can be cut.
type Node struct {
	IP       string // 127.0.1.N
	ToDB     *Relay
	ToRedis  *Relay
	database string // the `store` by way of ToDB
}

// ClusterPrograms are what StartCluster runs.
var ClusterPrograms = append(slices.Clone(MariaDBPrograms), RedisProgram)

// StartCluster starts a database and a Redis.
func StartCluster() (*Cluster, error) {
	db, err := StartMariaDB()
	if err != nil {
		return nil, err
	}
	redis, err := StartRedis()
	if err != nil {
		return nil, errors.Join(err, db.Kill())
	}
	return &Cluster{DB: db, Redis: redis}, nil
}

// Join makes room for one more node.
func (c *Cluster) Join() (*Node, error) {
	n := &Node{IP: fmt.Sprintf("127.0.1.%d", len(c.nodes)+1)}
	source := netip.MustParseAddr("127.0.0.1")
	var err error
	if n.ToDB, err = NewRelay(source, c.DB.Addr); err != nil {
		return nil, err
	}
	if n.ToRedis, err = NewRelay(source, c.Redis.Addr); err != nil {
		return nil, errors.Join(err, n.ToDB.Close())
	}
	n.database = storeAt(n.ToDB.Addr)
	c.nodes = append(c.nodes, n)
	return n, nil
}

// On is o for a server at this node.
func (n *Node) On(o Options) Options {
	o.ListenIP, o.SelfAddress, o.Store = n.IP, n.IP, n.database
	o.Checkers = fmt.Sprintf("[{name: heartbeatRedis, option: {kvAddr: %q, kvPasswd: \"\", poolSize: 20, minIdleConns: 5, idleTimeout: 120s, connectTimeout: 200ms, msgTimeout: 200ms, concurrency: 20}}]", n.ToRedis.Addr)
	return o
}

// Kill ends it all at once. Servers are ended before.
func (c *Cluster) Kill() error {
	errs := []error{c.DB.Kill(), c.Redis.Kill()}
	for _, n := range c.nodes {
		errs = append(errs, n.ToDB.Close(), n.ToRedis.Close())
	}
	return errors.Join(errs...)
}
