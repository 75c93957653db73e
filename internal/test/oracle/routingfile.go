package oracle

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// routing is the content of all routing files together.
type routing struct {
	Aliases   map[string]string
	Rules     []ruleText
	Addresses []ruleText
	Evacuate  []evacuation
}

type evacuation struct {
	Region, Zone, Campus, SET string
	Until                     time.Time
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

// ruleText is a rule or lane address as it is written.
type ruleText struct {
	Name    string
	Service list
	Target  string
	When    struct {
		SET, Region, Zone, Campus string
		IP                        list
		Labels                    map[string]string
	}
	SET *struct {
		Caller, Callee *string
		Tiers          []string
		Required       bool
	}
	Nearby *struct {
		MatchLevel    string `yaml:"matchLevel"`
		MaxMatchLevel string `yaml:"maxMatchLevel"`
		Strict        bool
	}
	Degrade struct {
		By               string
		UnhealthyPercent *int           `yaml:"unhealthyPercent"`
		MinUsable        *int           `yaml:"minUsable"`
		HoldDown         *time.Duration `yaml:"holdDown"`
	}
	OnEmpty string `yaml:"onEmpty"`
	Mode    string
	Rollout struct {
		Percent *string
		By      string
	}

	rule Rule // with the defaults filled in
}

func readRouting(files []File) (*routing, error) {
	all := &routing{Aliases: map[string]string{}}
	for _, f := range files {
		var one routing
		if err := yaml.Unmarshal([]byte(f.Content), &one); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		for k, v := range one.Aliases {
			all.Aliases[k] = v
		}
		all.Rules = append(all.Rules, one.Rules...)
		all.Addresses = append(all.Addresses, one.Addresses...)
		all.Evacuate = append(all.Evacuate, one.Evacuate...)
	}
	for n := range all.Rules {
		all.Rules[n].complete([]string{"own", "pool"})
	}
	for n := range all.Addresses {
		all.Addresses[n].Name = all.Addresses[n].Service[0]
		all.Addresses[n].complete([]string{"own"})
	}
	return all, nil
}

// complete makes the rule, with the defaults of docs/design.md, 5.
func (t *ruleText) complete(tiers []string) {
	t.rule = Rule{
		Name: t.Name, OnEmptyAll: t.OnEmpty == "all", Shadow: t.Mode == "shadow", Rollout: 10000, ByWeight: t.Rollout.By == "weight",
		Degrade: Degrade{
			ByAbsence: t.Degrade.By == "absent", UnhealthyPercent: valueOr(t.Degrade.UnhealthyPercent, 100), MinUsable: valueOr(t.Degrade.MinUsable, 1),
			HoldDown: valueOr(t.Degrade.HoldDown, 10*time.Second),
		},
	}
	if t.Rollout.Percent != nil {
		percent, _ := new(big.Rat).SetString(*t.Rollout.Percent)
		t.rule.Rollout = percent.Mul(percent, big.NewRat(100, 1)).Num().Int64()
	}
	if t.SET != nil {
		if t.SET.Callee != nil {
			tiers = []string{"own"}
		}
		if t.SET.Tiers != nil {
			tiers = t.SET.Tiers
		}
		t.rule.SET = &SETStage{tiers, t.SET.Required}
	}
	if t.Nearby != nil {
		t.rule.Nearby = &NearbyStage{Match: 2, Strict: t.Nearby.Strict}
		if t.Nearby.MatchLevel != "" {
			t.rule.Nearby.Match = slices.Index(Levels, t.Nearby.MatchLevel)
		}
		t.rule.Nearby.Max = max(slices.Index(Levels, t.Nearby.MaxMatchLevel), 0)
	}
}

// valueOr returns what a pointer points to, or fallback for nil.
func valueOr[T any](value *T, fallback T) T {
	if value == nil {
		return fallback
	}
	return *value
}
