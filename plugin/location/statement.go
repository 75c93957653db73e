package location

import (
	"maps"
)

// A million entries make only few different statements. So the table keeps three
// numbers for a prefix: the numbers of the identity, of the origins and of the
// entry's row. See docs/performance-mapping.md.

// rowOrigin stands for the entry's own row in the origins that entries share.
var rowOrigin = &Origin{}

// resolve returns row if o is rowOrigin, else o.
func (o *Origin) resolve(row *Origin) *Origin {
	if o == rowOrigin {
		return row
	}
	return o
}

// resolve returns o with row in place of rowOrigin.
func (o FieldOrigins) resolve(row *Origin) FieldOrigins {
	return FieldOrigins{
		o.RegionFrom.resolve(row), o.ZoneFrom.resolve(row), o.CampusFrom.resolve(row), o.SETFrom.resolve(row), o.Shared.resolve(row),
	}
}

// statement is what an entry says of its addresses, before or after inheritance.
// A statement is comparable.
type statement struct {
	Location
	SET SET
	FieldOrigins
	labels *labels // nil: no labels
}

// labels are the labels of a statement. They are immutable and shared. Two with
// the same values can be different pointers.
type labels struct {
	text   string // the same for the same values
	values map[string]string
	from   map[string]*Origin // without the labels that come from the entry's own row
}

// inherit adds to s what the next wider entry has and s lacks (docs/design.md, 3);
// pool.inheritLabels does so for labels. The location counts as one field: an
// entry with a region inherits no zone or campus, an entry with only a zone
// inherits the region, an entry with only a campus inherits both.
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

// resolve returns s for narrower entries to inherit: with row in place of
// rowOrigin, and with an origin for each label.
func (s statement) resolve(row *Origin) statement {
	s.FieldOrigins = s.FieldOrigins.resolve(row)
	if s.labels != nil {
		from := make(map[string]*Origin, len(s.labels.values))
		for key := range s.labels.values {
			from[key] = row
		}
		maps.Copy(from, s.labels.from)
		s.labels = &labels{s.labels.text, s.labels.values, from}
	}
	return s
}

// join returns the labels of an entry with the labels of a wider entry under the
// keys that l does not have.
func (l *labels) join(wider *labels) *labels {
	values, from := maps.Clone(wider.values), maps.Clone(wider.from)
	for key, value := range l.values {
		values[key] = value
		delete(from, key)
	}
	return &labels{labelsText(values), values, from}
}
