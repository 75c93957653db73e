// Package events keeps what operators want to see on a timeline, for an hour.
package events

import (
	"slices"
	"sync"
	"time"
)

// The bounds of an Log: how long events are kept, and how many.
const (
	MaxAge    = time.Hour
	maxEvents = 1000
)

// Severities of events.
const (
	SeverityGood  = "good"  // something is over
	SeverityInfo  = "info"  // something has changed
	SeverityAmber = "amber" // somebody should know
	SeverityRed   = "red"   // somebody should act
)

// Codes of events. Package timeline has further ones.
const (
	CodeStarted      = "started"
	CodeFilesLoaded  = "files-loaded"
	CodeFilesRefused = "files-refused"
	CodeReloadForced = "reload-forced"
	CodePartLost     = "part-lost" // the store, Redis, another node
	CodePartBack     = "part-back"
	CodeNodeDiffers  = "node-differs" // from the other nodes
	CodeNodeAgrees   = "node-agrees"
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

// Log keeps the events of the last hour. The zero value is ready for use. It is safe
// for concurrent use.
type Log struct {
	mu   sync.Mutex
	list []Event // in the order in which they were noted
	cut  time.Time
}

// Noted are the events of this process.
var Noted Log

// Note keeps an event. The oldest one goes where there are too many.
func (l *Log) Note(e Event) {
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

// Since returns the events that are not older than MaxAge at a time, the oldest first,
// and from when on no event is missing: from where bounds have cut, or MaxAge before.
func (l *Log) Since(now time.Time) (events []Event, since time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	since = now.Add(-MaxAge)
	l.list = slices.DeleteFunc(l.list, func(e Event) bool { return e.At.Before(since) })
	if l.cut.After(since) {
		since = l.cut
	}
	return slices.Clone(l.list), since
}
