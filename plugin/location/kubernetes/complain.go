package kubernetes

import (
	"context"
	"fmt"
	"hash/fnv"
	"sync"
	"time"

	"golang.org/x/time/rate"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
)

// Bounds of the Events that the server writes to a cluster. The complainer drops
// complaints that do not fit into the queue; the status has them all the same.
const (
	eventsPerSecond = 1
	eventsAtOnce    = 10
	eventsQueued    = 1000
)

// complaint is a pod with an invalid SET, and the reason.
type complaint struct {
	pod    Pod
	reason string
}

// complainer writes Events on pods. Events that say the same have the same name, so
// that several servers, or a server that starts again, write one.
type complainer struct {
	queue chan complaint
	mu    sync.Mutex
	err   error // of the last attempt to write an Event; nil after a success
}

func newComplainer() *complainer { return &complainer{queue: make(chan complaint, eventsQueued)} }

// complain queues a complaint, and drops it if the queue is full.
func (c *complainer) complain(p Pod, reason string) {
	select {
	case c.queue <- complaint{p, reason}:
	default:
	}
}

// lastError returns the error of the last attempt to write an Event.
func (c *complainer) lastError() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// run writes the queued complaints until ctx ends.
func (c *complainer) run(ctx context.Context, client rest.Interface) {
	limit := rate.NewLimiter(eventsPerSecond, eventsAtOnce)
	for limit.Wait(ctx) == nil {
		select {
		case <-ctx.Done():
			return
		case next := <-c.queue:
			err := client.Post().Namespace(next.pod.Namespace).Resource("events").Body(next.event(time.Now())).Do(ctx).Error()
			if apierrors.IsAlreadyExists(err) {
				err = nil
			}
			if err != nil {
				err = fmt.Errorf("events on pods with an invalid SET: %w", err)
			}
			c.mu.Lock()
			c.err = err
			c.mu.Unlock()
		}
	}
}

// event returns the Event that says the complaint.
func (c complaint) event(now time.Time) *corev1.Event {
	hash := fnv.New64a()
	fmt.Fprint(hash, c.pod.UID, c.pod.SETKey, c.pod.SET)
	timestamp := metav1.NewTime(now)
	return &corev1.Event{
		ObjectMeta:     metav1.ObjectMeta{Namespace: c.pod.Namespace, Name: fmt.Sprintf("%.200s.%x", c.pod.Name, hash.Sum64())},
		InvolvedObject: c.pod.object(),
		Type:           corev1.EventTypeWarning,
		Reason:         "InvalidSET",
		Message:        fmt.Sprintf("%s: %s; the pod is routed as one without a SET", c.pod.SETKey, c.reason),
		Source:         corev1.EventSource{Component: "setrouter"},
		FirstTimestamp: timestamp, LastTimestamp: timestamp, Count: 1,
	}
}
