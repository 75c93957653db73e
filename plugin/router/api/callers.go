package api

import (
	"cmp"
	"errors"
	"net/netip"
	"slices"
	"time"

	"github.com/polaris-contrib/setrouter/plugin/router/explain"
)

// CallerList is who asked for what lately, on all nodes, and what nobody asks for.
type CallerList struct {
	Now time.Time `json:"now"`
	// Since is when the youngest of the nodes began to remember: the node's own start.
	Since time.Time `json:"since"`
	// RememberSeconds is how long a caller is remembered after its last request.
	RememberSeconds int `json:"rememberSeconds"`
	// Kinds are by service, rule and kind.
	Kinds []CallerKind `json:"kinds"`
	More  int          `json:"more"` // kinds that are not listed
	// Complete is false if there are more callers than a node remembers.
	Complete bool `json:"complete"`
	// Untold are requests whose caller cannot be told, by peer and reason.
	Untold []explain.Untold `json:"untold"`
	// Forwarded are peers that send a header of proxies and are not trusted: they count
	// as the callers themselves, and the header is not read.
	Forwarded []Forwarded `json:"forwarded"`
	// Quiet are names that nobody asked for lately, those that were asked for longest ago
	// first.
	Quiet     []QuietName `json:"quiet"`
	MoreQuiet int         `json:"moreQuiet"` // names that are not listed
	// Notes say of which nodes these are not the callers, and why.
	Notes []string `json:"notes"`
	// Alone is that only this node's callers are here, as the set-admin listener has no
	// token.
	Alone bool `json:"alone,omitempty"`
}

// CallerKind is callers of a kind that asked for a service.
type CallerKind struct {
	Service string    `json:"service"` // as asked for
	Rule    string    `json:"rule,omitempty"`
	Kind    string    `json:"kind,omitempty"`  // SET and place; empty for the stock answer
	State   string    `json:"state,omitempty"` // one of States; empty: they have not asked for two minutes
	Callers int       `json:"callers"`
	Last    time.Time `json:"last"` // of their requests
	// Addresses are the callers, the last to ask first, and the first of these only.
	Addresses []CallerAddress `json:"addresses"`
}

// CallerAddress is a caller.
type CallerAddress struct {
	Address  netip.Addr `json:"address"`
	Last     time.Time  `json:"last"`
	Requests uint64     `json:"requests"` // since it is remembered
}

// Forwarded is a peer that sends a header of proxies and is not trusted.
type Forwarded struct {
	Peer     string `json:"peer"`
	Requests uint64 `json:"requests"` // of the last minutes
}

// QuietName is a name that nobody asked for lately.
type QuietName struct {
	Name   string `json:"name"`
	What   string `json:"what"`             // service, alias or lane address
	Target string `json:"target,omitempty"` // of an alias or lane address
	// LastAsked is when somebody last asked for it; nil: never since CallerList.Since.
	LastAsked *time.Time `json:"lastAsked,omitempty"`
}

// What a name is.
const (
	NameService = "service"
	NameAlias   = "alias"
	NameAddress = "lane address"
)

// CallerQuery is what a list of callers is asked for. Empty fields stand for all.
type CallerQuery struct {
	Service string     `json:"service,omitempty"` // as asked for
	Address netip.Addr `json:"address,omitzero"`
	// Names are those of which other nodes are asked when they were asked for.
	Names []string `json:"names,omitempty"`
}

// Sort brings everything into its order.
func (l *CallerList) Sort() {
	slices.SortFunc(l.Kinds, func(a, b CallerKind) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.State, b.State))
	})
	for _, k := range l.Kinds {
		slices.SortFunc(k.Addresses, func(a, b CallerAddress) int { return cmp.Or(b.Last.Compare(a.Last), a.Address.Compare(b.Address)) })
	}
	slices.SortFunc(l.Untold, func(a, b explain.Untold) int {
		return cmp.Or(cmp.Compare(b.Requests, a.Requests), cmp.Compare(a.Peer, b.Peer), cmp.Compare(a.Reason, b.Reason))
	})
	slices.SortFunc(l.Forwarded, func(a, b Forwarded) int {
		return cmp.Or(cmp.Compare(b.Requests, a.Requests), cmp.Compare(a.Peer, b.Peer))
	})
	slices.SortFunc(l.Quiet, func(a, b QuietName) int { return cmp.Or(a.last().Compare(b.last()), cmp.Compare(a.Name, b.Name)) })
}

