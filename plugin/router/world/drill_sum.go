package world

import (
	"cmp"
	"slices"

	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// lossBuilder puts a loss together.
type lossBuilder struct {
	Loss
	survey  *Survey
	nothing lossTally
	tallies map[Change]*lossTally
}

// lossTally counts pairs of a kind of caller and a service.
type lossTally struct {
	LossCount
	kinds    map[int]bool
	services map[route.Service]bool
}

func newLossTally() lossTally {
	return lossTally{kinds: map[int]bool{}, services: map[route.Service]bool{}}
}

// add counts pairs.
func (t *lossTally) add(p *lossPair) {
	t.services[p.service] = true
	for n, kind := range p.kinds {
		t.kinds[kind] = true
		t.Callers += p.seen[n]
	}
	t.Pairs += len(p.kinds)
	t.Kinds, t.Services = len(t.kinds), len(t.services)
}

// add adds what a loss changes for related names.
func (d *driller) add(part *lossPart) {
	b := d.losses[part.place]
	if b == nil {
		b = &lossBuilder{Loss: Loss{Place: part.place, Rows: []LossRow{}, Roads: []RoadLoad{}}, survey: d.survey, nothing: newLossTally(), tallies: map[Change]*lossTally{}}
		d.losses[part.place] = b
	}
	b.Instances, b.Services = b.Instances+part.instances, b.Services+part.services
	b.Roads = append(b.Roads, part.roads...)
	index := map[string]int{}
	for n := range part.pairs {
		b.count(&part.pairs[n])
		b.addRow(&part.pairs[n], index)
	}
}

// count counts what a loss changes.
func (b *lossBuilder) count(p *lossPair) {
	if b.tallies[p.change] == nil {
		tally := newLossTally()
		b.tallies[p.change] = &tally
	}
	b.tallies[p.change].add(p)
	if p.change == ChangeEmpty || p.change == ChangeUnusable {
		b.nothing.add(p)
	}
}

// addRow adds kinds of callers to the row of their service, rule and change. Index has the
// rows of the services that are added.
func (b *lossBuilder) addRow(p *lossPair, index map[string]int) {
	rule := ""
	if p.before.Route.Rule != nil {
		rule = p.before.Route.Rule.Name
	}
	key := p.service.String() + "\x00" + rule + "\x00" + string(p.change)
	i, ok := index[key]
	if !ok {
		i = len(b.Rows)
		index[key] = i
		b.Rows = append(b.Rows, LossRow{Change: p.change, Service: p.service.String(), Rule: rule, isElsewhere: p.isElsewhere})
	}
	row := &b.Rows[i]
	most := 0 // of the kinds, the one with the most callers
	for n, seen := range p.seen {
		if seen > p.seen[most] {
			most = n
		}
		row.Seen += seen
	}
	if row.Kinds == 0 || p.seen[most] > row.most {
		kind := b.survey.Kinds[p.kinds[most]]
		row.most, row.Callers, row.Address = p.seen[most], kind.Text(), kind.Addr.String()
		row.Before, row.After = p.before.short(), p.after.short()
	}
	row.Kinds += len(p.kinds)
}

// short returns an answer in short.
func (a *Answer) short() explain.State {
	s := explain.State{Answer: explain.AnswerStock, Instances: a.Sent, Usable: a.Usable}
	if a.Route.Rule != nil {
		s.Rule = a.Route.Rule.Name
	}
	if a.Decides() {
		s.Answer, s.Tier, s.Level = explain.AnswerOf(a.Route.Rule), a.Decision.Tier(), a.Decision.Level()
	}
	return s
}

// loss returns what is put together.
func (b *lossBuilder) loss() Loss {
	b.Counts = map[Change]LossCount{}
	for _, change := range Changes[:len(Changes)-1] {
		b.Counts[change] = LossCount{}
		if t := b.tallies[change]; t != nil {
			b.Counts[change] = t.LossCount
		}
	}
	b.Nothing = b.nothing.LossCount
	slices.SortFunc(b.Roads, compareLoads)
	if len(b.Roads) > 0 {
		b.Load = b.Roads[0].Times
	}
	slices.SortFunc(b.Rows, func(x, y LossRow) int {
		return cmp.Or(cmp.Compare(slices.Index(Changes, x.Change), slices.Index(Changes, y.Change)), cmp.Compare(y.Seen, x.Seen),
			cmp.Compare(y.Kinds, x.Kinds), cmp.Compare(x.Service, y.Service), cmp.Compare(x.Rule, y.Rule))
	})
	return b.Loss
}
