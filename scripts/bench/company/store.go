package main

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"

	"github.com/polaris-contrib/setrouter/scripts/bench/rig"
)

// store is the database, and the changes of a run.
type store struct {
	*rig.Store
	plan   plan
	random *rand.Rand
}

func startStore(p plan) (*store, error) {
	db, err := rig.StartStore(p.registrations())
	return &store{db, p, rand.New(rand.NewPCG(1, 2))}, err
}

// serviceOf returns the service of an instance, and the instance's number there.
func (c company) serviceOf(instance int) (service, n int) {
	return instance % c.services, instance / c.services
}

// batch is how many rows are written at once.
const batch = 1000

// registrations returns all services and instances as SQL.
func (p plan) registrations() string {
	var b strings.Builder
	b.WriteString("USE polaris_server;\n")
	rows(&b, p.services, "INSERT INTO service (id, name, namespace, token, revision, owner) VALUES", func(n int) string {
		return fmt.Sprintf("('bench-%d','%s','default','','r','polaris')", n, p.serviceName(n))
	})
	rows(&b, p.instances, "INSERT INTO instance (id,service_id,host,port,protocol,version,health_status,isolate,weight,cmdb_region,cmdb_zone,cmdb_idc,revision) VALUES", func(n int) string {
		service, i := p.serviceOf(n)
		l, host := place(i%cities), netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)})
		return fmt.Sprintf("('%s','bench-%d','%s',8000,'grpc','1.0.0',1,0,100,'%s','%s','%s','%s')", rig.InstanceID(n), service, host, l.Region, l.Zone, l.Campus, rig.InstanceID(n))
	})
	rows(&b, p.instances, "INSERT INTO instance_metadata (id,mkey,mvalue) VALUES", func(n int) string {
		return strings.Join(p.metadata(n), ",")
	})
	return b.String()
}

// metadata returns the rows of an instance's metadata.
func (c company) metadata(instance int) []string {
	id := rig.InstanceID(instance)
	out := []string{fmt.Sprintf("('%s','build','2026-11-29.%d')", id, instance%7)}
	service, n := c.serviceOf(instance)
	if isPlatform(service) {
		return out
	}
	set := kind(c.businessOf(service)*cities + n%cities).set()
	if n/cities%poolOne == poolOne-1 {
		set = set[:strings.LastIndexByte(set, '.')+1] + "*"
	}
	return append(out, fmt.Sprintf("('%s','internal-set-name','%s'),('%s','internal-enable-set','Y')", id, set, id))
}

// rows writes statements that insert n rows.
func rows(b *strings.Builder, n int, insert string, row func(int) string) {
	for first := 0; first < n; first += batch {
		var list []string
		for i := first; i < min(first+batch, n); i++ {
			list = append(list, row(i))
		}
		fmt.Fprintf(b, "%s %s;\n", insert, strings.Join(list, ","))
	}
}

// change flips the health of n random instances.
func (s *store) change(n int) error {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = rig.InstanceID(s.random.IntN(s.plan.instances))
	}
	return s.Flip(ids...)
}
