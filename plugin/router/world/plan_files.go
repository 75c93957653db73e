package world

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// ReplacedFiles are the files of a kind that others take the place of.
type ReplacedFiles struct {
	Kind   string `json:"kind"` // mapping or routing
	Before []File `json:"before"`
	After  []File `json:"after"`
	// Entries before and after are those of mapping files, or rules and lane addresses.
	EntriesBefore int `json:"entriesBefore"`
	EntriesAfter  int `json:"entriesAfter"`
}

// File is a file in short.
type File struct {
	Name   string `json:"name"`
	Bytes  int    `json:"bytes"`
	SHA256 string `json:"sha256"` // the first 12 digits
}

// RuleChanges are the rules and lane addresses, by name, of which files differ.
type RuleChanges struct {
	End    []RuleRef `json:"end"` // with their origin before
	Begin  []RuleRef `json:"begin"`
	Change []RuleRef `json:"change"` // with their origin after
}

// RuleRef is a rule or a lane address, and where it stands.
type RuleRef struct {
	Name    string `json:"name"`
	Address bool   `json:"address"`
	File    string `json:"file"`
	Line    int    `json:"line"`
}

// EvacuationChanges are the evacuations of which files differ. Those that are over do not
// count.
type EvacuationChanges struct {
	End   []EvacuationRef `json:"end"`
	Begin []EvacuationRef `json:"begin"`
}

// EvacuationRef is an evacuation.
type EvacuationRef struct {
	ID      string    `json:"id"`
	Place   string    `json:"place"` // with its key, as "zone south/shenzhen"
	Until   time.Time `json:"until"`
	InForce bool      `json:"inForce"` // now
	Reason  string    `json:"reason"`
}

// JudgedRule is a rule that not every caller has, and for whom a plan judges it.
type JudgedRule struct {
	RuleRef
	Mode    string  `json:"mode"`
	Percent float64 `json:"percent"`
	By      string  `json:"by"`
	How     string  `json:"how"`
}

// replaced returns the files that differ, of each kind.
func replaced(before, after *World) []ReplacedFiles {
	out := []ReplacedFiles{}
	add := func(kind string, a, b []strict.File, entriesBefore, entriesAfter int) {
		r := ReplacedFiles{kind, inShort(a), inShort(b), entriesBefore, entriesAfter}
		if !slices.Equal(r.Before, r.After) {
			out = append(out, r)
		}
	}
	add("mapping", before.Mapping, after.Mapping, before.Table.Len(), after.Table.Len())
	add("routing", before.Routing, after.Routing, before.Rules.Len(), after.Rules.Len())
	return out
}

// inShort returns files without their content.
func inShort(files []strict.File) []File {
	out := []File{}
	for _, f := range files {
		sum := sha256.Sum256(f.Data)
		out = append(out, File{f.Name, len(f.Data), hex.EncodeToString(sum[:])[:12]})
	}
	return out
}

// ruleChanges compares rules by their names.
func ruleChanges(before, after *route.Rules) RuleChanges {
	out := RuleChanges{End: []RuleRef{}, Begin: []RuleRef{}, Change: []RuleRef{}}
	type key struct {
		name    string
		address bool
	}
	old, kept := map[key]*route.Rule{}, map[key]bool{}
	for _, r := range before.All() {
		old[key{r.Name, r.IsAddress()}] = r
	}
	for _, r := range after.All() {
		k := key{r.Name, r.IsAddress()}
		kept[k] = true
		switch {
		case old[k] == nil:
			out.Begin = append(out.Begin, ruleRef(r))
		case !old[k].Same(r):
			out.Change = append(out.Change, ruleRef(r))
		}
	}
	for _, r := range before.All() {
		if !kept[key{r.Name, r.IsAddress()}] {
			out.End = append(out.End, ruleRef(r))
		}
	}
	return out
}

func ruleRef(r *route.Rule) RuleRef { return RuleRef{r.Name, r.IsAddress(), r.File, r.Line} }

// evacuationChanges compares the evacuations that are not over.
func evacuationChanges(before, after *World) EvacuationChanges {
	return EvacuationChanges{End: missing(before.Rules, after.Rules, after.Now), Begin: missing(after.Rules, before.Rules, after.Now)}
}

// missing returns the evacuations of rules that other rules do not have, the first to end
// first.
func missing(rules, others *route.Rules, now time.Time) []EvacuationRef {
	out := []EvacuationRef{}
	for _, e := range rules.AllEvacuations() {
		isSame := func(other route.Evacuation) bool { return other.ID() == e.ID() }
		if now.Before(e.Until) && !slices.ContainsFunc(others.AllEvacuations(), isSame) {
			out = append(out, EvacuationRef{e.ID(), e.Kind() + " " + e.Place(), e.Until, e.InForce(now), e.Reason})
		}
	}
	slices.SortStableFunc(out, func(a, b EvacuationRef) int { return cmp.Or(a.Until.Compare(b.Until), cmp.Compare(a.ID, b.ID)) })
	return out
}

// judgedRules returns the new and changed rules that not every caller has.
func judgedRules(changes RuleChanges, after *route.Rules) []JudgedRule {
	out := []JudgedRule{}
	for _, r := range after.All() {
		ref := ruleRef(r)
		if r.Decides() || !r.HasStages() || !slices.Contains(changes.Begin, ref) && !slices.Contains(changes.Change, ref) {
			continue
		}
		out = append(out, JudgedRule{ref, r.Mode(), float64(r.Rollout) / 100, r.RolloutBy(), howJudged(r)})
	}
	return out
}

// howJudged says for whom a plan judges a rule that not every caller has.
func howJudged(r *route.Rule) string {
	switch {
	case r.Shadow:
		return "mode shadow changes no list; what the rule would do in force stands apart"
	case r.Rollout == 0:
		return "0% changes no list; what the rule would do in force stands apart"
	case r.ByWeight:
		return percent(r) + " by weight: judged as the mixture, and as the share that moves alone, as at 100%"
	}
	return percent(r) + " of the callers: judged for those inside, as at 100%, and for those outside"
}

// tally counts the changes by service, and by place of the callers.
func (p *planner) tally() (services, places []Tally) {
	byPlace := map[string]map[Change]int{}
	services, places = []Tally{}, []Tally{}
	for _, name := range p.names {
		if len(name.rows) == 0 {
			continue
		}
		counts := map[Change]int{}
		for _, row := range name.rows {
			counts[row.Change]++
			if byPlace[row.place] == nil {
				byPlace[row.place] = map[Change]int{}
			}
			byPlace[row.place][row.Change]++
		}
		services = append(services, Tally{name.service.String(), counts})
	}
	for place, counts := range byPlace {
		places = append(places, Tally{place, counts})
	}
	slices.SortFunc(services, Tally.compare)
	slices.SortFunc(places, Tally.compare)
	return services, places
}

// compare puts the worse tally first.
func (t Tally) compare(other Tally) int {
	for _, c := range Changes {
		if d := cmp.Compare(other.Counts[c], t.Counts[c]); d != 0 {
			return d
		}
	}
	return cmp.Compare(t.Name, other.Name)
}
