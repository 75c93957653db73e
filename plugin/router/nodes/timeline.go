package nodes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/polaris-contrib/setrouter/internal/clock"
	"github.com/polaris-contrib/setrouter/internal/events"
	"github.com/polaris-contrib/setrouter/plugin/router"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
	"github.com/polaris-contrib/setrouter/plugin/router/timeline"
)

const (
	// maxTimelineAnswer bounds what is read of a node's answer.
	maxTimelineAnswer = 1 << 22
	// maxEventText bounds a text of an event, in bytes.
	maxEventText = 4000

	// timelineText is what the proof of the question is of.
	timelineText = "timeline"
)

// Timeline returns what this node knows of the last hour.
func Timeline(s *router.Server) api.Timeline {
	now := s.Now()
	noted, since := events.Noted.Since(now)
	if started := clock.AsOf(now, s.Started()); started.After(since) {
		since = started
	}
	return timeline.New(selfAddress(), now, since, noted, s.Changes(""))
}

// TimelineOfAll returns what all nodes know of the last hour. Notes say of which nodes
// these are not the events, as for CallersNow. TimelineOfAll takes 2 s at most.
func TimelineOfAll(ctx context.Context, s *router.Server) api.Timeline {
	t := Timeline(s)
	list, q, note := othersOf(s)
	if note != "" {
		t.Notes = append(t.Notes, note)
	}
	t.Notes = append(t.Notes, gather(list, func(n api.Node) (told, error) { return q.timeline(ctx, n.Address) },
		func(other told) { timeline.Add(&t, other.Events) })...)
	return t
}

// told is the events of a node as they go to another one.
type told struct {
	Events []api.Event `json:"events"`
}

func (q question) timeline(ctx context.Context, address string) (t told, err error) {
	if err := q.ask(ctx, address, TimelineMethod, timelineText, maxTimelineAnswer, &t); err != nil {
		return t, err
	}
	for n := range t.Events {
		t.Events[n].Nodes = []string{address} // whatever it says
	}
	return t, nil
}

// severities are all that events can have.
var severities = []string{events.SeverityGood, events.SeverityInfo, events.SeverityAmber, events.SeverityRed}

// Check returns an error for an answer that no node would give.
func (t *told) Check() error {
	if len(t.Events) > timeline.MaxEvents {
		return fmt.Errorf("it has %d events", len(t.Events))
	}
	for _, e := range t.Events {
		if !slices.Contains(severities, e.Severity) {
			return errors.New("an event of a severity that there is not")
		}
		if len(e.Text) > maxEventText || len(e.Code) > maxEventText {
			return errors.New("a text of an event is too long")
		}
		if e.Args == nil || e.Services == nil || e.Callers == nil {
			return errors.New("an event is not whole")
		}
	}
	return nil
}

// timelineTeller answers for the events of this node.
type timelineTeller struct {
	verifier *verifier
	now      func() time.Time
	timeline func() api.Timeline
}

func (t timelineTeller) answer(message []byte) (*wrapperspb.BytesValue, error) {
	if err := t.verifier.admit(message, timelineText, t.now()); err != nil {
		return nil, err
	}
	all := t.timeline()
	timeline.Cut(&all, timeline.MaxEvents)
	data, err := json.Marshal(told{all.Events})
	return wrapperspb.Bytes(data), err
}
