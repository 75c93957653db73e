package location

import "slices"

// Record is what one instance or client says of the host that it is at.
type Record struct {
	Location
	SET     SET
	Healthy bool // true for clients: their health is not known
}

// CountHealthy reports whether the healthy records say who calls from their host. Else
// all records are unhealthy, and all of them say so. A record counts if its own health
// is equal to what CountHealthy returns.
func CountHealthy(records []Record) bool {
	return slices.ContainsFunc(records, func(r Record) bool { return r.Healthy })
}

// CommonFacts returns the facts that the records of one host say of the callers there
// (docs/design.md, 4). Healthy records count before unhealthy ones. If the records that
// count differ in their SETs, the facts have all these SETs. The location is known down
// to the level on which these records agree. A record without a field agrees with every
// value of the field.
func CommonFacts(records []Record, origin *Origin) Facts {
	var f Facts
	healthy := CountHealthy(records)
	var sets []SET
	counting := make([]Record, 0, len(records))
	for _, r := range records {
		if r.Healthy != healthy {
			continue
		}
		counting = append(counting, r)
		if r.SET != "" {
			sets = append(sets, r.SET)
		}
	}
	slices.Sort(sets)
	switch sets = slices.Compact(sets); len(sets) {
	case 0:
	case 1:
		f.SET = sets[0]
	default:
		f.SETs = sets
	}
	f.setCommonLocation(counting)
	f.AssignOrigin(origin)
	return f
}

// setCommonLocation sets the levels, from the widest, on which no two records differ.
func (f *Facts) setCommonLocation(records []Record) {
	agreed := FirstDifference(records)
	for level := range agreed {
		name, _ := f.level(level)
		for _, r := range records {
			if said := r.Level(level); said != "" {
				*name = said
			}
		}
	}
}

// FirstDifference returns the widest level on which two of the records differ: 0 is the
// region. It returns 3 if the records agree on every level.
func FirstDifference(records []Record) int {
	for level := range 3 {
		first := ""
		for _, r := range records {
			said := r.Level(level)
			if said != "" && first != "" && said != first {
				return level
			}
			if said != "" {
				first = said
			}
		}
	}
	return 3
}
