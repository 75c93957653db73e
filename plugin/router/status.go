package router

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/polaris-contrib/setrouter/internal/clock"
	"github.com/polaris-contrib/setrouter/internal/configcenter"
	"github.com/polaris-contrib/setrouter/internal/configcenter/release"
	"github.com/polaris-contrib/setrouter/internal/serverfiles"
	"github.com/polaris-contrib/setrouter/internal/sources"
	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/internal/world"
	"github.com/polaris-contrib/setrouter/plugin/cmdb"
)

// Status is the state of the pack on this node. Its JSON is that of the admin
// listener and of `setctl status -o json`.
type Status struct {
	Now         time.Time    `json:"now"`
	Started     time.Time    `json:"started"`
	Files       []Files      `json:"files"` // mapping and routing
	FailOpen    bool         `json:"failOpen"`
	Rules       []RuleStatus `json:"rules"`
	Evacuations []Evacuation `json:"evacuations"`
	Protocols   []Protocol   `json:"protocols"`
	// Warnings are what `setctl check` would say of the files in force.
	Warnings []strict.Problem `json:"warnings"`
	Callers  Callers          `json:"callers"`
	Drift    DriftStatus      `json:"drift"`
	// Kubernetes is that of the source kubernetes, nil where it is not configured.
	Kubernetes *sources.Status `json:"kubernetes,omitempty"`
}

// Files are the files of a kind: mapping or routing.
type Files struct {
	Kind     string    `json:"kind"`
	Names    []string  `json:"names"`
	Entries  int       `json:"entries"`
	LoadedAt time.Time `json:"loadedAt"` // what is in force
	TriedAt  time.Time `json:"triedAt"`
	// Problems are why the files on disk are refused; empty: they are in force.
	Problems []string `json:"problems"`
	// Copy is set while the contents of the config center in force are those
	// of the copy on disk.
	Copy *time.Time `json:"copy,omitempty"`
	// CopyProblem is why there is no copy on disk, or none of use.
	CopyProblem string `json:"copyProblem,omitempty"`
	// Releases are those of the config center in force on this node.
	Releases []release.Release `json:"releases"`
}

// RuleStatus is a rule or lane address in force.
type RuleStatus struct {
	Name    string  `json:"name"`
	File    string  `json:"file"`
	Line    int     `json:"line"`
	Mode    string  `json:"mode"`
	Percent float64 `json:"percent"`
	By      string  `json:"by"`               // caller or weight
	Target  string  `json:"target,omitempty"` // of a lane address
}

// Evacuation is one of a routing file.
type Evacuation struct {
	ID      string    `json:"id"`
	Kind    string    `json:"kind"`
	Place   string    `json:"place"`
	Until   time.Time `json:"until"`
	Reason  string    `json:"reason"`
	InForce bool      `json:"inForce"`
	File    string    `json:"file"`
	Line    int       `json:"line"`
	// Instances is how many are there; none may mean a slip in the name.
	Instances int `json:"instances"`
}

// Protocol is a listener by which clients discover instances.
type Protocol struct {
	Name   string `json:"name"`
	Routed bool   `json:"routed"`
}

// Callers are those that asked in the last minutes.
type Callers struct {
	Seen     int    `json:"seen"`
	Requests uint64 `json:"requests"`
	// Unmapped are those that no mapping entry knows, the first of them below.
	Unmapped int              `json:"unmapped"`
	Share    float64          `json:"unmappedShare"` // of the requests
	First    []world.Stranger `json:"firstUnmapped"`
}

// DriftStatus counts instances that registered otherwise than the mapping says.
type DriftStatus struct {
	Count int           `json:"count"`
	First []world.Drift `json:"first"`
}

// shown bounds the lists in a status.
const shown = 50

