package caller

import (
	"testing"

	"github.com/polarismesh/polaris/common/eventhub"
	"github.com/polarismesh/polaris/common/model"
)

// A bug in an event of the server's caches does not take the server down: the
// hub calls whoever listens in a goroutine that nobody guards.
func TestFaultInEvent(t *testing.T) {
	eventhub.InitEventHub()
	seen := make(chan string)
	err := subscribe(eventhub.CacheInstanceEventTopic, func(e *eventhub.CacheInstanceEvent) { seen <- e.Instance.ID() })
	if err != nil {
		t.Fatal(err)
	}
	for _, event := range []any{"of another type", &eventhub.CacheInstanceEvent{}, &eventhub.CacheInstanceEvent{Instance: &model.Instance{}}} {
		if err := eventhub.Publish(eventhub.CacheInstanceEventTopic, event); err != nil {
			t.Fatal(err)
		}
	}
	if id := <-seen; id != "" {
		t.Errorf("instance %q", id)
	}
}