func (q QuietName) last() time.Time {
	if q.LastAsked == nil {
		return time.Time{}
	}
	return *q.LastAsked
}

// Cut leaves n kinds, n addresses of each, and n names at most.
func (l *CallerList) Cut(n int) {
	if len(l.Kinds) > n {
		l.Kinds, l.More = l.Kinds[:n:n], l.More+len(l.Kinds)-n
	}
	for i, k := range l.Kinds {
		l.Kinds[i].Addresses = k.Addresses[:min(len(k.Addresses), n)]
	}
	if len(l.Quiet) > n {
		l.Quiet, l.MoreQuiet = l.Quiet[:n:n], l.MoreQuiet+len(l.Quiet)-n
	}
	l.Untold, l.Forwarded = l.Untold[:min(len(l.Untold), n)], l.Forwarded[:min(len(l.Forwarded), n)]
}

// Add adds what another node remembers. A name stays quiet if nobody asked that node for
// it lately either. A caller that is listed by both nodes counts once.
func (l *CallerList) Add(other CallerList) {
	if other.Since.After(l.Since) {
		l.Since = other.Since
	}
	l.Complete, l.More = l.Complete && other.Complete, l.More+other.More
	type key struct{ service, rule, kind, state string }
	index := map[key]int{}
	for n, k := range l.Kinds {
		index[key{k.Service, k.Rule, k.Kind, k.State}] = n
	}
	for _, k := range other.Kinds {
		if n, ok := index[key{k.Service, k.Rule, k.Kind, k.State}]; ok {
			l.Kinds[n].add(k)
		} else {
			l.Kinds = append(l.Kinds, k)
		}
	}
	l.addPeers(other)
	l.addNames(other)
	l.Sort()
}

// add adds the callers of a kind on another node.
func (k *CallerKind) add(other CallerKind) {
	k.Callers += other.Callers
	if other.Last.After(k.Last) {
		k.Last = other.Last
	}
	for _, a := range other.Addresses {
		n := slices.IndexFunc(k.Addresses, func(b CallerAddress) bool { return b.Address == a.Address })
		if n < 0 {
			k.Addresses = append(k.Addresses, a)
			continue
		}
		k.Callers--
		k.Addresses[n].Requests += a.Requests
		if a.Last.After(k.Addresses[n].Last) {
			k.Addresses[n].Last = a.Last
		}
	}
}

func (l *CallerList) addPeers(other CallerList) {
	for _, u := range other.Untold {
		n := slices.IndexFunc(l.Untold, func(b explain.Untold) bool { return b.Peer == u.Peer && b.Reason == u.Reason })
		if n < 0 {
			l.Untold = append(l.Untold, u)
		} else {
			l.Untold[n].Requests += u.Requests
		}
	}
	for _, f := range other.Forwarded {
		n := slices.IndexFunc(l.Forwarded, func(b Forwarded) bool { return b.Peer == f.Peer })
		if n < 0 {
			l.Forwarded = append(l.Forwarded, f)
		} else {
			l.Forwarded[n].Requests += f.Requests
		}
	}
}

// addNames takes out the names that somebody asked the other node for. The other node says
// of each name that is quiet there when it was asked for.
func (l *CallerList) addNames(other CallerList) {
	quiet := map[string]*time.Time{}
	for _, q := range other.Quiet {
		quiet[q.Name] = q.LastAsked
	}
	var left []QuietName
	for _, q := range l.Quiet {
		last, ok := quiet[q.Name]
		if !ok {
			continue
		}
		if last != nil && last.After(q.last()) {
			q.LastAsked = last
		}
		left = append(left, q)
	}
	l.Quiet = append([]QuietName{}, left...)
}

// Check returns an error if no node would say this.
func (l CallerList) Check() error {
	for _, k := range l.Kinds {
		if k.Callers < len(k.Addresses) || k.State != "" && !slices.Contains(States, k.State) {
			return errors.New("a kind of callers that there is not")
		}
	}
	return nil
}
