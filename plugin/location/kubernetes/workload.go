package kubernetes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/polaris-contrib/setrouter/internal/observe"
)

// workloadInterval is how often the source looks for workloads whose pods lack their SET.
// Nothing depends on the result but the status.
const workloadInterval = time.Minute

// Bounds of one look: the workloads of one answer, and those that the status names.
const (
	workloadsAtOnce = 500
	maxWorkloads    = 5
)

// workloadKinds are the kinds that make pods by a template.
var workloadKinds = []struct{ word, resource string }{
	{"Deployment", "deployments"}, {"StatefulSet", "statefulsets"}, {"DaemonSet", "daemonsets"},
}

// workloads looks for Deployments and their like that have the label of the SET while
// their pods have none: the label stands beside the template, not in it.
type workloads struct {
	keys       keys
	namespaces []string // one empty name: all
	mu         sync.Mutex
	found      string // what the last whole look found, in words; empty: nothing
	err        error  // of the last look
}

// problems returns what the last look found, and its error.
func (w *workloads) problems() (out []string) {
	if w == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.found != "" {
		out = append(out, w.found)
	}
	if w.err != nil {
		out = append(out, w.err.Error())
	}
	return out
}

// run looks, and looks again after each interval, until ctx ends.
func (w *workloads) run(ctx context.Context, client rest.Interface, interval time.Duration) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		observe.Safely("a look at workloads", func() { w.look(ctx, client) })
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// look asks the API server once for each kind and namespace. After an error the result of
// the last whole look stays.
func (w *workloads) look(ctx context.Context, client rest.Interface) {
	var found []string
	var err error
	for _, kind := range workloadKinds {
		for _, namespace := range w.namespaces {
			if err == nil {
				found, err = w.list(ctx, client, kind.word, workloadsPath(namespace, kind.resource), found)
			}
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.err = nil
	if err != nil {
		w.err = fmt.Errorf("workloads whose pods have no SET are not looked for (workloads: false ends this): %w", err)
		return
	}
	w.found = w.text(found)
}

func workloadsPath(namespace, resource string) string {
	if namespace == "" {
		return "/apis/apps/v1/" + resource
	}
	return "/apis/apps/v1/namespaces/" + namespace + "/" + resource
}

// metadata is what a look reads of a workload and of its template.
type metadata struct {
	Namespace   string            `json:"namespace"`
	Name        string            `json:"name"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

// workloadList is an answer of the API server. The types of k8s.io/api/apps are not in
// the binary for these few fields.
type workloadList struct {
	Metadata struct {
		Continue string `json:"continue"`
	} `json:"metadata"`
	Items []struct {
		Metadata metadata `json:"metadata"`
		Spec     struct {
			Template struct {
				Metadata metadata `json:"metadata"`
			} `json:"template"`
		} `json:"spec"`
	} `json:"items"`
}

// list appends to found the workloads of one kind whose pods lack their SET.
func (w *workloads) list(ctx context.Context, client rest.Interface, kind, path string, found []string) ([]string, error) {
	for next := ""; ; {
		request := client.Get().AbsPath(path).SetHeader("Accept", "application/json").Timeout(workloadInterval/2).
			Param("labelSelector", w.keys.setLabel).Param("limit", fmt.Sprint(workloadsAtOnce))
		if next != "" {
			request.Param("continue", next)
		}
		text, err := request.DoRaw(ctx)
		if err != nil {
			return found, refusal(text, err)
		}
		var answer workloadList
		if err := json.Unmarshal(text, &answer); err != nil {
			return found, fmt.Errorf("the API server's answer to %s: %w", path, err)
		}
		for _, item := range answer.Items {
			own, template := item.Metadata, item.Spec.Template.Metadata
			set := own.Labels[w.keys.setLabel]
			if set != "" && template.Labels[w.keys.setLabel] == "" && template.Annotations[w.keys.setAnnotation] == "" {
				found = append(found, fmt.Sprintf("%s %s/%s (%s)", kind, own.Namespace, own.Name, set))
			}
		}
		if next = answer.Metadata.Continue; next == "" {
			return found, nil
		}
	}
}

// refusal returns the message of an answer that refuses; of another answer it returns err.
// DoRaw does not read the message of an answer in JSON.
func refusal(text []byte, err error) error {
	var status metav1.Status
	if json.Unmarshal(text, &status) == nil && status.Message != "" {
		return errors.New(status.Message)
	}
	return err
}

// text says what was found; empty for nothing.
func (w *workloads) text(found []string) string {
	if len(found) == 0 {
		return ""
	}
	slices.Sort(found)
	names, more := strings.Join(found[:min(len(found), maxWorkloads)], ", "), ""
	if len(found) > maxWorkloads {
		more = fmt.Sprintf(" and %d more", len(found)-maxWorkloads)
	}
	return fmt.Sprintf("label %s is on the workload only, and its pods have no SET: %s%s; expected the label in spec.template.metadata.labels", w.keys.setLabel, names, more)
}
