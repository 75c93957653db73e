package location

import (
	"cmp"
	"fmt"
	"maps"
)

// Origin is where a fact came from: a line of a mapping file, or a source
// without lines. Origins are immutable and shared.
type Origin struct {
	Source string // mapping, kubernetes, registry, report, default, registered
	File   string // mapping and default only
	Line   int
	Match  string // as the entry has it, or the pod or node
}

// Before reports whether o comes before other, by the names of the files and
// then by the lines.
func (o *Origin) Before(other *Origin) bool {
	return cmp.Or(cmp.Compare(o.File, other.File), cmp.Compare(o.Line, other.Line)) < 0
}

// String returns the origin for people: "mapping conf/mapping/a.yaml:12
// (10.1.0.0/16)". It is empty for nil.
func (o *Origin) String() string {
	if o == nil {
		return ""
	}
	text := o.Source
	if o.File != "" {
		text += fmt.Sprintf(" %s:%d", o.File, o.Line)
	}
	if o.Match != "" {
		text += " (" + o.Match + ")"
	}
	return text
}

// Facts are an identity and the origin of each part. The maps are shared: read
// only.
type Facts struct {
	Identity
	FactOrigins
	row *Origin // the origin of the labels that are not in LabelsFrom
}

// FactOrigins are the origins of the parts of an identity.
type FactOrigins struct {
	FieldOrigins
	LabelsFrom map[string]*Origin // read with LabelFrom
}

// FieldOrigins are the origins of all parts except labels. FieldOrigins are
// comparable. The origin of an unknown part is nil.
type FieldOrigins struct {
	RegionFrom, ZoneFrom, CampusFrom, SETFrom *Origin
	// Shared is the origin of the fact that several callers have the address.
	// A shared address has no SET and no labels, whatever other sources say.
	// Shared is nil for other addresses.
	Shared *Origin
}

// LabelFrom returns the origin of a label.
func (f *Facts) LabelFrom(key string) *Origin { return f.FactOrigins.label(key, f.row) }

func (o *FactOrigins) label(key string, row *Origin) *Origin {
	if origin, ok := o.LabelsFrom[key]; ok {
		return origin
	}
	return row
}

// Found are facts as a source keeps them: what many addresses have in common is
// kept once. Found shares it without a copy: read only.
type Found struct {
	*Identity
	origins *FactOrigins
	row     *Origin // the origin that rowOrigin stands for in origins
}

// Found returns the facts as a source returns them. The result shares f.
func (f *Facts) Found() Found { return Found{&f.Identity, &f.FactOrigins, f.row} }

// Facts returns a copy in which each part has its own origin. The copy shares
// the maps of f.
func (f Found) Facts() Facts {
	return Facts{*f.Identity, FactOrigins{f.origins.resolve(f.row), f.origins.LabelsFrom}, f.row}
}

// AssignOrigin makes origin the origin of every known part.
func (f *Facts) AssignOrigin(origin *Origin) {
	if f.Shared != nil {
		f.Shared = origin
	}
	for level := range 3 {
		if name, from := f.level(level); *name != "" {
			*from = origin
		}
	}
	if f.hasSET() {
		f.SETFrom = origin
	}
	if len(f.Labels) > 0 {
		f.LabelsFrom = make(map[string]*Origin, len(f.Labels))
		for key := range f.Labels {
			f.LabelsFrom[key] = origin
		}
	}
}

// hasSET reports whether one SET is known, or several.
func (f *Facts) hasSET() bool { return f.SET != "" || len(f.SETs) > 0 }

// OverrideSET puts a SET in the place of every SET that is known. An operator asks by
// it what a caller with another SET would get.
func (f *Facts) OverrideSET(set SET) {
	f.SET, f.SETs, f.SETFrom = set, nil, &Origin{Source: "override"}
}

// Join adds what a later source knows (docs/design.md, 4). The SET, or several SETs,
// come from the first source that knows any. Labels are joined key by key. The later source adds
// narrower levels to the location if it agrees on every known level; it never
// contradicts. Join copies maps before it changes them.
func (f *Facts) Join(later Found) {
	f.refine(later)
	if shared := later.origins.Shared; shared != nil {
		f.Shared = shared.resolve(later.row)
		f.SET, f.SETs, f.SETFrom, f.Labels, f.LabelsFrom = "", nil, nil, nil, nil
	}
	if f.Shared != nil {
		return
	}
	if !f.hasSET() {
		f.SET, f.SETs, f.SETFrom = later.SET, later.SETs, later.origins.SETFrom.resolve(later.row)
	}
	f.joinLabels(later)
}

// JoinDefault adds the `default` of the mapping files, which comes after all sources. Its
// location counts as one: it is for addresses of whose location nothing is known.
func (f *Facts) JoinDefault(fallback Found) {
	known, from := f.Location, f.FieldOrigins
	f.Join(fallback)
	if known != (Location{}) {
		f.Location, f.RegionFrom, f.ZoneFrom, f.CampusFrom = known, from.RegionFrom, from.ZoneFrom, from.CampusFrom
	}
}

// refine adds the narrower levels of a later source that agrees.
func (f *Facts) refine(later Found) {
	known, from := f.Location, later.origins
	agrees := (known.Region == "" || known.Region == later.Region) &&
		(known.Zone == "" || known.Zone == later.Zone) &&
		(known.Campus == "" || known.Campus == later.Campus)
	if !agrees {
		return
	}
	if known.Region == "" && later.Region != "" {
		f.Region, f.RegionFrom = later.Region, from.RegionFrom.resolve(later.row)
	}
	if known.Zone == "" && later.Zone != "" {
		f.Zone, f.ZoneFrom = later.Zone, from.ZoneFrom.resolve(later.row)
	}
	if known.Campus == "" && later.Campus != "" {
		f.Campus, f.CampusFrom = later.Campus, from.CampusFrom.resolve(later.row)
	}
}

// joinLabels adds the labels of a later source under keys that f does not have.
func (f *Facts) joinLabels(later Found) {
	if len(later.Labels) == 0 {
		return
	}
	if len(f.Labels) == 0 {
		f.Labels, f.LabelsFrom, f.row = later.Labels, later.origins.LabelsFrom, later.row
		return
	}
	values, from := maps.Clone(later.Labels), make(map[string]*Origin, len(later.Labels)+len(f.Labels))
	maps.Copy(values, f.Labels)
	for key := range values {
		from[key] = later.origins.label(key, later.row)
		if _, ok := f.Labels[key]; ok {
			from[key] = f.LabelFrom(key)
		}
	}
	f.Labels, f.LabelsFrom, f.row = values, from, nil
}

// level returns pointers to a level of the location and to its origin. Level 0 is
// the region.
func (f *Facts) level(i int) (name *string, from **Origin) {
	switch i {
	case 0:
		return &f.Region, &f.RegionFrom
	case 1:
		return &f.Zone, &f.ZoneFrom
	}
	return &f.Campus, &f.CampusFrom
}
