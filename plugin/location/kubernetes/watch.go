package kubernetes

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/polaris-contrib/setrouter/internal/serverconfig"
)

// watched is a cluster that the source follows.
type watched struct {
	serverconfig.Cluster
	table *Table
	keys  keys
	rest  *rest.Config
	feeds []*feed
	// complainer is nil if the source writes no Events.
	complainer *complainer
	// workloads is nil if the source does not look for workloads.
	workloads *workloads

	file    string // the copy on disk; empty: no copy
	options string // the options under which the copy is valid
	// restored is the time in the copy that the source started with; zero: the
	// source started without a copy.
	restored time.Time
	mu       sync.Mutex
	diskErr  error // of the last use of the copy; guarded by mu
}

// newWatched returns a cluster to follow. It reads the configuration, and does not
// speak to the API server.
func newWatched(c serverconfig.Cluster, k *serverconfig.Kubernetes, table *Table) (*watched, error) {
	w := &watched{Cluster: c, table: table, keys: keysOf(c, k)}
	if _, err := labels.Parse(c.PodSelector); err != nil {
		return nil, fmt.Errorf("podSelector %q: %w", c.PodSelector, err)
	}
	var err error
	if w.rest, err = restConfig(c); err != nil {
		return nil, err
	}
	complain := func(Pod, string) {}
	if k.Events {
		w.complainer = newComplainer()
		complain = w.complainer.complain
	}
	namespaces := c.Namespaces
	if len(namespaces) == 0 {
		namespaces = []string{""}
	}
	if k.Workloads && k.SETLabel != "" {
		w.workloads = &workloads{keys: w.keys, namespaces: namespaces}
	}
	for _, namespace := range namespaces {
		records := podRecords{table, c.Name, w.keys, complain}
		w.feeds = append(w.feeds, &feed{resource: pods, namespace: namespace, records: records})
	}
	w.feeds = append(w.feeds, &feed{resource: nodes, records: nodeRecords{table, c.Name, w.keys}})
	if k.Snapshot != "" {
		w.file = filepath.Join(k.Snapshot, c.Name+".json")
		if w.options, err = copyOptions(c, k, w.rest); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// copyOptions returns a text of all options that change the records of a cluster. A
// copy on disk is valid under the same text only.
func copyOptions(c serverconfig.Cluster, k *serverconfig.Kubernetes, config *rest.Config) (string, error) {
	authority := sha256.Sum256(config.CAData)
	text, err := json.Marshal([]any{
		k.SETLabel, k.SETAnnotation, k.PlacesOf(c), k.Labels, c.Namespaces, c.PodSelector, config.Host, config.CAFile, authority[:],
	})
	return string(text), err
}

// restConfig returns the client configuration for the API server. It knows pods,
// nodes and events only, so that the types of all other resources are not in the
// binary.
func restConfig(c serverconfig.Cluster) (*rest.Config, error) {
	var config *rest.Config
	var err error
	if c.Kubeconfig == "" {
		if config, err = rest.InClusterConfig(); err != nil {
			return nil, fmt.Errorf("no kubeconfig is given, expected one, or the server to run in the cluster: %w", err)
		}
	} else {
		rules := &clientcmd.ClientConfigLoadingRules{ExplicitPath: c.Kubeconfig}
		overrides := &clientcmd.ConfigOverrides{CurrentContext: c.Context}
		if config, err = clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, overrides).ClientConfig(); err != nil {
			return nil, fmt.Errorf("kubeconfig %q: %w", c.Kubeconfig, err)
		}
	}
	scheme := runtime.NewScheme()
	if err := corev1.AddToScheme(scheme); err != nil {
		return nil, err
	}
	metav1.AddToGroupVersion(scheme, corev1.SchemeGroupVersion)
	config.APIPath, config.GroupVersion = "/api", &corev1.SchemeGroupVersion
	config.NegotiatedSerializer = serializer.NewCodecFactory(scheme).WithoutConversion()
	config.ContentType = runtime.ContentTypeProtobuf
	config.UserAgent = "setrouter"
	return config, nil
}

// run keeps the table equal to the cluster until ctx ends.
func (w *watched) run(ctx context.Context, interval, lookInterval time.Duration) error {
	client, err := rest.RESTClientFor(w.rest)
	if err != nil {
		return err
	}
	var all sync.WaitGroup
	errs := make(chan error, len(w.feeds))
	for _, f := range w.feeds {
		all.Go(func() { errs <- f.run(ctx, w.rest, w.PodSelector, w.keys.strip) })
	}
	if w.complainer != nil {
		all.Go(func() { w.complainer.run(ctx, client) })
	}
	if w.workloads != nil {
		all.Go(func() { w.workloads.run(ctx, client, lookInterval) })
	}
	all.Go(func() { w.keepCopy(ctx, interval) })
	all.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// synced reports whether the API server has sent every record to this process.
func (w *watched) synced() bool {
	for _, f := range w.feeds {
		if !f.synced.Load() {
			return false
		}
	}
	return true
}
