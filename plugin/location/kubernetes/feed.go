package kubernetes

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"

	"github.com/polaris-contrib/setrouter/internal/observe"
)

// The resources that are watched.
const (
	pods  = "pods"
	nodes = "nodes"
)

// feed keeps the table's records of one resource, in one namespace or in all,
// equal to what an informer holds.
type feed struct {
	resource  string
	namespace string // empty: all
	contact   contact
	synced    atomic.Bool // the first list is in the table, whole

	records records
	mu      sync.Mutex // held from the look into the store to the change of the table
	store   getter
}

// records are those of the table that a feed is about.
type records interface {
	put(obj any)
	remove(key string)
	keys() []string
}

// getter is what is asked of an informer's store.
type getter interface {
	GetByKey(key string) (item any, exists bool, err error)
}

// sync makes the record with a key what the store has. Events are hints to call
// it: whatever their order, the last one finds the state that remains.
func (f *feed) sync(key string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if obj, exists, err := f.store.GetByKey(key); err == nil && exists {
		f.records.put(obj)
		return
	}
	f.records.remove(key)
}

func (f *feed) hint(obj any) {
	if key, err := cache.DeletionHandlingMetaNamespaceKeyFunc(obj); err == nil {
		observe.Safely("an event of "+f.resource, func() { f.sync(key) })
	}
}

// sweep removes records that came from a copy on disk and are gone since.
func (f *feed) sweep() {
	for _, key := range f.records.keys() {
		if f.namespace == "" || strings.HasPrefix(key, f.namespace+"/") {
			observe.Safely("a sweep of "+f.resource, func() { f.sync(key) })
		}
	}
	f.synced.Store(true)
}

// run watches until ctx ends.
func (f *feed) run(ctx context.Context, config *rest.Config, selector string, strip cache.TransformFunc) error {
	config = rest.CopyConfig(config)
	config.Wrap(f.contact.wrap)
	client, err := rest.RESTClientFor(config)
	if err != nil {
		return err
	}
	list := cache.NewFilteredListWatchFromClient(client, f.resource, f.namespace, func(o *metav1.ListOptions) {
		if f.resource == pods {
			o.LabelSelector = selector
			o.FieldSelector = "status.phase!=Succeeded,status.phase!=Failed"
		}
	})
	informer := cache.NewSharedIndexInformer(list, f.example(), 0, cache.Indexers{})
	f.store = informer.GetStore()
	if err := informer.SetTransform(strip); err != nil {
		return err
	}
	if err := informer.SetWatchErrorHandlerWithContext(func(_ context.Context, _ *cache.Reflector, err error) {
		if !errors.Is(err, io.EOF) && !apierrors.IsResourceExpired(err) { // a watch that ended, to begin again
			f.contact.failed(err)
		}
	}); err != nil {
		return err
	}
	registration, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    f.hint,
		UpdateFunc: func(_, obj any) { f.hint(obj) },
		DeleteFunc: f.hint,
	})
	if err != nil {
		return err
	}
	var first sync.WaitGroup
	first.Go(func() {
		if cache.WaitForCacheSync(ctx.Done(), registration.HasSynced) {
			f.sweep()
		}
	})
	informer.RunWithContext(ctx)
	first.Wait()
	utilnet.CloseIdleConnectionsFor(client.Client.Transport)
	return nil
}

func (f *feed) example() runtime.Object {
	if f.resource == pods {
		return &corev1.Pod{}
	}
	return &corev1.Node{}
}

// podRecords are the pods of a cluster.
type podRecords struct {
	table   *Table
	cluster string
	keysOf  keys
	// complain is told of each pod that comes to have an invalid SET.
	complain func(p Pod, why string)
}

func (r podRecords) put(obj any) {
	p, ok := r.keysOf.pod(obj.(*corev1.Pod))
	if !ok {
		r.remove(obj.(*corev1.Pod).Namespace + "/" + obj.(*corev1.Pod).Name)
		return
	}
	if why := r.table.PutPod(r.cluster, p); why != "" {
		r.complain(p, why)
	}
}

func (r podRecords) remove(key string) { r.table.RemovePod(r.cluster, key) }

func (r podRecords) keys() []string { return r.table.PodKeys(r.cluster) }

// nodeRecords are the nodes of a cluster.
type nodeRecords struct {
	table   *Table
	cluster string
	keysOf  keys
}

func (r nodeRecords) put(obj any) { r.table.PutNode(r.cluster, r.keysOf.node(obj.(*corev1.Node))) }

func (r nodeRecords) remove(key string) { r.table.RemoveNode(r.cluster, key) }

func (r nodeRecords) keys() []string { return r.table.NodeKeys(r.cluster) }
