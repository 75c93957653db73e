package events

import (
	"fmt"
	"testing"
	"time"
)

func TestLog(t *testing.T) {
	now := time.Date(2026, 12, 1, 4, 0, 0, 0, time.UTC)
	var l Log
	if list, since := l.Since(now); len(list) != 0 || !since.Equal(now.Add(-time.Hour)) {
		t.Errorf("an empty log has %d events since %v", len(list), since)
	}
	l.Note(Event{At: now.Add(-time.Hour - time.Second), Code: "old"})
	l.Note(Event{At: now.Add(-time.Hour), Code: "young"})
	list, _ := l.Since(now)
	if len(list) != 1 || list[0].Code != "young" || list[0].Args == nil {
		t.Errorf("%+v, expected the young one", list)
	}
	for n := range maxEvents + 5 {
		l.Note(Event{At: now.Add(time.Duration(n) * time.Millisecond), Code: fmt.Sprint(n)})
	}
	list, since := l.Since(now.Add(time.Minute))
	if len(list) != maxEvents || list[0].Code != "5" || !since.Equal(now.Add(4*time.Millisecond)) {
		t.Errorf("%d events from %q since %v, expected the last %d, and to know what is missing", len(list), list[0].Code, since, maxEvents)
	}
}
