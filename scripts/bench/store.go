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
			id, l := rig.InstanceID(n), k.location(p)
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
		ids[i] = rig.InstanceID(s.random.IntN(s.plan.instances))
	}
	return s.Flip(ids...)
}
