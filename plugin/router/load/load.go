// Package load says how much instances carry (docs/design.md, 8): how many callers for
// each usable weight, beside what the same callers put on their first road when everything
// works. Pure: the package knows numbers of instances, and no services or rules.
package load

// Share is the part of a caller's requests that an instance gets.
type Share struct {
	Instance int // from 0
	Part     float64
}

// Group is callers with one list.
type Group struct {
	Callers int
	// Now are the usable instances of the list, by their numbers, ascending. The parts of
	// all are 1 together. There are none where nothing is usable.
	Now []Share
	// First are those of the list that the callers have when everything works.
	First []Share
}

// Load is what instances carry together.
type Load struct {
	// Callers are those whose requests go to the instances. A caller whose requests go to
	// other instances, too, counts in part.
	Callers float64 `json:"callers"`
	Weight  uint64  `json:"weight"` // of the usable instances
	// FirstWeight is the weight that the same callers take up when everything works.
	FirstWeight float64 `json:"firstWeight"`
}

// Now returns how many callers there are for each usable weight.
func (l Load) Now() float64 { return ratio(l.Callers, float64(l.Weight)) }

// First returns how many callers there are for each usable weight when everything works.
func (l Load) First() float64 { return ratio(l.Callers, l.FirstWeight) }

// Times returns Now by First: 1 is the load when everything works.
func (l Load) Times() float64 { return ratio(l.FirstWeight, float64(l.Weight)) }

// ratio returns a by b, and 0 for nothing.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// Loads are the loads of instances, each by itself.
type Loads struct {
	weights []uint32
	callers []float64 // of each instance
	first   []float64 // the weight that these callers take up when everything works
}

// New returns the loads of instances of these weights, by groups of callers.
func New(weights []uint32, groups []Group) *Loads {
	l := &Loads{weights: weights, callers: make([]float64, len(weights)), first: make([]float64, len(weights))}
	taken := takenUp(weights, groups)
	for _, g := range groups {
		l.add(g, taken)
	}
	return l
}

// takenUp returns how much weight of each instance one caller takes up, when everything
// works, if all requests of the caller go there: the callers of an instance divide its
// weight among themselves.
func takenUp(weights []uint32, groups []Group) []float64 {
	taken := make([]float64, len(weights))
	for _, g := range groups {
		for _, s := range g.First {
			taken[s.Instance] += float64(g.Callers) * s.Part
		}
	}
	for i, callers := range taken {
		taken[i] = ratio(float64(weights[i]), callers)
	}
	return taken
}

// add adds a group. On an instance of its first road a caller takes up what it takes up
// there when everything works. On another instance a caller takes up what it takes up on
// its first road on average.
func (l *Loads) add(g Group, taken []float64) {
	average := 0.0
	for _, s := range g.First {
		average += s.Part * taken[s.Instance]
	}
	first := g.First
	for _, s := range g.Now {
		for len(first) > 0 && first[0].Instance < s.Instance {
			first = first[1:]
		}
		each := average
		if len(first) > 0 && first[0].Instance == s.Instance {
			each = taken[s.Instance]
		}
		callers := float64(g.Callers) * s.Part
		l.callers[s.Instance] += callers
		l.first[s.Instance] += callers * each
	}
}

// Of returns the load of instances together, all of them usable.
func (l *Loads) Of(instances []int) (sum Load) {
	for _, i := range instances {
		sum.Callers += l.callers[i]
		sum.Weight += uint64(l.weights[i])
		sum.FirstWeight += l.first[i]
	}
	return sum
}
