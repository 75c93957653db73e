package location

import (
	"cmp"
	"fmt"
	"maps"
)

// Origin is where a fact was found: a line of a mapping file, or a source that
// has none. Places are immutable and shared.
type Origin struct {
	Source string // mapping, kubernetes, registry, report, default, registered
	File   string // mapping and default only
	Line   int
	Match  string // as the entry has it, or the pod or node
}

// Before orders places of files by name and line.
func (p *Origin) Before(other *Origin) bool {
	return cmp.Or(cmp.Compare(p.File, other.File), cmp.Compare(p.Line, other.Line)) < 0
}

// String is for people: "mapping conf/mapping/a.yaml:12 (10.1.0.0/16)".
func (p *Origin) String() string {
	if p == nil {
		return ""
	}
	s := p.Source
	if p.File != "" {
		s += fmt.Sprintf(" %s:%d", p.File, p.Line)
	}
	if p.Match != "" {
		s += " (" + p.Match + ")"
	}
	return s
}

// Facts are an identity and where each part of it came from. The maps are
// shared: read only.
type Facts struct {
	Identity
	FactOrigins
	own *Origin // of labels that LabelsFrom does not have
}

// FactOrigins are where the parts of an identity came from.
type FactOrigins struct {
	FieldOrigins
	LabelsFrom map[string]*Origin // ask LabelFrom
}

// FieldOrigins are Origins but for those of labels, and comparable. A nil Place stands
// beside an unknown part.
type FieldOrigins struct {
	RegionFrom, ZoneFrom, CampusFrom, SETFrom *Origin
	// Shared is where a mapping entry says that several callers have the
	// address: it has no SET and no labels then, whatever other sources say.
	Shared *Origin
}

// LabelFrom is the place of a label.
func (f *Facts) LabelFrom(key string) *Origin { return f.FactOrigins.label(key, f.own) }

func (o *FactOrigins) label(key string, own *Origin) *Origin {
	if p, ok := o.LabelsFrom[key]; ok {
		return p
	}
	return own
}

// Found are facts as a source has them. What many addresses have in common is
// there once, and neither found nor handed on by copying it: read only.
type Found struct {
	*Identity
	origins *FactOrigins
	own     *Origin // stands in origins as ownPlace
}

// Found is for sources that have Facts; it shares them.
func (f *Facts) Found() Found { return Found{&f.Identity, &f.FactOrigins, f.own} }

// Facts is a copy, with each place in its place.
func (f Found) Facts() Facts {
	return Facts{*f.Identity, FactOrigins{f.origins.at(f.own), f.origins.LabelsFrom}, f.own}
}

// From gives every field that is known one place.
func (f *Facts) From(p *Origin) {
	if f.Shared != nil {
		f.Shared = p
	}
	for level := range 3 {
		if name, from := f.level(level); *name != "" {
			*from = p
		}
	}
	if f.SET != "" {
		f.SETFrom = p
	}
	if len(f.Labels) > 0 {
		f.LabelsFrom = make(map[string]*Origin, len(f.Labels))
		for key := range f.Labels {
			f.LabelsFrom[key] = p
		}
	}
}

// Join adds what a later source knows (docs/design.md, 4). The SET comes from the
// first source that knows one. Labels are joined key by key. The later source adds
// narrower levels to the location, where it agrees on every level that is known; it
// never contradicts. Join copies maps before it changes them.
func (f *Facts) Join(later Found) {
	f.refine(later)
	if shared := later.origins.Shared; shared != nil {
		f.Shared, f.SET, f.SETFrom, f.Labels, f.LabelsFrom = shared.or(later.own), "", nil, nil, nil
	}
	if f.Shared != nil {
		return
	}
	if f.SET == "" && later.SET != "" {
		f.SET, f.SETFrom = later.SET, later.origins.SETFrom.or(later.own)
	}
	f.joinLabels(later)
}

func (f *Facts) refine(later Found) {
	known, from := f.Location, later.origins
	agrees := (known.Region == "" || known.Region == later.Region) &&
		(known.Zone == "" || known.Zone == later.Zone) &&
		(known.Campus == "" || known.Campus == later.Campus)
	if !agrees {
		return
	}
	if known.Region == "" && later.Region != "" {
		f.Region, f.RegionFrom = later.Region, from.RegionFrom.or(later.own)
	}
	if known.Zone == "" && later.Zone != "" {
		f.Zone, f.ZoneFrom = later.Zone, from.ZoneFrom.or(later.own)
	}
	if known.Campus == "" && later.Campus != "" {
		f.Campus, f.CampusFrom = later.Campus, from.CampusFrom.or(later.own)
	}
}

func (f *Facts) joinLabels(later Found) {
	if len(later.Labels) == 0 {
		return
	}
	if len(f.Labels) == 0 {
		f.Labels, f.LabelsFrom, f.own = later.Labels, later.origins.LabelsFrom, later.own
		return
	}
	values, from := maps.Clone(later.Labels), make(map[string]*Origin, len(later.Labels)+len(f.Labels))
	maps.Copy(values, f.Labels)
	for k := range values {
		from[k] = later.origins.label(k, later.own)
		if _, ok := f.Labels[k]; ok {
			from[k] = f.LabelFrom(k)
		}
	}
	f.Labels, f.LabelsFrom, f.own = values, from, nil
}
