package timeline

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/polaris-contrib/setrouter/internal/events"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// Codes of events that a Watch notes.
const (
	CodeRulesAdded      = "rules-added"
	CodeRulesEnded      = "rules-ended"
	CodeEvacuationBegun = "evacuation-begun"
	CodeEvacuationEnded = "evacuation-ended"
)

// Watch notes which rules and evacuations come and go. It is safe for concurrent use.
type Watch struct {
	Note func(events.Event) // set before the first use

	mu          sync.Mutex
	begun       bool
	rules       map[string]bool
	evacuations map[string]route.Evacuation // in force, by id
	looked      time.Time
}

// Look looks at the rules in force. The first look notes nothing.
func (w *Watch) Look(rules *route.Rules, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	names, evacuations := map[string]bool{}, map[string]route.Evacuation{}
	for _, r := range rules.All() {
		names[r.Name] = true
	}
	for _, e := range rules.Evacuations(now) {
		evacuations[e.ID()] = e
	}
	if w.begun {
		w.noteRules(CodeRulesEnded, events.SeverityAmber, missing(w.rules, names), now)
		w.noteRules(CodeRulesAdded, events.SeverityInfo, missing(names, w.rules), now)
		for _, id := range missing(w.evacuations, evacuations) {
			w.noteEnd(w.evacuations[id], now)
		}
		for _, id := range missing(evacuations, w.evacuations) {
			w.noteBegin(evacuations[id], now)
		}
	}
	w.begun, w.rules, w.evacuations, w.looked = true, names, evacuations, now
}

// missing returns the keys that are not in another map, sorted.
func missing[T any](keys, others map[string]T) (out []string) {
	for k := range keys {
		if _, ok := others[k]; !ok {
			out = append(out, k)
		}
	}
	slices.Sort(out)
	return out
}

func (w *Watch) noteRules(code, severity string, names []string, now time.Time) {
	if len(names) == 0 {
		return
	}
	list := names[:min(len(names), shown)]
	plain := make([]string, len(list))
	for n, name := range list {
		plain[n] = explain.Plain(name)
	}
	text := fmt.Sprintf("%s %s: %s", count(len(names), "rule", "rules"), map[string]string{CodeRulesAdded: "added", CodeRulesEnded: "ended"}[code], strings.Join(plain, ", "))
	if more := len(names) - len(list); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	w.Note(events.Event{At: now, Code: code, Severity: severity, Text: text, Args: map[string]string{
		"rules": strings.Join(list, ", "), "count": fmt.Sprint(len(names)),
	}})
}

func (w *Watch) noteBegin(e route.Evacuation, now time.Time) {
	at := now
	if e.From.After(w.looked) {
		at = e.From
	}
	w.Note(events.Event{At: at, Code: CodeEvacuationBegun, Severity: events.SeverityAmber,
		Text: fmt.Sprintf("evacuation of %s %s began, until %s: %s", e.Kind(), explain.Plain(e.Place()), e.Until.Format(time.RFC3339), explain.Plain(e.Reason)),
		Args: map[string]string{"evacuation": e.Kind() + ":" + e.Place(), "until": e.Until.Format(time.RFC3339), "reason": e.Reason},
	})
}

func (w *Watch) noteEnd(e route.Evacuation, now time.Time) {
	at, text, early := now, "ended before its time", "true"
	if !e.Until.After(now) {
		at, text, early = e.Until, "ended by its time", "false"
	}
	w.Note(events.Event{At: at, Code: CodeEvacuationEnded, Severity: events.SeverityGood,
		Text: fmt.Sprintf("evacuation of %s %s %s: %s", e.Kind(), explain.Plain(e.Place()), text, explain.Plain(e.Reason)),
		Args: map[string]string{"evacuation": e.Kind() + ":" + e.Place(), "reason": e.Reason, "early": early},
	})
}
