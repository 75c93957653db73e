package oracle

import "time"

// Rule is how a rule or lane address chooses.
type Rule struct {
	Name        string
	SET         *SETStage
	Nearby      *NearbyStage
	NearbyFirst bool // `order: [nearby, set]`
	Degrade     Degrade
	OnEmptyAll  bool
	Shadow      bool
	Rollout     int64 // hundredths of a percent
	ByWeight    bool
}

// SETStage is the `set:` of a rule, without the templates of the SETs to route as.
type SETStage struct {
	Tiers   []string
	Unknown string // all, unset or none
	Callee  bool   // the SET to route as is a `callee`
}

// NearbyStage is the `nearby:` of a rule. A level is the number of location
// levels that must be equal.
type NearbyStage struct {
	Match, Max int // Match can be LevelNone
	Strict     bool
	Places     PlaceMap // nil: Max counts
}

// PlaceMap is what a map of places lists for each place: groups of places and words.
type PlaceMap map[string][]list

// LevelNone is `matchLevel: none`.
const LevelNone = -1

// Levels are the words for levels, by the levels' numbers.
var Levels = []string{"all", "region", "zone", "campus"}

// Degrade is the `degrade:` of a rule.
type Degrade struct {
	ByAbsence        bool // `by: absent`
	TiersByAbsence   bool // `tiersBy: absent`
	UnhealthyPercent int
	MinUsable        int
	MinUsableIsShare bool // MinUsable is in percent
	Overprovision    int  // percent; 0: one road is taken
	HoldDown         time.Duration
	Failback         time.Duration
}

// SETRule is the rule of docs/design.md, 5.2 that gave the tiers: 1 to 4, and 0
// for a rule without a SET stage.
type SETRule int
