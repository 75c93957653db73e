package main

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"time"

	_ "github.com/go-sql-driver/mysql"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// store is the database that both servers read, as two nodes of a cluster do. It is
// filled before they start. Instances then change in the database, as if another
// node had changed them. So neither server spends time on writes.
type store struct {
	db     *polaristest.MariaDB
	conn   *sql.DB
	plan   plan
	random *rand.Rand
}

func startStore(p plan) (*store, error) {
	db, err := polaristest.StartMariaDB()
	if err != nil {
		return nil, err
	}
	s := &store{db: db, plan: p, random: rand.New(rand.NewPCG(1, 2))}
	if err := db.Run(strings.NewReader(p.registrations())); err != nil {
		return nil, err
	}
	s.conn, err = sql.Open("mysql", "root@tcp("+db.Addr+")/polaris_server")
	return s, err
}

func instanceID(n int) string { return fmt.Sprintf("%032x", uint64(n)*0x9E3779B97F4A7C15) }

// registrations returns the service and its instances as SQL. Instances have the
// metadata that SET routing in SDKs needs.
func (p plan) registrations() string {
	var b strings.Builder
	b.WriteString("USE polaris_server;\nINSERT INTO service (id, name, namespace, token, revision, owner) VALUES ('bench', '" + service + "', 'default', '', 'r', 'polaris');\n")
	const batch = 1000
	for first := 0; first < p.instances; first += batch {
		var instances, metadata []string
		for n := first; n < min(first+batch, p.instances); n++ {
			k := kind(n % (p.sets * p.campuses))
			id, l := instanceID(n), k.location(p)
			host := netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)})
			instances = append(instances, fmt.Sprintf("('%s','bench','%s',8000,'grpc','1.0.0',1,0,100,'%s','%s','%s','%s')", id, host, l.Region, l.Zone, l.Campus, id))
			metadata = append(metadata, fmt.Sprintf("('%s','internal-set-name','%s'),('%s','internal-enable-set','Y')", id, k.set(p), id))
		}
		fmt.Fprintf(&b, "INSERT INTO instance (id,service_id,host,port,protocol,version,health_status,isolate,weight,cmdb_region,cmdb_zone,cmdb_idc,revision) VALUES %s;\n", strings.Join(instances, ","))
		fmt.Fprintf(&b, "INSERT INTO instance_metadata (id,mkey,mvalue) VALUES %s;\n", strings.Join(metadata, ","))
	}
	return b.String()
}

// change flips the health of n random instances.
func (s *store) change(n int) error {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = instanceID(s.random.IntN(s.plan.instances))
	}
	return s.flip(ids...)
}

// flip changes the health of instances.
func (s *store) flip(ids ...string) error {
	_, err := s.conn.Exec(fmt.Sprintf("UPDATE instance SET health_status = 1 - health_status, revision = '%032x' WHERE id IN ('%s')",
		time.Now().UnixNano(), strings.Join(ids, "','")))
	return err
}

func (s *store) close() error {
	s.conn.Close()
	return s.db.Kill()
}
