// Package cmdb is the Polaris CMDB plugin `mapping`. From mapping files it tells
// the server the place of instances when they register, and of clients when they
// call ReportClient.
package cmdb

import (
	"errors"

	"github.com/polarismesh/polaris/common/model"
	"github.com/polarismesh/polaris/plugin"
	apimodel "github.com/polarismesh/specification/source/go/api/v1/model"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/polaris-contrib/setrouter/internal/serverconfig"
	"github.com/polaris-contrib/setrouter/internal/serverfiles"
	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

// CMDB answers the server from the mapping in force. It is safe for concurrent
// use after Initialize.
type CMDB struct {
	files *serverfiles.Files[mapping] // nil before Initialize
}

// mapping is what one load has made of the mapping files. It is immutable. The
// server passes answers on by pointer, so each place is made once.
type mapping struct {
	table     *location.Table
	locations map[location.Location]*model.Location
}

var _ plugin.CMDB = (*CMDB)(nil)

func load(files []strict.File) (*mapping, int, error) {
	var problems strict.Problems
	table := location.LoadMapping(files, &problems)
	if err := problems.Err(); err != nil {
		return nil, 0, err
	}
	m := &mapping{table: table, locations: map[location.Location]*model.Location{}}
	for _, identity := range table.Identities() {
		if _, ok := m.locations[identity.Location]; !ok {
			m.locations[identity.Location] = hostLocation(identity.Location)
		}
	}
	return m, table.Len(), nil
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

// Name returns the plugin's name in plugin.cmdb.name.
func (c *CMDB) Name() string { return serverconfig.MappingName }

// Destroy is never called by Polaris.
func (c *CMDB) Destroy() error { return nil }

// GetLocation returns the place that the mapping files give a host. It is nil for
// a host that they do not know, and for a name that is not an address. It leaves
// out the default of the mapping files: the server would prefer the default to
// what a client reports, and store it with instances.
func (c *CMDB) GetLocation(host string) (*model.Location, error) {
	m := c.files.Get()
	facts, ok := m.table.LookupHost(host)
	if !ok || facts.Location == (location.Location{}) {
		return nil, nil
	}
	return m.locations[facts.Location], nil
}

// Range calls handler with each prefix of the mapping files.
func (c *CMDB) Range(handler func(host string, location *model.Location) (bool, error)) error {
	if handler == nil {
		return errors.New("mapping: Range without a handler")
	}
	m := c.files.Get()
	for prefix, facts := range m.table.All() {
		if more, err := handler(prefix.String(), m.locations[facts.Location]); err != nil || !more {
			return err
		}
	}
	return nil
}

// Size returns the number of entries in force, as they are written.
func (c *CMDB) Size() int32 { return int32(c.files.Get().table.Len()) }

func (c *CMDB) table() *location.Table {
	if c.files == nil {
		return nil
	}
	return c.files.Get().table
}
