package oracle

import (
	"cmp"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// routing is the content of all routing files together.
type routing struct {
	Defaults  ruleText
	Aliases   map[string]string
	Places    map[string]PlaceMap
	Rules     []ruleText
	Addresses []ruleText
	Evacuate  []evacuation
}

type evacuation struct {
	Region, Zone, Campus, SET string
	From, Until               time.Time
}

// covers reports whether the evacuation takes out an instance of a SET at a
// place.
func (e evacuation) covers(place Place, set string) bool {
	if e.SET != "" {
		return e.SET == set
	}
	segments := strings.Split(e.Region+e.Zone+e.Campus, "/") // one of the three is given
	return inLevel(len(segments), Place(append(segments, "", "")[:3]), place)
}

// ruleText is a rule or lane address as it is written. What is not said is empty.
type ruleText struct {
	Name    string
	Service patterns
	Target  Service
	When    struct {
		SET, Region, Zone, Campus string
		IP                        list
		Labels                    map[string]string
		ServiceMetadata           map[string]string `yaml:"serviceMetadata"`
	}
	SET     *setText
	Nearby  *nearbyText
	Order   []string
	Degrade degradeText
	OnEmpty string `yaml:"onEmpty"`
	Mode    string
	Rollout struct {
		Percent *string
		By      string
	}

	rule Rule // with the defaults filled in
}

type setText struct {
	Caller, Callee string
	Callers        []string
	Tiers          []string
	Unknown        string
	Required       bool
}

type nearbyText struct {
	MatchLevel    string `yaml:"matchLevel"`
	MaxMatchLevel string `yaml:"maxMatchLevel"`
	Places        string
	Strict        *bool
}

type degradeText struct {
	By               string
	TiersBy          string `yaml:"tiersBy"`
	UnhealthyPercent *int   `yaml:"unhealthyPercent"`
	MinUsable        string `yaml:"minUsable"`
	Overprovision    *int
	HoldDown         *time.Duration `yaml:"holdDown"`
	Failback         *time.Duration
}

// patterns are the globs of a rule: one or several, each namespace/name or a map.
type patterns []Service

// UnmarshalYAML reads one pattern or a list.
func (p *patterns) UnmarshalYAML(n *yaml.Node) error {
	nodes := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		nodes = n.Content
	}
	for _, node := range nodes {
		var one Service
		if err := node.Decode(&one); err != nil {
			return err
		}
		*p = append(*p, one)
	}
	return nil
}

func readRouting(files []File) (*routing, error) {
	all := &routing{Aliases: map[string]string{}, Places: map[string]PlaceMap{}}
	for _, f := range files {
		var one routing
		one.Defaults = all.Defaults
		if err := yaml.Unmarshal([]byte(f.Content), &one); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		all.Defaults = one.Defaults
		maps.Copy(all.Aliases, one.Aliases)
		maps.Copy(all.Places, one.Places)
		all.Rules = append(all.Rules, one.Rules...)
		all.Addresses = append(all.Addresses, one.Addresses...)
		all.Evacuate = append(all.Evacuate, one.Evacuate...)
	}
	for n := range all.Addresses {
		all.Addresses[n].Name = all.Addresses[n].Service[0].String()
	}
	for _, list := range [][]ruleText{all.Rules, all.Addresses} {
		for n := range list {
			list[n].complete(all.Defaults, all.Places)
		}
	}
	return all, nil
}

