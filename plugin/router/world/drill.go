package world

import (
	"cmp"
	"runtime"
	"slices"

	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// Drill is what would be without the instances of each place or SET, one at a time.
// `setctl drill -o json` prints its JSON.
type Drill struct {
	Each     string   `json:"each"`     // region, zone, campus or set
	Gone     bool     `json:"gone"`     // the instances are not registered any more; else they are unhealthy
	Kinds    int      `json:"kinds"`    // of callers looked at
	Services int      `json:"services"` // looked at
	Callers  int      `json:"callers"`  // that asked lately, counted for each service
	Notes    []string `json:"notes"`    // what the drill does not know
	// Losses are the places and SETs, the worst loss first.
	Losses []Loss `json:"losses"`
}

// Loss is what would be without the instances of a place or SET. Callers there go on.
type Loss struct {
	Place     string `json:"place"`     // as R/Z, or a SET
	Instances int    `json:"instances"` // usable ones that are lost
	Services  int    `json:"services"`  // that lose an instance
	// Nothing counts who has no usable instance any more: empty and unusable together.
	Nothing LossCount `json:"nothing"`
	// Counts are by the change that the loss brings about.
	Counts map[Change]LossCount `json:"counts"`
	// Load is the highest load of a road that carries more than now; 0 if no road does.
	Load     float64   `json:"load"`
	Rows     []LossRow `json:"rows"`     // the worst first
	MoreRows int       `json:"moreRows"` // that are not listed
	// Roads are those that carry more than now, and more than when everything works: the
	// highest load first.
	Roads     []RoadLoad `json:"roads"`
	MoreRoads int        `json:"moreRoads"` // that are not listed
}

// Cut leaves n rows and n roads of each loss at most, the worst.
func (d *Drill) Cut(n int) {
	for i := range d.Losses {
		l := &d.Losses[i]
		l.MoreRows, l.MoreRoads = max(len(l.Rows)-n, 0), max(len(l.Roads)-n, 0)
		l.Rows, l.Roads = firstFew(l.Rows, n), firstFew(l.Roads, n)
	}
}

// LossCount counts pairs of a kind of caller and a service.
type LossCount struct {
	Pairs    int `json:"pairs"`
	Kinds    int `json:"kinds"`
	Services int `json:"services"`
	Callers  int `json:"callers"` // that asked lately, counted for each service
}

// LossRow is what a loss changes for kinds of callers of a service.
type LossRow struct {
	Change  Change `json:"change"`
	Service string `json:"service"`        // as asked for
	Rule    string `json:"rule,omitempty"` // empty: the stock answer
	Kinds   int    `json:"kinds"`
	Seen    int    `json:"seen"`    // callers that asked lately
	Callers string `json:"callers"` // SET and place of a kind of caller, and the next are of the same kind
	Address string `json:"address"` // of one of these callers
	// Before and After are what this kind gets.
	Before explain.State `json:"before"`
	After  explain.State `json:"after"`

	most        int  // callers of that kind
	isElsewhere bool // the service has a usable instance that is not lost
}

// DrillQuery says what is lost in a drill, and for whom it matters.
type DrillQuery struct {
	Each     string                   // region, zone, campus or set
	Only     string                   // a place or SET of that kind; empty: each that has a usable instance
	Gone     bool                     // lost instances are not registered any more
	Services func(route.Service) bool // rows and roads of these names; nil: of all
	Rules    func(*route.Rule) bool   // rows and roads of lists that these rules make; nil: of all, and of the stock answer
	// Stopped reports whether nobody waits for the drill any more. Drill then returns soon,
	// with a part that is good for nothing. Once true, Stopped stays true. Several
	// goroutines call Stopped. Nil: somebody waits.
	Stopped func() bool
}

// DrillKinds are what a drill can lose.
var DrillKinds = []string{"region", "zone", "campus", "set"}

// Drill says what would be without the instances of each place or SET. Callers stay who
// they are.
func (w *World) Drill(q DrillQuery) Drill {
	d := driller{DrillQuery: q, survey: w.Survey(nil), losses: map[string]*lossBuilder{}}
	out := Drill{Each: q.Each, Gone: q.Gone, Kinds: len(d.survey.Kinds), Losses: []Loss{}, Notes: append([]string{}, w.Notes...)}
	for batch := range slices.Chunk(d.wanted(w.relate(w.Services())), d.survey.batchSize()) {
		books := make([]*book, len(batch))
		for n, names := range batch {
			books[n] = newBook(d.survey, names, d.countAsked)
		}
		found := make([][]*lossPart, len(batch))
		inParallel(len(batch), runtime.GOMAXPROCS(0), func(n int) {
			if !d.isStopped() {
				books[n].decide()
				found[n] = d.lose(books[n])
			}
		})
		if d.isStopped() {
			return out
		}
		for n, b := range books {
			callers, services := d.count(b)
			out.Callers, out.Services = out.Callers+callers, out.Services+services
			for _, part := range found[n] {
				d.add(part)
			}
		}
	}
	for _, b := range d.losses {
		if b.Instances > 0 {
			out.Losses = append(out.Losses, b.loss())
		}
	}
	slices.SortFunc(out.Losses, compareLosses)
	return out
}

// countAsked returns how many callers of each kind asked for a name, nil for none.
func (d *driller) countAsked(name route.Service) []int {
	asked, found := d.survey.world.askedFor(name), false
	counts := make([]int, len(d.survey.Kinds))
	for n, kind := range d.survey.Kinds {
		if len(kind.Callers) > 0 {
			counts[n] = asked(kind)
			found = found || counts[n] > 0
		}
	}
	if !found {
		return nil
	}
	return counts
}

// compareLosses puts the worst loss first: who has nothing, then who leaves the region and
// the city, then the load.
func compareLosses(a, b Loss) int {
	most := func(a, b LossCount) int {
		return cmp.Or(cmp.Compare(b.Callers, a.Callers), cmp.Compare(b.Pairs, a.Pairs))
	}
	return cmp.Or(most(a.Nothing, b.Nothing), most(a.Counts[ChangeCrossRegion], b.Counts[ChangeCrossRegion]),
		most(a.Counts[ChangeCrossZone], b.Counts[ChangeCrossZone]), cmp.Compare(b.Load, a.Load), cmp.Compare(a.Place, b.Place))
}

// driller is a drill in the making.
type driller struct {
	DrillQuery
	survey *Survey
	losses map[string]*lossBuilder
}

// wanted returns the related names of which one is looked at.
func (d *driller) wanted(all []related) []related {
	if d.Services == nil {
		return all
	}
	return slices.DeleteFunc(all, func(names related) bool { return !slices.ContainsFunc(names, d.Services) })
}

// isStopped reports whether nobody waits for the drill.
func (d *driller) isStopped() bool { return d.Stopped != nil && d.Stopped() }

// isWanted reports whether a name is looked at.
func (d *driller) isWanted(name route.Service) bool { return d.Services == nil || d.Services(name) }

// count returns how many callers asked for the names that are looked at, and how many
// names these are.
func (d *driller) count(b *book) (callers, services int) {
	for n, a := range b.now {
		if !d.isWanted(a.Name.Service) {
			continue
		}
		services++
		for _, group := range b.callers[n] {
			callers += group
		}
	}
	return callers, services
}

// placeOf returns which place or SET of the drill an instance is in.
func (d *driller) placeOf(c *explain.Callee) (place string, ok bool) {
	if d.Each == "set" {
		place = string(c.SET)
	} else if depth := slices.Index(DrillKinds, d.Each) + 1; c.Location.Depth() >= depth {
		place = c.Location.Cut(depth).String()
	}
	return place, place != "" && (d.Only == "" || d.Only == place)
}
