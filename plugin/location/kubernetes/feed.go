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

// The resources that the source watches.
const (
	pods  = "pods"
	nodes = "nodes"
)

// feed keeps the records of one resource in the table, in one namespace or in all,
// equal to the store of an informer.
type feed struct {
	resource  string
	namespace string // empty: all namespaces
	contact   contact
	synced    atomic.Bool // the whole first list is in the table

	records records
	mu      sync.Mutex // held from the read of the store to the change of the table
	store   getter
}

// records are the records of one resource and cluster in the table.
type records interface {
	put(obj any)
	remove(key string)
	keys() []string
}

// getter is the part of an informer's store that a feed uses.
type getter interface {
	GetByKey(key string) (item any, exists bool, err error)
}

// sync makes the record with a key equal to the store. Each event calls sync.
// Whatever the order of the events, the last finds the state that remains.
func (f *feed) sync(key string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if obj, exists, err := f.store.GetByKey(key); err == nil && exists {
		f.records.put(obj)
		return
	}
	f.records.remove(key)
}

// hint is the handler of an event: it syncs the object of the event.
func (f *feed) hint(obj any) {
	if key, err := cache.DeletionHandlingMetaNamespaceKeyFunc(obj); err == nil {
		observe.Safely("an event of "+f.resource, func() { f.sync(key) })
	}
}

// sweep removes the records from the copy on disk that the cluster no longer has.
func (f *feed) sweep() {
	for _, key := range f.records.keys() {
		if f.namespace == "" || strings.HasPrefix(key, f.namespace+"/") {
			observe.Safely("a sweep of "+f.resource, func() { f.sync(key) })
		}
	}
	f.synced.Store(true)
}

// run watches the resource until ctx ends.
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
		if !errors.Is(err, io.EOF) && !apierrors.IsResourceExpired(err) { // both are normal ends of a watch
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

// example returns an object of the type that the feed watches.
func (f *feed) example() runtime.Object {
	if f.resource == pods {
		return &corev1.Pod{}
	}
	return &corev1.Node{}
}

// podRecords are the pods of a cluster in the table.
type podRecords struct {
	table   *Table
	cluster string
	reads   keys
	// complain is called for each pod that newly has an invalid SET.
	complain func(p Pod, reason string)
}

func (r podRecords) put(obj any) {
	object := obj.(*corev1.Pod)
	p, ok := r.reads.pod(object)
	if !ok {
		r.remove(object.Namespace + "/" + object.Name)
		return
	}
	if invalid := r.table.PutPod(r.cluster, p); invalid != "" {
		r.complain(p, invalid)
	}
}

func (r podRecords) remove(key string) { r.table.RemovePod(r.cluster, key) }

func (r podRecords) keys() []string { return r.table.PodKeys(r.cluster) }

// nodeRecords are the nodes of a cluster in the table.
type nodeRecords struct {
	table   *Table
	cluster string
	reads   keys
}

func (r nodeRecords) put(obj any) { r.table.PutNode(r.cluster, r.reads.node(obj.(*corev1.Node))) }

func (r nodeRecords) remove(key string) { r.table.RemoveNode(r.cluster, key) }

func (r nodeRecords) keys() []string { return r.table.NodeKeys(r.cluster) }
