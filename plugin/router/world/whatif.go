package world

import (
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// WhatIf returns what the same kinds of callers would get after an edit of each instance.
// Its groups are those of the answers, in their order. WhatIf keeps the answer of a group
// for which stays returns true; without stays it decides for all groups.
func (a *Answers) WhatIf(edit func(*explain.Callee), stays func(*Answer) bool) *Answers {
	b := *a
	b.Callees, b.OwnService = edited(a.Callees, edit), edited(a.OwnService, edit)
	b.Callee = route.NewCallee(explain.Instances(b.Callees))
	b.Groups = make([]Answer, len(a.Groups))
	for n := range a.Groups {
		group := &a.Groups[n]
		if stays != nil && stays(group) {
			b.Groups[n] = *group
			continue
		}
		b.Groups[n] = b.answer(group.Route, group.Why, group.Kinds)
	}
	return &b
}

// edited returns a copy of the instances after an edit, and nil for nil.
func edited(list []explain.Callee, edit func(*explain.Callee)) []explain.Callee {
	if list == nil {
		return nil
	}
	out := make([]explain.Callee, len(list))
	copy(out, list)
	for n := range out {
		edit(&out[n])
	}
	return out
}

// works edits an instance as it is when everything works: healthy, and not evacuated.
// What operators took out is not ill, and stays out.
func works(c *explain.Callee) { c.Healthy, c.Evacuated = true, false }

// isDegraded reports whether an instance is another one when everything works.
func isDegraded(c *explain.Callee) bool { return c.InService() && (!c.Healthy || c.Evacuated) }
