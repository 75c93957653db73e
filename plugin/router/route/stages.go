package route

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

// readWhen reads the conditions of a rule. An empty text is no condition.
func readWhen(n strict.Node) when {
	w := when{}
	fields := n.Fields("set", "region", "zone", "campus", "ip", "labels")
	for key, into := range map[string]*string{"region": &w.region, "zone": &w.zone, "campus": &w.campus} {
		if at, given := fields[key]; given {
			*into = at.TextOr()
		}
	}
	if at, given := fields["set"]; given {
		if s := at.TextOr(); s != "" {
			w.set = newGlob(s)
		}
	}
	if at, given := fields["ip"]; given {
		items := at.OneOrItems()
		if len(items) == 0 {
			at.Errorf("the list is empty, expected addresses, or no key ip for every address")
		}
		for _, item := range items {
			s, ok := item.Text()
			if !ok {
				continue
			}
			prefixes, err := location.ParseMatch(s)
			if err != nil {
				item.Errorf("%v", err)
			}
			w.ip = append(w.ip, prefixes...)
		}
	}
	if at, given := fields["labels"]; given {
		w.labels = map[string]string{}
		for _, e := range at.Entries() {
			if v := e.Value.TextOr(); v != "" {
				w.labels[e.Key.Raw()] = v
			}
		}
	}
	return w
}

// readStages reads what rules and lane addresses share.
func (l *loader) readStages(rule *Rule, fields map[string]strict.Node, tiers []Tier) {
	if n, given := fields["set"]; given {
		rule.SET = l.readSET(n, rule, tiers)
	}
	if n, given := fields["nearby"]; given {
		rule.Nearby = readNearby(n)
	}
	if n, given := fields["degrade"]; given {
		rule.Degrade = readDegrade(n, rule.Degrade)
	}
	if n, given := fields["onEmpty"]; given {
		word, _ := n.Word("empty", "all")
		rule.OnEmptyAll = word == "all"
	}
	if n, given := fields["mode"]; given {
		word, _ := n.Word("enforce", "shadow")
		rule.Shadow = word == "shadow"
	}
	if n, given := fields["rollout"]; given {
		rule.Rollout, rule.ByWeight = readRollout(n)
	}
}

func (l *loader) readSET(n strict.Node, rule *Rule, tiers []Tier) *SETStage {
	n.NotNull("{}")
	keys := []string{"caller", "callee", "tiers", "required"}
	if rule.IsAddress() {
		keys = []string{"callee", "tiers", "required"}
	}
	fields := n.Fields(keys...)
	stage := &SETStage{Tiers: tiers}
	if at, given := fields["caller"]; given {
		stage.Caller = l.readTemplate(at)
	}
	if at, given := fields["callee"]; given {
		stage.Callee = l.readTemplate(at)
		stage.Tiers = []Tier{TierOwn}
		if _, both := fields["caller"]; both {
			at.Errorf("caller and callee are both given, expected one: callee asks for that SET by name, caller is the SET to route as")
		}
	} else if rule.IsAddress() {
		n.Errorf("the address has no callee, expected set: {callee: business.area.group}")
	}
	if at, given := fields["tiers"]; given {
		stage.Tiers = readTiers(at)
	}
	if at, given := fields["required"]; given {
		stage.Required, _ = at.Bool()
	}
	return stage
}

func (l *loader) readTemplate(n strict.Node) *Template {
	s, ok := n.Text()
	if !ok {
		return nil
	}
	t, err := ParseTemplate(s)
	if err != nil {
		n.Errorf("%v", err)
		return nil
	}
	l.templates = append(l.templates, templateAt{t, n})
	return t
}

func readTiers(n strict.Node) []Tier {
	before := n.Faults()
	items := n.Items()
	if len(items) == 0 && n.Faults() == before {
		n.Errorf("the list of tiers is empty, expected one or more of %s", quoteList(tierWords))
	}
	var tiers []Tier
	seen := map[string]bool{}
	for _, item := range items {
		word, ok := item.Word(tierWords...)
		if !ok {
			continue
		}
		if seen[word] {
			item.Errorf("tier %q is given twice, expected each once", word)
		}
		seen[word] = true
		tiers = append(tiers, Tier(word))
	}
	return tiers
}

func readNearby(n strict.Node) *NearbyStage {
	n.NotNull("{}")
	fields := n.Fields("matchLevel", "maxMatchLevel", "strict")
	stage := &NearbyStage{Match: LevelZone, Max: LevelAll}
	if at, given := fields["matchLevel"]; given {
		if word, ok := at.Word(levelWords...); ok {
			stage.Match = ParseLevel(word)
		}
	}
	if at, given := fields["maxMatchLevel"]; given {
		if word, ok := at.Word(levelWords...); ok {
			stage.Max = ParseLevel(word)
		}
		if stage.Max > stage.Match {
			at.Errorf("maxMatchLevel %q is narrower than matchLevel %q, expected the same or wider: campus, zone, region, all", stage.Max, stage.Match)
		}
	}
	if at, given := fields["strict"]; given {
		stage.Strict, _ = at.Bool()
	}
	return stage
}

func readDegrade(n strict.Node, d Degrade) Degrade {
	fields := n.Fields("by", "unhealthyPercent", "minUsable", "holdDown")
	if at, given := fields["by"]; given {
		word, _ := at.Word("unhealthy", "absent")
		d.ByAbsence = word == "absent"
	}
	if at, given := fields["unhealthyPercent"]; given {
		d.UnhealthyPercent, _ = at.Int(1, 100)
	}
	if at, given := fields["minUsable"]; given {
		d.MinUsable, _ = at.Int(0, 1_000_000)
	}
	if at, given := fields["holdDown"]; given {
		d.HoldDown = readHoldDown(at)
	}
	return d
}

func readRollout(n strict.Node) (hundredths int, byWeight bool) {
	fields := n.Fields("percent", "by")
	if at, given := fields["by"]; given {
		word, _ := at.Word("caller", "weight")
		byWeight = word == "weight"
	}
	at, given := fields["percent"]
	if !given {
		return FullRollout, byWeight
	}
	number, ok := at.Number()
	if !ok {
		return FullRollout, byWeight
	}
	hundredths, err := parsePercent(number)
	if err != nil {
		at.Errorf("%v", err)
	}
	return hundredths, byWeight
}

// parsePercent reads 0 to 100 in steps of 0.01 as hundredths, without floating
// point. 010 is refused: for YAML it is 8.
func parsePercent(s string) (int, error) {
	whole, fraction, dotted := strings.Cut(s, ".")
	fault := fmt.Errorf("found percent %s, expected 0 to 100 in steps of 0.01", s)
	if dotted && (len(fraction) < 1 || len(fraction) > 2) {
		return 0, fault
	}
	digits := whole + (fraction + "00")[:2]
	v, err := strconv.ParseUint(digits, 10, 32)
	if err != nil || whole == "" && !dotted || len(whole) > 1 && whole[0] == '0' || v > FullRollout {
		return 0, fault
	}
	return int(v), nil
}

const mostHoldDown = time.Hour

func readHoldDown(n strict.Node) time.Duration {
	text := n.Raw()
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 || d > mostHoldDown {
		n.Errorf("holdDown %q is no time from 0s to 1h, as 10s", text)
	}
	return d
}
