package location

import (
	"maps"
)

// A million entries say only so many different things, most of them in the
// same way: what the table keeps for a prefix are the numbers of its identity,
// of its origins, and of the entry's own line. See docs/performance-mapping.md.

// ownPlace stands for the place of the entry itself in what entries share.
var ownPlace = &Origin{}

// or is the place that p stands for in an entry at own.
func (p *Origin) or(own *Origin) *Origin {
	if p == ownPlace {
		return own
	}
	return p
}

// at is p of an entry at own.
func (p FieldOrigins) at(own *Origin) FieldOrigins {
	return FieldOrigins{p.RegionFrom.or(own), p.ZoneFrom.or(own), p.CampusFrom.or(own), p.SETFrom.or(own), p.Shared.or(own)}
}

// statement is what an entry says, or what it comes to after inheritance. It is
// comparable.
type statement struct {
	Location
	SET SET
	FieldOrigins
	labels *labels // nil: none
}

// labels are immutable and shared; two that say the same may be apart.
type labels struct {
	text   string // the same for the same values
	values map[string]string
	from   map[string]*Origin // but for those that are the entry's own
}

// inherit completes what an entry says by what the next wider one has
// (docs/design.md, 3), but for labels, which go key by key. Location is one field for
// this: an entry that sets the region inherits no zone or campus, one that sets
// only the zone inherits the region, one that sets only the campus inherits
// both.
func (s *statement) inherit(wider *statement) {
	if s.Region == "" {
		s.Region, s.RegionFrom = wider.Region, wider.RegionFrom
		if s.Zone == "" {
			s.Zone, s.ZoneFrom = wider.Zone, wider.ZoneFrom
			if s.Campus == "" {
				s.Campus, s.CampusFrom = wider.Campus, wider.CampusFrom
			}
		}
	}
	if s.Shared == nil && s.SET == "" {
		s.SET, s.SETFrom = wider.SET, wider.SETFrom
		if s.labels == nil {
			s.Shared = wider.Shared
		}
	}
}

// at is s as narrower entries see it: nothing in it is their own.
func (s statement) at(own *Origin) statement {
	s.FieldOrigins = s.FieldOrigins.at(own)
	if s.labels != nil {
		from := make(map[string]*Origin, len(s.labels.values))
		for key := range s.labels.values {
			from[key] = own
		}
		maps.Copy(from, s.labels.from)
		s.labels = &labels{s.labels.text, s.labels.values, from}
	}
	return s
}

// over joins an entry's own labels with those of a wider one.
func (l *labels) over(wider *labels) *labels {
	values, from := maps.Clone(wider.values), maps.Clone(wider.from)
	for key, value := range l.values {
		values[key] = value
		delete(from, key)
	}
	return &labels{labelsText(values), values, from}
}
