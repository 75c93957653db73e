package world

import (
	"slices"

	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// WhatIf returns what the same kinds of callers would get after an edit of each instance.
// Its groups are those of the answers, in their order. WhatIf keeps the answers for which
// stays returns true; without stays it decides for all groups.
func (a *Answers) WhatIf(edit func(*explain.Callee), stays func(*Answer) bool) *Answers {
	if stays == nil {
		return a.edited(edit, nil)
	}
	return a.edited(edit, func(group int) bool { return stays(&a.Groups[group]) })
}

// edited is WhatIf for groups by their numbers.
func (a *Answers) edited(edit func(*explain.Callee), stays func(group int) bool) *Answers {
	edited := func(list []explain.Callee) []explain.Callee {
		list = slices.Clone(list)
		for n := range list {
			edit(&list[n])
		}
		return list
	}
	return a.with(edited(a.Callees), edited(a.OwnService), stays)
}

// with returns what the same kinds of callers would get of other instances.
func (a *Answers) with(callees, ownService []explain.Callee, stays func(group int) bool) *Answers {
	b := *a
	b.Callees, b.OwnService = callees, ownService
	b.Callee = route.NewCallee(explain.Instances(b.Callees))
	b.Groups = slices.Clone(a.Groups)
	for n := range b.Groups {
		if stays == nil || !stays(n) {
			b.Groups[n] = b.answer(b.Groups[n].Route, b.Groups[n].Why, b.Groups[n].Kinds)
		}
	}
	return &b
}

// works edits an instance as it is when everything works: healthy, and not evacuated.
// What operators took out is not ill, and stays out.
func works(c *explain.Callee) { c.Healthy, c.Evacuated = true, false }

// isDegraded reports whether an instance is another one when everything works.
func isDegraded(c *explain.Callee) bool { return c.InService() && (!c.Healthy || c.Evacuated) }

// isDegraded reports whether an instance is another one when everything works.
func (a *Answers) isDegraded() bool {
	degraded := func(c explain.Callee) bool { return isDegraded(&c) }
	return slices.ContainsFunc(a.Callees, degraded) || slices.ContainsFunc(a.OwnService, degraded)
}
