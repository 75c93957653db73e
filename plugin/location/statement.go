package location

import (
	"maps"
)

// A million entries say only so many different things, most of them in the
// same way: what the table keeps for a prefix are the numbers of its location
// with the origins, of its SET and of its labels, and of the entry's own line.
// See docs/performance-mapping.md.

// origin is a location, and where that and the rest come from: ownPlace, or the
// line of a wider entry. They are together as they are read together: each
// cache line counts.
type origin struct {
	Location
	region, zone, campus, set, shared *Place
}

// labels are immutable and shared; two that say the same may be apart.
type labels struct {
	values map[string]string
	from   map[string]*Place
}

// ownPlace stands for the place of the entry itself in what entries share.
var ownPlace = &Place{}

// or is the place that p stands for in an entry at own.
func (p *Place) or(own *Place) *Place {
	if p == ownPlace {
		return own
	}
	return p
}

// statement is what an entry says, or what it comes to after inheritance.
type statement struct {
	origin
	SET    SET
	labels *labels // nil: none
}

// inherit completes what an entry says by what the next wider one has (design
// section 3), but for labels, which go key by key. Location is one field for
// this: an entry that sets the region inherits no zone or campus, one that sets
// only the zone inherits the region, one that sets only the campus inherits
// both.
func (s *statement) inherit(wider *statement) {
	if s.Region == "" {
		s.Region, s.region = wider.Region, wider.region
		if s.Zone == "" {
			s.Zone, s.zone = wider.Zone, wider.zone
			if s.Campus == "" {
				s.Campus, s.campus = wider.Campus, wider.campus
			}
		}
	}
	if s.shared == nil && s.SET == "" {
		s.SET, s.set = wider.SET, wider.set
		if s.labels == nil {
			s.shared = wider.shared
		}
	}
}

// at is s as narrower entries see it: with the entry's place instead of
// ownPlace.
func (s statement) at(own *Place) statement {
	for _, p := range []**Place{&s.region, &s.zone, &s.campus, &s.set, &s.shared} {
		*p = (*p).or(own)
	}
	if s.labels != nil {
		from := maps.Clone(s.labels.from)
		for key, p := range from {
			from[key] = p.or(own)
		}
		s.labels = &labels{s.labels.values, from}
	}
	return s
}

// over joins labels with those of a wider entry.
func (l *labels) over(wider *labels) *labels {
	joined := &labels{maps.Clone(wider.values), maps.Clone(wider.from)}
	maps.Copy(joined.values, l.values)
	maps.Copy(joined.from, l.from)
	return joined
}

// fill puts an entry of the table into f, which is empty.
func (t *Table) fill(f *Facts, r ref) {
	own, o := &t.places[r.place], &t.origins[r.origin]
	f.Location, f.SET = o.Location, t.sets[r.set]
	f.RegionFrom, f.ZoneFrom, f.CampusFrom = o.region.or(own), o.zone.or(own), o.campus.or(own)
	f.SETFrom, f.Shared = o.set.or(own), o.shared.or(own)
	if r.labels != 0 {
		l := t.labels[r.labels]
		f.Labels, f.LabelsFrom, f.own = l.values, l.from, own
	}
}