// Status looks at every instance and caller: it is for operators, not for
// requests.
func (s *Server) Status() Status {
	rules, now, w := s.rulesInForce(), s.now(), s.World()
	out := Status{
		Now: now, Started: clock.AsOf(now, s.started), FailOpen: s.failOpen, Files: []Files{}, Rules: []RuleStatus{},
		Evacuations: []Evacuation{}, Protocols: []Protocol{}, Warnings: []strict.Problem{},
	}
	for _, of := range s.live() {
		out.Files = append(out.Files, filesOf(of.kind, of.Status(), now))
	}
	for _, r := range rules.All() {
		of := RuleStatus{Name: r.Name, File: r.File, Line: r.Line, Mode: r.Mode(), Percent: float64(r.Rollout) / 100, By: r.By()}
		if r.IsAddress() {
			of.Target = r.Target.String()
		}
		out.Rules = append(out.Rules, of)
	}
	for _, e := range rules.Evacuations(time.Time{}) {
		out.Evacuations = append(out.Evacuations, Evacuation{
			e.ID(), e.Kind(), e.Place(), e.Until, e.Reason, e.Until.After(now), e.File, e.Line, w.CountIn(e),
		})
	}
	for _, name := range s.config.Protocols {
		if name == "service-grpc" || name == httpSlotName || name == "service-l5" || name == "service-eureka" || unrouted[name] {
			out.Protocols = append(out.Protocols, Protocol{name, !unrouted[name] && rules != nil})
		}
	}
	var lints strict.Problems
	rules.Lint(s.table(), &lints)
	out.Warnings = append(out.Warnings, first(lints.List())...)
	out.Callers = callersOf(w)
	drifts := w.Drifts()
	out.Drift = DriftStatus{len(drifts), first(drifts)}
	if s.pods.Source != nil {
		status := s.pods.Status(now)
		out.Kubernetes = &status
	}
	return out
}

func filesOf(kind string, s serverfiles.Status, now time.Time) Files {
	f := Files{
		Kind: kind, Names: s.InForce, Entries: s.Count, Problems: []string{},
		LoadedAt: clock.AsOf(now, s.LoadedAt), TriedAt: clock.AsOf(now, s.TriedAt),
	}
	if f.Names == nil {
		f.Names = []string{}
	}
	f.Releases = append([]release.Release{}, s.Releases...)
	if !s.CopiedAt.IsZero() {
		f.Copy = &s.CopiedAt
	}
	if s.CopyErr != nil {
		f.CopyProblem = s.CopyErr.Error()
	}
	if faults, is := errors.AsType[strict.Error](s.Err); is {
		f.Problems = faults.Lines()
	} else if s.Err != nil {
		f.Problems = append(f.Problems, s.Err.Error())
	}
	return f
}

func callersOf(w *world.World) Callers {
	c := Callers{Seen: len(w.Seen)}
	for _, s := range w.Seen {
		c.Requests += s.Requests
	}
	strangers := w.Strangers()
	c.Unmapped, c.First = len(strangers), first(strangers)
	for _, s := range strangers {
		c.Share += s.Share
	}
	return c
}

func first[T any](list []T) []T { return list[:min(len(list), shown)] }

// Reloaded is the outcome of a reload of files of a kind.
type Reloaded struct {
	Kind     string   `json:"kind"`
	OK       bool     `json:"ok"`
	Entries  int      `json:"entries"` // in force now
	Problems []string `json:"problems"`
}

// Reload loads mapping and routing files now. Forced, it does not ask what
// would be lost.
func (s *Server) Reload(force bool) []Reloaded {
	out := []Reloaded{}
	for _, of := range s.live() {
		err := of.Reload(force)
		f := filesOf(of.kind, of.Status(), s.now())
		out = append(out, Reloaded{of.kind, err == nil, f.Entries, f.Problems})
	}
	return out
}

// Dump is the state of the server in a form that can be read again, with the
// files in force.
func (s *Server) Dump() world.Dump {
	files := map[string][]strict.File{}
	for _, of := range s.live() {
		files[of.kind] = of.Files()
	}
	return world.NewDump(s.World(), files["mapping"], files["routing"])
}

// liveFiles are the files of a kind.
type liveFiles struct {
	kind string
	serverfiles.Handle
}

func (s *Server) live() (out []liveFiles) {
	if live := cmdb.Files(); live != nil {
		out = append(out, liveFiles{"mapping", live})
	}
	if s.routing != nil {
		out = append(out, liveFiles{"routing", s.routing})
	}
	return out
}

// ConfigFile is a source in the config center as it is saved there, published or
// not. Files that are no sources stay under the auth of the config center.
func (s *Server) ConfigFile(name string) (configcenter.Saved, error) {
	if !slices.Contains(s.config.ConfigFiles(), name) {
		return configcenter.Saved{}, fmt.Errorf("%w: %q is not among the files in the server's configuration", configcenter.ErrAbsent, name)
	}
	return configcenter.Local.Saved(name)
}
