package route

import (
	"net/netip"
	"slices"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

// when holds the conditions of a rule. The zero value has no condition.
type when struct {
	set                  *glob
	region, zone, campus string
	ip                   []netip.Prefix
	labels               map[string]string
	serviceMetadata      map[string]string // of the service that is read
}

// firstUnmet returns the first condition that a request does not meet, and
// conditionNone if the request meets all.
func (w when) firstUnmet(req Request) condition {
	switch {
	case !w.matchesIP(req.Addr):
		return conditionIP
	case !contains(req.Metadata, w.serviceMetadata):
		return conditionServiceMetadata
	}
	return w.firstUnmetOfIdentity(req.Caller)
}

// firstUnmetOfIdentity is firstUnmet without the conditions on the address and the
// service.
func (w when) firstUnmetOfIdentity(id location.Identity) condition {
	switch {
	case !w.matchesSETs(id):
		return conditionSET
	case w.region != "" && w.region != id.Region:
		return conditionRegion
	case w.zone != "" && w.zone != id.Zone:
		return conditionZone
	case w.campus != "" && w.campus != id.Campus:
		return conditionCampus
	case !contains(id.Labels, w.labels):
		return conditionLabels
	}
	return conditionNone
}

// matchesSETs reports whether one of the caller's SETs meets the condition on it. A
// caller without a SET meets none, not even "*".
func (w when) matchesSETs(id location.Identity) bool {
	return w.set == nil || slices.ContainsFunc(id.AllSETs(), w.matchesSET)
}

// matchesSET reports whether a SET meets the condition on it.
func (w when) matchesSET(set location.SET) bool {
	return w.set == nil || set != "" && w.set.match(string(set))
}

// matchesIP reports whether an address is in one of the prefixes, if there are any.
func (w when) matchesIP(addr netip.Addr) bool {
	if len(w.ip) == 0 {
		return true
	}
	for _, p := range w.ip {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// contains reports whether values has every key of wanted with the same value.
func contains(values, wanted map[string]string) bool {
	for k, v := range wanted {
		if got, ok := values[k]; !ok || got != v {
			return false
		}
	}
	return true
}

// isForAnyCaller reports whether there is no condition on the caller.
func (w when) isForAnyCaller() bool {
	return w.set == nil && w.region == "" && w.zone == "" && w.campus == "" && len(w.ip) == 0 && len(w.labels) == 0
}

// isEmpty reports whether there is no condition.
func (w when) isEmpty() bool { return w.isForAnyCaller() && len(w.serviceMetadata) == 0 }

// readWhen reads the conditions of a rule. An empty text is no condition.
func readWhen(n strict.Node) (w when) {
	n.NotNull("no key when for every caller")
	n.Bind(
		strict.Optional("set", "A glob of SET names, as `qb.novel.*`, that one of the caller's SETs must match.", func(n strict.Node) {
			if text := n.TextOr(); text != "" {
				w.set = newGlob(text)
				n.Form("glob")
			}
		}),
		strict.Optional("region", "The caller's region.", strict.Text(&w.region)),
		strict.Optional("zone", "The caller's zone.", strict.Text(&w.zone)),
		strict.Optional("campus", "The caller's campus.", strict.Text(&w.campus)),
		strict.Optional("ip", "The caller's address: an address, a prefix, a range, or a list of those.",
			func(n strict.Node) { w.ip = readPrefixes(n) }),
		strict.Optional("labels", "The caller's labels, each exactly.", func(n strict.Node) { w.labels = readWanted(n, "labels", "label") }),
		strict.Optional("serviceMetadata", "The metadata of the service that is read, each exactly.",
			func(n strict.Node) { w.serviceMetadata = readWanted(n, "serviceMetadata", "metadata key") }),
	)
	return w
}

// readWanted reads what a condition wants: keys, and the values that they must have. The
// names of the condition and of the kind of its keys are for the messages.
func readWanted(n strict.Node, condition, kind string) map[string]string {
	n.NotNull("no key " + condition + " for any")
	wanted := map[string]string{}
	for _, e := range n.Entries() {
		value, ok := e.Value.Text()
		if ok && value == "" {
			e.Value.Errorf("%s %q is empty, expected the value that it must have, or no such key", kind, e.Key.Raw())
		}
		wanted[e.Key.Raw()] = value
	}
	return wanted
}

// readPrefixes reads addresses and prefixes: one, or a list. An empty text is none.
func readPrefixes(n strict.Node) (out []netip.Prefix) {
	items := n.OneOrItems()
	if len(items) == 0 {
		n.Errorf("the list is empty, expected addresses, or no key ip for every address")
	}
	for _, item := range items {
		text, ok := item.Text()
		item.Form("address, prefix or range")
		if !ok || text == "" && item == n {
			continue
		}
		prefixes, err := location.ParseMatch(text)
		if err != nil {
			item.Errorf("%v", err)
		}
		out = append(out, prefixes...)
	}
	return out
}
