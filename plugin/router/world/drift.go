package world

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
)

// Drift is an instance that registered a SET or location other than the mapping's, or
// a name of a SET that does not count.
type Drift struct {
	Service    string `json:"service"`
	Host       string `json:"host"`
	Port       uint32 `json:"port"`
	Field      string `json:"field"`      // location or set
	Registered string `json:"registered"` // what the instance says
	Mapping    string `json:"mapping"`    // what the mapping says of its host; empty: nothing
	// Why is why the registered name does not count: a sentence that quotes the name.
	// It is empty for a name that counts, and for a location.
	Why string `json:"why,omitempty"`
}

// Text returns the drift for people in one line, without the instance.
func (d Drift) Text() string {
	if d.Why != "" {
		return d.Why
	}
	return fmt.Sprintf("%s %s, mapping %s", d.Field, explain.Plain(d.Registered), explain.Plain(d.Mapping))
}

// Drifts lists the instances that registered a location or SET that differs from what
// the mapping says of their host, or a name of a SET that does not count. A field that
// only one of them knows is no difference.
func (w *World) Drifts() []Drift {
	out := []Drift{}
	for _, i := range w.Instances {
		registered, ignored := location.Registered(i.Location, i.Metadata)
		var mapped location.Identity
		if found, ok := w.Table.LookupHost(i.Host); ok {
			mapped = *found.Identity
		}
		add := func(field, registered, mapped, why string) {
			out = append(out, Drift{i.Service.String(), i.Host, i.Port, field, registered, mapped, why})
		}
		for _, name := range ignored {
			add("set", name.Name, string(mapped.SET), name.Why)
		}
		depth := min(registered.Location.Depth(), mapped.Location.Depth())
		if a, b := registered.Cut(depth), mapped.Cut(depth); a != b {
			add("location", a.String(), b.String(), "")
		}
		if registered.SET != "" && mapped.SET != "" && registered.SET != mapped.SET {
			add("set", string(registered.SET), string(mapped.SET), "")
		}
	}
	return out
}

// Stranger is a caller that is in no mapping entry and is not a known pod.
type Stranger struct {
	Address  string  `json:"address"`
	Known    string  `json:"known"` // SET and location by the other sources
	Requests uint64  `json:"requests"`
	Share    float64 `json:"share"` // of the requests of all callers seen lately
}

// Strangers lists the strangers among the callers seen lately, the one with the most
// requests first.
func (w *World) Strangers() []Stranger {
	w.index()
	var total uint64
	for _, s := range w.Seen {
		total += s.Requests
	}
	out := []Stranger{}
	for _, s := range w.Seen {
		if _, ok := w.Table.Lookup(s.Addr); ok {
			continue
		}
		if _, ok := w.pods.Facts(location.Normalize(s.Addr)); ok {
			continue
		}
		out = append(out, Stranger{
			Address: s.Addr.String(), Known: Kind{Identity: w.Identity(s.Addr)}.Text(),
			Requests: s.Requests, Share: float64(s.Requests) / float64(max(total, 1)),
		})
	}
	slices.SortFunc(out, func(a, b Stranger) int {
		return cmp.Or(cmp.Compare(b.Requests, a.Requests), cmp.Compare(a.Address, b.Address))
	})
	return out
}
