package main

import (
	"slices"
	"strings"
	"time"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// compare plans the publication of a file: what it changes for whom, what it ends, and why
// the nodes would refuse it. Problems of the file name it as it is on this machine.
func (p *publication) compare(file strict.File) error {
	before, err := stateNow(p.server, "")
	if err != nil {
		return err
	}
	if p.kind, err = p.kindOf(file); err != nil {
		return err
	}
	after, err := p.after(before, file)
	if err != nil {
		return err
	}
	plan := world.NewPlan(before, after)
	if plan.Refused, err = refused(p.server, "", before, after); err != nil {
		return err
	}
	p.result.Plan = &plan
	p.result.Ends = p.endsOf(before, after)
	if len(plan.Refused) > 0 && !p.force {
		p.refuse("the shrink guard of the nodes would refuse the %s files; --force publishes them all the same", plan.Refused[0].Kind)
	}
	if n := len(p.result.Ends); n > 0 && !p.ending {
		p.refuse("this ends %s; --end-evacuations does so", count(n, "evacuation"))
	}
	return nil
}

// kindOf returns the kind of a file: that of the name in the server's configuration, or else
// that of its content.
func (p *publication) kindOf(file strict.File) (string, error) {
	var status api.Status
	if err := p.server.get("status", nil, &status); err != nil {
		return "", err
	}
	for _, f := range status.Files {
		if slices.Contains(f.Names, p.to) {
			return f.Kind, nil
		}
	}
	var problems strict.Problems
	mapping, _ := sortFiles([]strict.File{file}, &problems)
	if err := problems.Err(); err != nil {
		return "", err
	}
	if len(mapping) > 0 {
		return api.KindMapping, nil
	}
	return api.KindRouting, nil
}

// after returns a state with the file in the place of the released one.
func (p *publication) after(before *world.World, file strict.File) (*world.World, error) {
	var problems strict.Problems
	if err := strict.CheckText(file.Data); err != nil {
		problems.Add(strict.Problem{File: file.Name, Message: err.Error()})
		return nil, problems.Err()
	}
	published := strict.File{Name: p.to, Data: file.Data}
	table, rules, mapping, routing := before.Table, before.Rules, before.Mapping, before.Routing
	if p.kind == api.KindMapping {
		mapping = inPlace(mapping, published)
		table = location.LoadMapping(mapping, &problems)
	} else {
		routing = inPlace(routing, published)
		rules = route.Load(routing, time.Now(), &problems)
	}
	if problems.Err() == nil {
		rules.CheckPlaces(table, &problems)
	}
	if err := problems.Err(); err != nil {
		return nil, renamed(err, p.to, file.Name)
	}
	after := before.WithFiles(table, rules)
	after.Mapping, after.Routing = mapping, routing
	return after, nil
}

// inPlace returns files in the order of their names, a file among them or in the place of
// the one with its name.
func inPlace(files []strict.File, file strict.File) []strict.File {
	list := slices.DeleteFunc(slices.Clone(files), func(f strict.File) bool { return f.Name == file.Name })
	list = append(list, file)
	slices.SortFunc(list, func(a, b strict.File) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// renamed returns an error of files with another name for one of them.
func renamed(err error, name, other string) error {
	list, ok := err.(strict.Error)
	if !ok {
		return err
	}
	out := slices.Clone(list)
	for n := range out {
		if out[n].File == name {
			out[n].File = other
		}
	}
	return out
}

// endsOf returns the evacuations that a publication ends, of what is in force on the node
// that is asked, and of what is released.
func (p *publication) endsOf(before, after *world.World) []string {
	out, stays := []string{}, map[string]bool{}
	for _, e := range after.Rules.AllEvacuations() {
		stays[e.ID()] = true
	}
	for _, e := range slices.Concat(before.Rules.AllEvacuations(), p.released()) {
		if time.Now().Before(e.Until) && !stays[e.ID()] {
			out = append(out, e.ID()+" "+entryText(e))
			stays[e.ID()] = true
		}
	}
	return out
}

// released returns the evacuations of the released text, as far as the text loads.
func (p *publication) released() []route.Evacuation {
	text := p.center.file.Released
	if text == nil || !strings.Contains(text.Content, "evacuate") {
		return nil
	}
	return route.LoadPart(strict.File{Name: p.to, Data: []byte(text.Content)}, time.Now(), new(strict.Problems)).AllEvacuations()
}
