package location

import (
	"fmt"
	"strings"
)

// Location is a place, from wide to narrow. An empty field is unknown. It is
// comparable and may be a map key.
type Location struct {
	Region string `json:"region,omitempty"`
	Zone   string `json:"zone,omitempty"`
	Campus string `json:"campus,omitempty"`
}

// Depth is the number of levels known without a gap, 0 to 3: a zone without
// its region is not known.
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

// Cut is the location down to depth levels.
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

// String is region/zone/campus with the unknown levels at the end left out.
func (l Location) String() string {
	return strings.TrimRight(l.Region+"/"+l.Zone+"/"+l.Campus, "/")
}

// SET is a SET name `business.area.group`, or empty: no SET. The group may be
// "*", the public failover pool. Values other than "" come from ParseSET.
type SET string

const maxSegment = 64

// ParseSET checks a SET name. Its error quotes the name and says what is
// expected.
func ParseSET(s string) (SET, error) {
	segments := strings.Split(s, ".")
	if len(segments) != 3 {
		return "", fmt.Errorf("SET name %q has %d segments, expected three: business.area.group", s, len(segments))
	}
	for i, segment := range segments {
		if segment == "*" {
			if i < 2 {
				return "", fmt.Errorf("SET name %q has \"*\" in segment %d, expected it in the third only", s, i+1)
			}
			continue
		}
		if !validSegment(segment) {
			return "", fmt.Errorf("SET name %q: segment %q is not 1 to %d letters, digits, '_' or '-'", s, segment, maxSegment)
		}
	}
	return SET(s), nil
}

func validSegment(s string) bool {
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

// Segment returns segment i, counted from 1: business, area, group. It is
// empty for a caller without a SET.
func (s SET) Segment(i int) string {
	segments := strings.Split(string(s), ".")
	if i < 1 || i > len(segments) {
		return ""
	}
	return segments[i-1]
}

// BusinessPrefix is "a." of a.b.c: what the names of its business start with.
func (s SET) BusinessPrefix() string {
	return string(s[:strings.IndexByte(string(s), '.')+1])
}

// AreaPrefix is "a.b." of a.b.c: what its siblings start with.
func (s SET) AreaPrefix() string {
	return string(s[:strings.LastIndexByte(string(s), '.')+1])
}

// Pool is a.b.*, the public failover pool beside a.b.c.
func (s SET) Pool() SET { return SET(s.AreaPrefix() + "*") }

// IsPool tells whether the group is "*".
func (s SET) IsPool() bool { return strings.HasSuffix(string(s), ".*") }

// Identity is what is known of an address. Labels are shared: read only.
type Identity struct {
	Location
	SET    SET               `json:"set,omitempty"`
	Labels map[string]string `json:"labels,omitempty"`
}
