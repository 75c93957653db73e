package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// ends are what a publication ends.
type ends struct {
	Rules       []string `json:"rules"`       // rules and lane addresses by name
	Evacuations []string `json:"evacuations"` // in force or to come
}

func (e ends) text(w io.Writer) {
	for _, name := range e.Rules {
		fmt.Fprintf(w, "ENDS rule %q\n", name)
	}
	for _, text := range e.Evacuations {
		fmt.Fprintf(w, "ENDS evacuation %s\n", text)
	}
}

// compare plans the publication of a file: what it changes for whom, what it ends, and why
// the nodes would refuse it. Problems of the file name it as it is on this machine.
func (p *publication) compare(file strict.File) error {
	var d world.Dump
	if err := p.server.get("dump", nil, &d); err != nil {
		return err
	}
	var problems strict.Problems
	before := d.World(&problems)
	if err := problems.Err(); err != nil {
		return err
	}
	kind, err := p.kindOf(file)
	if err != nil {
		return err
	}
	after, err := p.after(before, d, kind, file)
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
	if n := len(p.result.Ends.Evacuations); n > 0 && !p.ending {
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
func (p *publication) after(before *world.World, d world.Dump, kind string, file strict.File) (*world.World, error) {
	var problems strict.Problems
	if err := strict.CheckText(file.Data); err != nil {
		problems.Add(strict.Problem{File: file.Name, Message: err.Error()})
		return nil, problems.Err()
	}
	published := strict.File{Name: p.to, Data: file.Data}
	table, rules := before.Table, before.Rules
	if kind == api.KindMapping {
		table = location.LoadMapping(inPlace(d.Mapping, published), &problems)
	} else {
		rules = route.Load(inPlace(d.Routing, published), time.Now(), &problems)
	}
	if problems.Err() == nil {
		rules.CheckPlaces(table, &problems)
	}
	if err := problems.Err(); err != nil {
		return nil, renamed(err, p.to, file.Name)
	}
	return before.WithFiles(table, rules), nil
}

// inPlace returns files in the order of their names, a file among them or in the place of
// the one with its name.
func inPlace(texts []world.Text, file strict.File) []strict.File {
	list := []strict.File{file}
	for _, text := range texts {
		if text.Name != file.Name {
			list = append(list, strict.File{Name: text.Name, Data: []byte(text.Content)})
		}
	}
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

// endsOf returns what a publication ends of what is in force, and of what is released.
func (p *publication) endsOf(before, after *world.World) ends {
	out := ends{Rules: []string{}, Evacuations: []string{}}
	stays := map[string]bool{}
	for _, rule := range after.Rules.All() {
		stays[rule.Name] = true
	}
	for _, rule := range before.Rules.All() {
		if !stays[rule.Name] {
			out.Rules = append(out.Rules, rule.Name)
		}
	}
	for _, e := range after.Rules.AllEvacuations() {
		stays["evacuation "+e.ID()] = true
	}
	for _, e := range slices.Concat(before.Rules.AllEvacuations(), p.released()) {
		if time.Now().Before(e.Until) && !stays["evacuation "+e.ID()] {
			out.Evacuations = append(out.Evacuations, e.ID()+" "+entryText(e))
			stays["evacuation "+e.ID()] = true
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
