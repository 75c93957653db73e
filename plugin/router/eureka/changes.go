package eureka

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/polarismesh/polaris/apiserver/eurekaserver"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
)

// same reports whether two records of an instance are the same to clients.
type same func(app string, a, b *apiservice.Instance) bool

// changes returns what a client has to do that has one of the views before, whichever, so
// that it has the view. For a client that has the view, or has done so already, that
// changes nothing. What goes of an application comes last: eureka-client 2.0.6 shows its
// users the old instances and the new ones together, for a moment, where an application
// loses all instances and gets others after that. Only what another takes the place of, at
// the same host and port, comes first: eureka-js-client knows an instance by these, and
// would drop what came. What goes is in a block of its own: the Java client takes the whole
// block for an application that it does not have, with what goes.
func changes(before []*view, v *view, same same) (out []block) {
	pending := map[string]*change{} // by the name of the application
	for _, old := range before {
		eachDifference(old.apps, v.apps, func(old, app *appView) {
			if pending[app.name] == nil {
				pending[app.name] = &change{app: app}
			}
			pending[app.name].before = append(pending[app.name].before, old)
		})
	}
	for _, c := range pending {
		out = append(out, c.blocks(same)...)
	}
	slices.SortStableFunc(out, func(a, b block) int { return strings.Compare(a.name, b.name) })
	return out
}

// eachDifference calls f for each application that differs between two views, in the
// order of names. An application that one view does not have has no instances there.
func eachDifference(old, now []*appView, f func(old, now *appView)) {
	for len(old) > 0 || len(now) > 0 {
		switch {
		case len(old) == 0 || len(now) > 0 && now[0].name < old[0].name:
			f(&appView{name: now[0].name}, now[0])
			now = now[1:]
		case len(now) == 0 || old[0].name < now[0].name:
			f(old[0], &appView{name: old[0].name})
			old = old[1:]
		default:
			if old[0] != now[0] {
				f(old[0], now[0])
			}
			old, now = old[1:], now[1:]
		}
	}
}

// change is an application, and what else of it clients can have.
type change struct {
	app    *appView
	before []*appView
}

// blocks returns what was replaced, what changed, what came and what went, as far as there
// is any. What came and changed within the views before is changed: eureka-js-client
// replaces an instance only then.
func (c *change) blocks(same same) (out []block) {
	var modified, added []*apiservice.Instance
	for _, i := range c.app.instances {
		switch came, isModified := c.compare(i, same); {
		case isModified:
			modified = append(modified, i)
		case came:
			added = append(added, i)
		}
	}
	replaced, gone := c.gone()
	for _, b := range []block{
		{c.app.name, replaced, eurekaserver.ActionDeleted},
		{c.app.name, modified, eurekaserver.ActionModified},
		{c.app.name, added, eurekaserver.ActionAdded},
		{c.app.name, gone, eurekaserver.ActionDeleted},
	} {
		if len(b.instances) > 0 {
			out = append(out, b)
		}
	}
	return out
}

// compare reports whether an instance came since some view before, and whether some view before
// has another record of it.
func (c *change) compare(i *apiservice.Instance, same same) (came, isModified bool) {
	for _, old := range c.before {
		record := old.find(i)
		came = came || record == nil
		isModified = isModified || record != nil && !same(c.app.name, record, i)
	}
	return came, isModified
}

// gone returns the instances that some view before has and that are not there now, as the
// last such view has them: those at whose host and port there is another, and the others.
func (c *change) gone() (replaced, others []*apiservice.Instance) {
	last := map[string]*apiservice.Instance{}
	for _, old := range c.before {
		for _, i := range old.instances {
			if c.app.find(i) == nil {
				last[identityOf(i)] = i
			}
		}
	}
	if len(last) == 0 {
		return nil, nil
	}
	now := map[endpoint]bool{}
	for _, i := range c.app.instances {
		now[endpointOf(i)] = true
	}
	for _, i := range slices.SortedFunc(maps.Values(last), compareIDs) {
		if now[endpointOf(i)] {
			replaced = append(replaced, i)
		} else {
			others = append(others, i)
		}
	}
	return replaced, others
}

// endpoint is what eureka-js-client takes two instances of an application for the same by.
type endpoint struct {
	host string
	port any
}

func endpointOf(i *apiservice.Instance) endpoint {
	plain, _ := ports(i)
	return endpoint{cmp.Or(i.GetMetadata()[eurekaserver.MetadataHostName], i.GetHost().GetValue()), plain.Port}
}

// find returns the record of an instance, or nil.
func (a *appView) find(i *apiservice.Instance) *apiservice.Instance {
	if n, ok := slices.BinarySearchFunc(a.instances, i, compareIDs); ok {
		return a.instances[n]
	}
	return nil
}
