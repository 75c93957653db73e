package world

import (
	"cmp"
	"slices"

	"github.com/polaris-contrib/setrouter/plugin/location"
)

// Drift is an instance that registered a SET or location other than the mapping's, or
// a SET that is not a valid name.
type Drift struct {
	Service    string `json:"service"`
	Host       string `json:"host"`
	Port       uint32 `json:"port"`
	Field      string `json:"field"`      // location or set
	Registered string `json:"registered"` // what the instance says
	Mapping    string `json:"mapping"`    // what the mapping says of its host
}

// Drifts lists the instances that registered a location or SET that differs
// from what the mapping says of their host. A field that only one of them knows is no
// difference.
func (w *World) Drifts() []Drift {
	out := []Drift{}
	for _, i := range w.Instances {
		registered, invalid := location.Registered(i.Location, i.Metadata)
		if invalid != "" {
			out = append(out, Drift{i.Service.String(), i.Host, i.Port, "set", invalid, "not a SET name"})
		}
		mapped, ok := w.Table.LookupHost(i.Host)
		if !ok {
			continue
		}
		depth := min(registered.Location.Depth(), mapped.Location.Depth())
		if a, b := registered.Cut(depth), mapped.Cut(depth); a != b {
			out = append(out, Drift{i.Service.String(), i.Host, i.Port, "location", a.String(), b.String()})
		}
		if registered.SET != "" && mapped.SET != "" && registered.SET != mapped.SET {
			out = append(out, Drift{i.Service.String(), i.Host, i.Port, "set", string(registered.SET), string(mapped.SET)})
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
