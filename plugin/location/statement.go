package location

import (
	"maps"
)

// A million entries say only so many different things, most of them in the
// same way: what the table keeps for a prefix are the numbers of what is known
// there, of its origin, and of the line of its own. See
// docs/performance-mapping.md.

// known is what an entry says but for its labels.
type known struct {
	Location
	SET SET
}

// origin is where each part comes from: ownPlace, or the line of a wider entry.
type origin struct {
	region, zone, campus, set, shared *Place
	labels                            *labels
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
	known
	origin
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

// fill puts the places of an entry at own into f, and its labels.
func (f *Facts) fill(o *origin, own *Place) {
	f.RegionFrom, f.ZoneFrom, f.CampusFrom = o.region.or(own), o.zone.or(own), o.campus.or(own)
	f.SETFrom, f.Shared = o.set.or(own), o.shared.or(own)
	if o.labels != nil {
		f.Labels, f.LabelsFrom, f.own = o.labels.values, o.labels.from, own
	}
}