// complete makes the rule, with the defaults of the files and of docs/design.md, 5.
func (t *ruleText) complete(d ruleText, places map[string]PlaceMap) {
	if t.SET != nil && t.SET.Callers != nil || t.Rollout.By == "weight" {
		d.Degrade.Overprovision, d.Degrade.Failback = nil, nil
	}
	t.rule = Rule{
		Name: t.Name, OnEmptyAll: cmp.Or(t.OnEmpty, d.OnEmpty) == "all", Shadow: t.Mode == "shadow", Rollout: 10000, ByWeight: t.Rollout.By == "weight",
		Degrade: t.Degrade.complete(d.Degrade),
	}
	if order := slices.Concat(t.Order, d.Order); len(order) > 0 {
		t.rule.NearbyFirst = order[0] == "nearby"
	}
	if t.Rollout.Percent != nil {
		percent, _ := new(big.Rat).SetString(*t.Rollout.Percent)
		t.rule.Rollout = percent.Mul(percent, big.NewRat(100, 1)).Num().Int64()
	}
	if t.SET != nil {
		var def setText
		if d.SET != nil {
			def = *d.SET
		}
		t.rule.SET = t.SET.complete(def)
	}
	if t.Nearby != nil {
		var def nearbyText
		if d.Nearby != nil {
			def = *d.Nearby
		}
		t.rule.Nearby = t.Nearby.complete(def, places)
	}
}

func (t setText) complete(d setText) *SETStage {
	s := &SETStage{Tiers: t.Tiers, Unknown: cmp.Or(t.Unknown, d.Unknown, "all"), Callee: t.Callee != ""}
	if t.Required {
		s.Unknown = "none"
	}
	switch {
	case s.Tiers != nil:
	case s.Callee:
		s.Tiers = []string{"own"}
	case d.Tiers != nil:
		s.Tiers = d.Tiers
	default:
		s.Tiers = []string{"own", "pool"}
	}
	return s
}

// complete lets `places` and `maxMatchLevel` replace each other. A default `matchLevel:
// none` needs a map.
func (t nearbyText) complete(d nearbyText, places map[string]PlaceMap) *NearbyStage {
	if t.Places == "" && t.MaxMatchLevel == "" {
		t.Places, t.MaxMatchLevel = d.Places, d.MaxMatchLevel
	}
	if t.MatchLevel == "" && (d.MatchLevel != "none" || t.Places != "") {
		t.MatchLevel = d.MatchLevel
	}
	n := &NearbyStage{Strict: *cmp.Or(t.Strict, d.Strict, new(bool)), Places: places[t.Places]}
	n.Max = slices.Index(Levels, cmp.Or(t.MaxMatchLevel, "all"))
	switch t.MatchLevel {
	case "":
		n.Match = max(2, n.Max)
	case "none":
		n.Match = LevelNone
	default:
		n.Match = slices.Index(Levels, t.MatchLevel)
	}
	return n
}

// complete lets `by: absent` and the thresholds replace each other.
func (t degradeText) complete(d degradeText) Degrade {
	if t.By == "absent" {
		d.UnhealthyPercent, d.MinUsable = nil, ""
	}
	if t.UnhealthyPercent != nil || t.MinUsable != "" {
		d.By = ""
	}
	if t.By != "" || t.TiersBy != "" || t.UnhealthyPercent != nil || t.MinUsable != "" {
		d.Overprovision, d.Failback = nil, nil
	}
	over, failback := cmp.Or(t.Overprovision, d.Overprovision), cmp.Or(t.Failback, d.Failback)
	if over != nil {
		d.By, d.TiersBy, d.UnhealthyPercent, d.MinUsable = "", "", nil, ""
	}
	hundred, ten := 100, 10*time.Second
	out := Degrade{
		ByAbsence: cmp.Or(t.By, d.By) == "absent", TiersByAbsence: cmp.Or(t.TiersBy, d.TiersBy) == "absent",
		UnhealthyPercent: *cmp.Or(t.UnhealthyPercent, d.UnhealthyPercent, &hundred), HoldDown: *cmp.Or(t.HoldDown, d.HoldDown, &ten),
	}
	number, isShare := strings.CutSuffix(cmp.Or(t.MinUsable, d.MinUsable, "1"), "%")
	if over != nil {
		out.Overprovision = *over
	}
	if failback != nil {
		out.Failback = *failback
	}
	out.MinUsable, _ = strconv.Atoi(number)
	out.MinUsableIsShare = isShare
	return out
}
