package explain

import (
	"time"

	"github.com/polaris-contrib/setrouter/plugin/location"
)

// Answer is the kind of list that is sent.
type Answer string

// The kinds of answers.
const (
	AnswerRouted  Answer = "routed"
	AnswerStock   Answer = "stock"
	AnswerShadow  Answer = "shadow"  // the stock answer, beside a decision
	AnswerBlended Answer = "blended" // routed and other instances by weight
)

// Explanation is an answer and why it is so. The admin listener and
// `setctl explain -o json` answer with its JSON.
type Explanation struct {
	Caller   Caller    `json:"caller"`
	Asked    *Asked    `json:"asked,omitempty"` // nil where nobody remembers
	Service  string    `json:"service"`
	Read     string    `json:"read"` // the service really read
	Answer   Answer    `json:"answer"`
	Why      string    `json:"why"`
	Rule     *Rule     `json:"rule,omitempty"`
	Passed   []Passed  `json:"passed"` // the earlier rules, and why they do not match
	RoutedAs *RoutedAs `json:"routedAs,omitempty"`
	// Tier and Level are those of the chosen road. They are empty for a caller with
	// several SETs.
	Tier  string `json:"tier,omitempty"`
	Level string `json:"level,omitempty"`
	// Choices are made for each SET that the caller is routed as.
	Choices []Choice `json:"choices,omitempty"`
	// Priorities are what clients of xDS get, which fail over by themselves.
	Priorities []Priority `json:"priorities,omitempty"`

	Revision string `json:"revision,omitempty"`
	Sent     int    `json:"sent"` // instances in the answer
	// Instances are the instances that could be in the answer, sent or not.
	Instances []Instance `json:"instances"`
}

// Rule is the rule or lane address that matches.
type Rule struct {
	Name    string  `json:"name"`
	File    string  `json:"file"`
	Line    int     `json:"line"`
	Mode    string  `json:"mode"`
	Percent float64 `json:"percent"`
	By      string  `json:"by"`
	// Included is true if the rollout includes the caller.
	Included bool `json:"included"`
}

// Passed is an earlier rule, and why it does not match.
type Passed struct {
	Rule string `json:"rule"`
	File string `json:"file"`
	Line int    `json:"line"`
	Why  string `json:"why"`
	// OtherService is true if the rule is for other services.
	OtherService bool `json:"otherService"`
}

// RoutedAs is what the caller is routed as.
type RoutedAs struct {
	// SETs are as the rule says: SETs, businesses of which nothing else is known, and
	// SETs with {each}. They are empty for a caller without a SET.
	SETs     []string          `json:"sets"`
	Location location.Location `json:"location"`
}

// Choice is what one SET of the caller gets.
type Choice struct {
	SET   string `json:"set"`           // empty: the caller has none, or the rule has no SET stage
	Why   string `json:"why,omitempty"` // the tiers are these; empty without a SET stage
	Roads []Road `json:"roads"`         // that were looked at, in order
	// Widened is true if no road has an instance, and onEmpty: all answers.
	Widened bool `json:"widened,omitempty"`
	// LastResort is true if evacuations do not count: without the evacuated instances
	// no road has a usable one.
	LastResort bool `json:"lastResort,omitempty"`
	// HeldUntil is when the caller goes back to an earlier road, if the choice stays
	// an earlier one until then.
	HeldUntil *time.Time `json:"heldUntil,omitempty"`
}

// Road is a tier at a level.
type Road struct {
	Tier      string `json:"tier,omitempty"`
	Level     string `json:"level,omitempty"`
	Total     int    `json:"total"`
	InService int    `json:"inService"`
	Usable    int    `json:"usable"`
	Satisfied bool   `json:"satisfied"`
	Taken     bool   `json:"taken"`
	// Share is what the road takes of the caller's requests with overprovision, in
	// percent; ByWeights is what the weights of the list make of that.
	Share     int     `json:"share,omitempty"`
	ByWeights float64 `json:"byWeights,omitempty"`
	Why       string  `json:"why"` // satisfied or not
}

// Priority is a road with the instances that no priority before it has, as clients of xDS
// get it.
type Priority struct {
	Tier   string `json:"tier,omitempty"`
	Level  string `json:"level,omitempty"`
	Total  int    `json:"total"`
	Usable int    `json:"usable"`
}

// Instance is an instance and whether it is in the answer.
type Instance struct {
	ID       string            `json:"id,omitempty"`
	Host     string            `json:"host"`
	Port     uint32            `json:"port"`
	SET      string            `json:"set,omitempty"`
	Location location.Location `json:"location"`
	Healthy  bool              `json:"healthy"`
	Isolate  bool              `json:"isolate"`
	Weight   uint32            `json:"weight"` // as sent
	Usable   bool              `json:"usable"`
	// Evacuated is true while an evacuation in force takes the instance out.
	Evacuated bool   `json:"evacuated"`
	Sent      bool   `json:"sent"`
	Chosen    bool   `json:"chosen"`           // by the rule, sent or not
	LeftOut   string `json:"whyNot,omitempty"` // why the instance is not chosen or not sent
	// Ignored says of each name of a SET that the instance registered and that does not
	// count why it does not.
	Ignored []string `json:"ignored,omitempty"`
}
