package location

import (
	"fmt"

	"github.com/polaris-contrib/setrouter/internal/alike"
	"github.com/polaris-contrib/setrouter/internal/strict"
)

// locationCheck checks the locations of entries after inheritance.
type locationCheck struct {
	*mappingLoader
	zones map[string]*zoneSeen
	known map[Location]string    // the messages about locations so far
	wrong map[string]*wrongPlace // by message
	order []*wrongPlace
}

// zoneSeen is the region of the first entry in a zone.
type zoneSeen struct {
	region string
	origin *Origin
}

// wrongPlace is a fault that the locations of entries have in common.
type wrongPlace struct {
	message string
	row     uint32   // the first in the order of reading
	at      position // where the fault stands there
	rows    map[uint32]bool
}

func newLocationCheck(l *mappingLoader) *locationCheck {
	return &locationCheck{mappingLoader: l, zones: map[string]*zoneSeen{}, known: map[Location]string{}, wrong: map[string]*wrongPlace{}}
}

// checkEntry notes a fault of the names that an entry says, or of its location.
func (c *locationCheck) checkEntry(ref entryRef, loc Location) {
	if len(c.badNames) > 0 {
		names := c.badNames[ref.statement]
		for _, name := range names {
			c.note(name.message, ref.row, name.at)
		}
		if len(names) > 0 {
			return
		}
	}
	row := &c.table.rows[ref.row]
	message, ok := "", false
	if len(c.known) > 0 {
		message, ok = c.known[loc]
	}
	if !ok {
		if err := c.checkLocation(loc, row); err != nil {
			message, ok = err.Error(), true
			c.known[loc] = message
		}
	}
	if ok {
		c.note(message, ref.row, position{row.Line, int(ref.col)})
	}
}

func (c *locationCheck) note(message string, row uint32, at position) {
	found := c.wrong[message]
	if found == nil {
		found = &wrongPlace{message: message, row: row, at: at, rows: map[uint32]bool{}}
		c.wrong[message], c.order = found, append(c.order, found)
	}
	if found.rows[row] = true; row < found.row {
		found.row, found.at = row, at
	}
}

// report adds each fault once, at the first entry that has it.
func (c *locationCheck) report() {
	for _, found := range c.order {
		others := ""
		if n := len(found.rows) - 1; n == 1 {
			others = "; and 1 other entry has this fault"
		} else if n > 1 {
			others = fmt.Sprintf("; and %d other entries have this fault", n)
		}
		c.problems.Add(strict.Problem{File: c.table.rows[found.row].File, Line: found.at.line, Col: found.at.col, Message: found.message + others})
	}
}

// checkLocation returns what is wrong with the location of an entry.
func (c *locationCheck) checkLocation(loc Location, origin *Origin) error {
	if err := c.table.CheckLocation(loc); err != nil {
		return err
	}
	if err := wantedPlace(loc); err != nil {
		return err
	}
	return c.checkRegion(loc, origin)
}

// checkDefault returns what is wrong with the location of the default.
func (c *locationCheck) checkDefault(f *Facts) error {
	switch {
	case f.Region == "" && f.Zone != "":
		return fmt.Errorf("the default has zone %q without its region, expected both", f.Zone)
	case f.Zone == "" && f.Campus != "":
		return fmt.Errorf("the default has campus %q without its zone, expected both", f.Campus)
	}
	return c.checkLocation(f.Location, f.RegionFrom)
}

// checkRegion returns an error if an earlier entry has the zone under another
// region.
func (c *locationCheck) checkRegion(loc Location, origin *Origin) error {
	if loc.Region == "" || loc.Zone == "" {
		return nil
	}
	first := c.zones[loc.Zone]
	if first == nil {
		c.zones[loc.Zone] = &zoneSeen{loc.Region, origin}
		return nil
	}
	if first.region == loc.Region {
		return nil
	}
	hint := ""
	if alike.Alike(loc.Region, first.region) {
		hint = ": " + alike.Difference(loc.Region, first.region)
	}
	return fmt.Errorf("zone %q is under region %q here and under %q in %s:%d, expected one region%s",
		loc.Zone, loc.Region, first.region, first.origin.File, first.origin.Line, hint)
}

// wantedPlace says what an entry lacks whose location has a level without the next wider
// one: neither the entry nor one around it has that.
func wantedPlace(loc Location) error {
	switch {
	case loc.Zone != "" && loc.Region == "":
		return fmt.Errorf("zone %q has no region: neither this entry nor a wider one around it says a region", loc.Zone)
	case loc.Campus != "" && loc.Zone == "":
		return fmt.Errorf("campus %q has no zone: neither this entry nor a wider one around it says a zone", loc.Campus)
	}
	return nil
}
