// Package cmdb is the Polaris CMDB plugin `mapping`: it tells the server the
// location of instances at their registration, and of clients in ReportClient,
// from mapping files.
package cmdb

import (
	"errors"
	"net/netip"

	"github.com/polarismesh/polaris/common/model"
	"github.com/polarismesh/polaris/plugin"
	apimodel "github.com/polarismesh/specification/source/go/api/v1/model"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/polaris-contrib/setrouter/internal/livefile"
	"github.com/polaris-contrib/setrouter/internal/serverconfig"
	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

// CMDB answers the server's questions from the mapping in force. It is safe
// for concurrent use after Initialize.
type CMDB struct {
	live *livefile.Live[state]
}

// state is one load of the mapping files, immutable. The server hands the
// answers on by pointer, so that each location has one.
type state struct {
	table     *location.Table
	locations map[location.Location]*model.Location
}

var _ plugin.CMDB = (*CMDB)(nil)

func load(files []strict.File) (*state, int, error) {
	var problems strict.Problems
	table := location.LoadMapping(files, &problems)
	if err := problems.Err(); err != nil {
		return nil, 0, err
	}
	s := &state{table: table, locations: map[location.Location]*model.Location{}}
	for _, id := range table.Identities() {
		if _, done := s.locations[id.Location]; !done {
			s.locations[id.Location] = hostLocation(id.Location)
		}
	}
	return s, table.Len(), nil
}

func hostLocation(l location.Location) *model.Location {
	return &model.Location{
		Proto: &apimodel.Location{
			Region: wrapperspb.String(l.Region),
			Zone:   wrapperspb.String(l.Zone),
			Campus: wrapperspb.String(l.Campus),
		},
		Valid: true,
	}
}

// Name is the plugin's name in plugin.cmdb.name.
func (c *CMDB) Name() string { return serverconfig.MappingName }

// Destroy is never called by Polaris.
func (c *CMDB) Destroy() error { return nil }

// GetLocation returns the location that the mapping files give for a host. It
// is nil for a host that they do not know and for a name that is no address.
// The `default` of the mapping files is left out: the server would put it in
// the place of what a client reports, and store it with an instance.
func (c *CMDB) GetLocation(host string) (*model.Location, error) {
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return nil, nil
	}
	s := c.live.Get()
	facts, ok := s.table.Lookup(addr)
	if !ok || facts.Location == (location.Location{}) {
		return nil, nil
	}
	return s.locations[facts.Location], nil
}

// Range calls handler with each prefix of the mapping files.
func (c *CMDB) Range(handler func(host string, location *model.Location) (bool, error)) error {
	if handler == nil {
		return errors.New("mapping: Range without a handler")
	}
	s := c.live.Get()
	for prefix, facts := range s.table.All() {
		if more, err := handler(prefix.String(), s.locations[facts.Location]); err != nil || !more {
			return err
		}
	}
	return nil
}

// Size is the number of prefixes in force.
func (c *CMDB) Size() int32 { return int32(c.live.Get().table.Len()) }

func (c *CMDB) table() *location.Table {
	if c.live == nil {
		return nil
	}
	return c.live.Get().table
}
