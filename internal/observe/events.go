package observe

import (
	"slices"
	"sync"
	"time"
)

// The bounds of an EventLog: how long events are kept, and how many.
const (
	EventAge  = time.Hour
	maxEvents = 1000
)

// Severities of events.
const (
	SeverityGood  = "good"  // something is over
	SeverityInfo  = "info"  // something has changed
	SeverityAmber = "amber" // somebody should know
	SeverityRed   = "red"   // somebody should act
)

// Codes of events of this package's callers. Package timeline has further ones.
const (
	CodeStarted      = "started"
	CodeFilesLoaded  = "files-loaded"
	CodeFilesRefused = "files-refused"
	CodeReloadForced = "reload-forced"
	CodePartLost     = "part-lost" // the store, Redis, another node
	CodePartBack     = "part-back"
)

// Event is something that operators want to see on a timeline. It is immutable.
type Event struct {
	At       time.Time `json:"at"`
	Code     string    `json:"code"`     // docs/openapi.yaml lists them
	Severity string    `json:"severity"` // good, info, amber or red
	Text     string    `json:"text"`     // a sentence
	// Args are what the sentence says, by the names in docs/openapi.yaml, for a reader in
	// another language.
	Args map[string]string `json:"args"`
}

// EventLog keeps the events of the last hour. The zero value is ready for use. It is safe
// for concurrent use.
type EventLog struct {
	mu   sync.Mutex
	list []Event // in the order in which they were noted
	cut  time.Time
}

// Events are the events of this process.
var Events EventLog

// Note keeps an event. The oldest one goes where there are too many.
func (l *EventLog) Note(e Event) {
	if e.Args == nil {
		e.Args = map[string]string{}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.list) >= maxEvents {
		l.cut = l.list[0].At
		l.list = slices.Delete(l.list, 0, 1)
	}
	l.list = append(l.list, e)
}

// Since returns the events that are not older than EventAge at a time, the oldest first,
// and from when on no event is missing: from where bounds have cut, or EventAge before.
func (l *EventLog) Since(now time.Time) (events []Event, since time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	since = now.Add(-EventAge)
	l.list = slices.DeleteFunc(l.list, func(e Event) bool { return e.At.Before(since) })
	if l.cut.After(since) {
		since = l.cut
	}
	return slices.Clone(l.list), since
}
