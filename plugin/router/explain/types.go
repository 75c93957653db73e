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
	Service  string    `json:"service"`
	Read     string    `json:"read"` // the service really read
	Answer   Answer    `json:"answer"`
	Why      string    `json:"why"`
	Rule     *Rule     `json:"rule,omitempty"`
	Passed   []Passed  `json:"passed"` // the earlier rules, and why they do not match
	RoutedAs *RoutedAs `json:"routedAs,omitempty"`
	SETRule  string    `json:"setRule,omitempty"`
	Tier     string    `json:"tier,omitempty"`
	Tiers    []Step    `json:"tiers,omitempty"`
	Level    string    `json:"level,omitempty"`
	Levels   []Step    `json:"levels,omitempty"`
	Widened  bool      `json:"widened,omitempty"` // onEmpty: all answered
	// HeldUntil is when the caller goes back to a narrower tier or level that is
	// satisfied, if that one stays satisfied.
	HeldUntil *time.Time `json:"heldUntil,omitempty"`
	Revision  string     `json:"revision,omitempty"`
	Sent      int        `json:"sent"` // instances in the answer
	// Instances are the instances that could be in the answer, sent or not.
	Instances []Instance `json:"instances"`
}

// Caller is the caller that asks, with what is known of it.
type Caller struct {
	Address string `json:"address"`
	Facts   []Fact `json:"facts"`
	Text    string `json:"text"` // SET and location in one line
}

// Fact is a field of an identity, with its origin.
type Fact struct {
	Field string `json:"field"`
	Value string `json:"value"`
	From  string `json:"from"` // the origin, that is the following fields, in words
	// Source is mapping, kubernetes, registry, report, default, override or registered.
	Source string `json:"source"`
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Match  string `json:"match,omitempty"` // as the entry has it, or the pod or node
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

// RoutedAs is the SET and location that the caller is routed as.
type RoutedAs struct {
	SET      string            `json:"set"`
	Location location.Location `json:"location"`
}

// Step is a tier or level that was looked at.
type Step struct {
	Name      string `json:"name"`
	Total     int    `json:"total"`
	Usable    int    `json:"usable"`
	Satisfied bool   `json:"satisfied"`
	Why       string `json:"why"`
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
}
