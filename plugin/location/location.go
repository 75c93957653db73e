package location

import (
	"fmt"
	"strings"
)

// Location is a place, from wide to narrow. An empty field is unknown. A Location
// is comparable.
type Location struct {
	Region string `json:"region,omitempty"`
	Zone   string `json:"zone,omitempty"`
	Campus string `json:"campus,omitempty"`
}

// Depth returns the number of levels that are known without a gap, 0 to 3. A zone
// without its region does not count.
func (l Location) Depth() int {
	switch {
	case l.Region == "":
		return 0
	case l.Zone == "":
		return 1
	case l.Campus == "":
		return 2
	}
	return 3
}

// Level returns the name of a level: 0 is the region, 1 the zone, 2 the campus.
func (l Location) Level(level int) string { return [...]string{l.Region, l.Zone, l.Campus}[level] }

// Cut returns the widest depth levels of the location.
func (l Location) Cut(depth int) Location {
	switch {
	case depth <= 0:
		return Location{}
	case depth == 1:
		return Location{Region: l.Region}
	case depth == 2:
		return Location{Region: l.Region, Zone: l.Zone}
	}
	return l
}

// String returns region/zone/campus without the unknown levels at the end.
func (l Location) String() string {
	return strings.TrimRight(l.Region+"/"+l.Zone+"/"+l.Campus, "/")
}

// SET is a SET name `business.area.group`; empty means no SET. The group "*" is
// the public failover pool. ParseSET makes every value other than "".
type SET string

const maxSegment = 64

// ParseSET returns s as a SET if s is a SET name. Its error quotes the name and
// says what is expected.
func ParseSET(s string) (SET, error) {
	segments := strings.Split(s, ".")
	if len(segments) != 3 {
		found := fmt.Sprintf("%d segments", len(segments))
		if len(segments) == 1 {
			found = "1 segment"
		}
		return "", fmt.Errorf("SET name %q has %s, expected three: business.area.group", s, found)
	}
	for i, segment := range segments {
		if segment == "*" {
			if i < 2 {
				return "", fmt.Errorf("SET name %q has \"*\" in segment %d, expected it in the third only", s, i+1)
			}
			continue
		}
		if !IsSegment(segment) {
			return "", fmt.Errorf("SET name %q: segment %q is not 1 to %d letters, digits, '_' or '-'", s, segment, maxSegment)
		}
	}
	return SET(s), nil
}

// IsSegment reports whether s is a segment of a SET name: 1 to 64 letters, digits, '_'
// or '-'. The "*" of a pool is not.
func IsSegment(s string) bool {
	if len(s) == 0 || len(s) > maxSegment {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '-') {
			return false
		}
	}
	return true
}

// Segment returns segment i, counted from 1: business, area, group. It returns ""
// if s is empty, or if i is not 1 to 3.
func (s SET) Segment(i int) string {
	segments := strings.Split(string(s), ".")
	if i < 1 || i > len(segments) {
		return ""
	}
	return segments[i-1]
}

// BusinessPrefix returns "a." for a.b.c: the start of all SET names of the business.
func (s SET) BusinessPrefix() string {
	return string(s[:strings.IndexByte(string(s), '.')+1])
}

// AreaPrefix returns "a.b." for a.b.c: the start of all SET names of the area.
func (s SET) AreaPrefix() string {
	return string(s[:strings.LastIndexByte(string(s), '.')+1])
}

// Pool returns a.b.* for a.b.c: the public failover pool of the area.
func (s SET) Pool() SET { return SET(s.AreaPrefix() + "*") }

// IsPool reports whether the group is "*".
func (s SET) IsPool() bool { return strings.HasSuffix(string(s), ".*") }

// Identity is what is known of an address: its location, SET and labels. Labels
// are shared: read only.
type Identity struct {
	Location
	SET SET `json:"set,omitempty"`
	// SETs are several SETs of one address, sorted, where the source of the SET has
	// instances there that differ. SET is empty then.
	SETs   []SET             `json:"sets,omitempty"`
	Labels map[string]string `json:"labels,omitempty"`
}

// AllSETs returns the SETs of the identity: several, one or none.
func (id Identity) AllSETs() []SET {
	if id.SET != "" {
		return []SET{id.SET}
	}
	return id.SETs
}
