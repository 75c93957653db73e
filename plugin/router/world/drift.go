package world

import (
	"cmp"
	"slices"

	"github.com/polaris-contrib/setrouter/plugin/location"
)

// Drift is an instance whose registration says otherwise than the mapping, or
// whose SET name is none.
type Drift struct {
	Service    string `json:"service"`
	Host       string `json:"host"`
	Port       uint32 `json:"port"`
	Field      string `json:"field"` // location or set
	Registered string `json:"registered"`
	Mapping    string `json:"mapping"`
}

// Drifts lists the instances that registered a location or SET that differs
// from what the mapping says of their host. What either does not know is no
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

// Stranger is a caller that no mapping entry knows and that is no known pod.
type Stranger struct {
	Address  string  `json:"address"`
	Known    string  `json:"known"` // what other sources know
	Requests uint64  `json:"requests"`
	Share    float64 `json:"share"` // of the requests of all callers seen lately
}

// Strangers lists the callers seen lately that the mapping does not know, those
// with most requests first.
func (w *World) Strangers() []Stranger {
	w.index()
	var all uint64
	for _, s := range w.Seen {
		all += s.Requests
	}
	out := []Stranger{}
	for _, s := range w.Seen {
		if _, known := w.Table.Lookup(s.Addr); known {
			continue
		}
		if _, known := w.pods.Facts(location.Normalize(s.Addr)); known {
			continue
		}
		out = append(out, Stranger{
			Address: s.Addr.String(), Known: Kind{Identity: w.Identity(s.Addr)}.Text(),
			Requests: s.Requests, Share: float64(s.Requests) / float64(max(all, 1)),
		})
	}
	slices.SortFunc(out, func(a, b Stranger) int {
		return cmp.Or(cmp.Compare(b.Requests, a.Requests), cmp.Compare(a.Address, b.Address))
	})
	return out
}
