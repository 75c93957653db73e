package route

import "github.com/polaris-contrib/setrouter/plugin/location"

// covers reports whether p fits every service that later fits.
func (p pattern) covers(later pattern) bool {
	switch {
	case p.isExact:
		return later.isExact && p.exact == later.exact
	case later.isExact:
		return later.exact.Namespace != SystemNamespace && p.matches(later.exact)
	}
	return p.namespace.covers(later.namespace) && p.name.covers(later.name)
}

// covers reports whether w allows every caller that later allows.
func (w when) covers(later when) bool {
	place := func(a, b string) bool { return a == "" || a == b }
	if !place(w.region, later.region) || !place(w.zone, later.zone) || !place(w.campus, later.campus) {
		return false
	}
	if w.set != nil && (later.set == nil || !w.set.covers(later.set)) {
		return false
	}
	if !contains(later.labels, w.labels) || !contains(later.serviceMetadata, w.serviceMetadata) {
		return false
	}
	return len(w.ip) == 0 || len(later.ip) > 0 && location.AllInside(later.ip, w.ip)
}
