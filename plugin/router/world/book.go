package world

import (
	"encoding/binary"
	"math"

	"github.com/polaris-contrib/setrouter/plugin/router/load"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// book has what the callers of related names get, and what they would get if everything
// worked.
type book struct {
	survey *Survey
	ledger *ledger
	counts [][]int    // of each name, how many callers of each kind asked; nil: nobody asked
	now    []numbered // of each name

	callers [][]int          // of each name, by group
	first   [][][]load.Share // of each name, by group; nil where nobody asked
	loads   *load.Loads      // of now; made at need
}

// newBook reads what related names have. Counts returns how many callers of each kind
// asked for a name, nil for none.
func newBook(survey *Survey, names related, counts func(route.Service) []int) *book {
	b := &book{survey: survey, ledger: newLedger()}
	for _, name := range names {
		b.now = append(b.now, b.ledger.enter(survey.read(name)))
		b.counts = append(b.counts, counts(name))
	}
	return b
}

// decide decides for all names. Other books of the same survey may decide at the same
// time.
func (b *book) decide() {
	for n := range b.now {
		now := &b.now[n]
		now.decide(b.survey.callers)
		b.callers = append(b.callers, callersOf(now.Answers, b.counts[n]))
		working := *now
		if b.counts[n] != nil && now.isDegraded() {
			working.Answers = now.WhatIf(works, nil)
		}
		b.first = append(b.first, b.sharesOf(&working, n))
	}
}

// callersOf returns how many callers of each group asked.
func callersOf(a *Answers, counts []int) []int {
	out := make([]int, len(a.Groups))
	if counts != nil {
		for n, group := range a.Groups {
			for _, kind := range group.Kinds {
				out[n] += counts[kind]
			}
		}
	}
	return out
}

// sharesOf returns the shares of each group of a name that has callers.
func (b *book) sharesOf(a *numbered, name int) [][]load.Share {
	out := make([][]load.Share, len(a.Groups))
	for n := range a.Groups {
		if b.callers[name][n] > 0 {
			out[n] = a.sharesOf(&a.Groups[n])
		}
	}
	return out
}

// roads returns the loads of all roads that callers have by answers, each with the name
// of the same number: those of the book, or what they would be.
func (b *book) roads(answers []numbered) []RoadLoad {
	shares := make([][][]load.Share, len(answers))
	for n := range answers {
		shares[n] = b.sharesOf(&answers[n], n)
	}
	loads := b.loadsOf(shares)
	var out []RoadLoad
	for n, a := range answers {
		index := map[string]int{}
		for g := range a.Groups {
			if len(shares[n][g]) == 0 || a.Groups[g].isStock {
				continue
			}
			for _, taken := range a.taken(&a.Groups[g], shares[n][g]) {
				key := taken.key(a.Groups[g].Route.Rule)
				i, ok := index[key]
				if !ok {
					i = len(out)
					index[key] = i
					out = append(out, b.newRoad(a.Name.Service, &a.Groups[g], taken, loads))
				}
				out[i].Kinds += len(a.Groups[g].Kinds)
				out[i].Seen += b.callers[n][g]
			}
		}
	}
	return out
}

// takenRoad is a road of an answer with the instances that carry its callers.
type takenRoad struct {
	tier, level string
	shares      []load.Share
}

// taken returns the roads of an answer: several with `overprovision`, each with its
// instances.
func (n *numbered) taken(a *Answer, shares []load.Share) []takenRoad {
	portions := a.Decision.Portions()
	if len(portions) < 2 {
		return []takenRoad{{a.Decision.Tier(), a.Decision.Level(), shares}}
	}
	road := map[int]int{} // of an instance
	for p := range portions {
		for _, i := range portions[p].Members {
			road[n.callees[i]] = p
		}
	}
	out := make([]takenRoad, len(portions))
	for p, portion := range portions {
		out[p].tier, out[p].level = portion.Tier, portion.Level
	}
	for _, s := range shares {
		p := road[s.Instance]
		out[p].shares = append(out[p].shares, s)
	}
	return out
}

// key returns a text that is equal for equal roads of a name.
func (t takenRoad) key(rule *route.Rule) string {
	key := []byte(rule.Name + "\x00" + t.tier + "\x00" + t.level + "\x00")
	for _, s := range t.shares {
		key = binary.AppendUvarint(key, uint64(s.Instance))
	}
	return string(key)
}

// newRoad returns a road without the callers that have it.
func (b *book) newRoad(service route.Service, answer *Answer, taken takenRoad, loads *load.Loads) RoadLoad {
	r := RoadLoad{
		Service: service.String(), Rule: answer.Route.Rule.Name, Tier: taken.tier, Level: taken.level,
		Usable: len(taken.shares), service: service, rule: answer.Route.Rule, instances: make([]int, len(taken.shares)), kind: answer.Kinds[0],
	}
	for n, s := range taken.shares {
		r.instances[n] = s.Instance
	}
	r.Load = loads.Of(r.instances)
	r.Times = rounded(r.Load.Times())
	return r
}

// say fills in the texts of roads.
func (b *book) say(roads []RoadLoad) []RoadLoad {
	for n := range roads {
		roads[n].Where, roads[n].Example = b.ledger.where(roads[n].instances), b.survey.Kinds[roads[n].kind].Text()
	}
	return roads
}

// loadsOf returns the loads of the instances, by the shares of each name and group.
func (b *book) loadsOf(shares [][][]load.Share) *load.Loads {
	var groups []load.Group
	for n := range shares {
		for g, now := range shares[n] {
			if b.callers[n][g] > 0 {
				groups = append(groups, load.Group{Callers: b.callers[n][g], Now: now, First: b.first[n][g]})
			}
		}
	}
	return load.New(b.ledger.weights, groups)
}

// before returns how much the instances of a road carry now.
func (b *book) before(r *RoadLoad) float64 {
	if b.loads == nil {
		shares := make([][][]load.Share, len(b.now))
		for n := range b.now {
			shares[n] = b.sharesOf(&b.now[n], n)
		}
		b.loads = b.loadsOf(shares)
	}
	return rounded(b.loads.Of(r.instances).Times())
}

// rounded returns a load without the errors of floating point: three times is not above
// three times.
func rounded(times float64) float64 { return math.Round(times*1e6) / 1e6 }
