package kubernetes

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/rest"

	"github.com/polaris-contrib/setrouter/internal/serverconfig"
)

// looker returns workloads that ask a server, which answers by the path and the token to
// continue.
func looker(t *testing.T, answers map[string]string, namespaces ...string) *workloads {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, ok := answers[r.URL.Path+r.FormValue("continue")]
		switch {
		case r.FormValue("labelSelector") != "set-group":
			http.Error(w, "no selector", http.StatusBadRequest)
		case ok:
			fmt.Fprint(w, text)
		default:
			fmt.Fprint(w, `{"items": []}`)
		}
	}))
	t.Cleanup(server.Close)
	k := &serverconfig.Kubernetes{SETLabel: "set-group", SETAnnotation: "set", Workloads: true}
	watched, err := newWatched(serverconfig.Cluster{Name: "bj", Kubeconfig: kubeconfigFor(t, server.URL), Namespaces: namespaces}, k, NewTable())
	if err != nil {
		t.Fatal(err)
	}
	client, err := rest.RESTClientFor(watched.rest)
	if err != nil {
		t.Fatal(err)
	}
	watched.workloads.look(context.Background(), client)
	return watched.workloads
}

func workloadJSON(name, set, template string) string {
	return fmt.Sprintf(`{"metadata": {"namespace": "app", "name": %q, "labels": {"set-group": %q}}, "spec": {"template": {"metadata": %s}}}`, name, set, template)
}

func TestWorkloads(t *testing.T) {
	const none, end = `{"labels": {"app": "x"}}`, "; expected the label in spec.template.metadata.labels"
	const deployments = "/apis/apps/v1/deployments"
	items := func(list ...string) string { return `{"items": [` + strings.Join(list, ",") + `]}` }
	var many []string
	for n := range 7 {
		many = append(many, workloadJSON(fmt.Sprint("d", n), "a.b.c", none))
	}
	for _, tt := range []struct {
		name    string
		answers map[string]string
		want    []string
	}{
		{"nothing", nil, nil},
		{"in the template too, as label or as annotation", map[string]string{deployments: items(
			workloadJSON("d", "a.b.c", `{"labels": {"set-group": "a.b.d"}}`), workloadJSON("e", "a.b.c", `{"annotations": {"set": "a.b.*"}}`))}, nil},
		{"each kind", map[string]string{
			deployments:                   items(workloadJSON("d", "a.b.c", none)),
			"/apis/apps/v1/statefulsets":  items(workloadJSON("s", "a.b.c", none)),
			"/apis/apps/v1/daemonsets":    items(workloadJSON("e", "a.b.c", `{}`)),
			"/apis/apps/v1/replicasets":   items(workloadJSON("no", "a.b.c", none)),
			"/apis/apps/v1/otherworkload": items(workloadJSON("no", "a.b.c", none)),
		}, []string{"label set-group is on the workload only, and its pods have no SET: DaemonSet app/e (a.b.c), Deployment app/d (a.b.c), StatefulSet app/s (a.b.c)" + end}},
		{"several answers", map[string]string{
			deployments:          `{"metadata": {"continue": "next"}, "items": [` + workloadJSON("d", "a.b.c", none) + `]}`,
			deployments + "next": items(workloadJSON("e", "a.b.c", none)),
		}, []string{"label set-group is on the workload only, and its pods have no SET: Deployment app/d (a.b.c), Deployment app/e (a.b.c)" + end}},
		{"many", map[string]string{deployments: items(many...)}, []string{"label set-group is on the workload only, and its pods have no SET: Deployment app/d0 (a.b.c), Deployment app/d1 (a.b.c), " +
			"Deployment app/d2 (a.b.c), Deployment app/d3 (a.b.c), Deployment app/d4 (a.b.c) and 2 more" + end}},
		{"no JSON", map[string]string{deployments: "<html>"}, []string{
			"workloads whose pods have no SET are not looked for (workloads: false ends this): the API server's answer to /apis/apps/v1/deployments: invalid character '<' looking for beginning of value"}},
	} {
		if diff := cmp.Diff(tt.want, looker(t, tt.answers).problems()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
	got := looker(t, map[string]string{"/apis/apps/v1/namespaces/b/deployments": items(workloadJSON("d", "a.b.c", none))}, "a", "b").problems()
	if len(got) != 1 {
		t.Errorf("in namespace b: %q, want one problem", got)
	}
	refused := looker(t, map[string]string{deployments: "<html>"}).problems()[0]
	begin, _, _ := strings.Cut(refused, ": the API server's")
	if page, err := os.ReadFile("../../../docs/upgrade.md"); err != nil || !strings.Contains(string(page), begin+": ") {
		t.Errorf("docs/upgrade.md does not have %q, %v", begin, err)
	}
}
