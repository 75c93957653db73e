//go:build kubernetes

package kubernetes

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/polaris-contrib/setrouter/internal/test/kubetest"
	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// object is what a test needs to know of a manifest.
type object struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string `yaml:"kind"`
	Metadata   struct {
		Name      string `yaml:"name"`
		Namespace string `yaml:"namespace"`
	} `yaml:"metadata"`
	Spec struct {
		Template map[string]any `yaml:"template"`
	} `yaml:"spec"`

	text string
}

func (o object) String() string { return o.Kind + " " + o.Metadata.Name }

// objects are the documents of a rendering.
func objects(t *testing.T, text string) []object {
	t.Helper()
	out := documents(t, text)
	if len(out) < 5 {
		t.Fatalf("only %v was rendered", out)
	}
	return out
}

func documents(t *testing.T, text string) (out []object) {
	t.Helper()
	for _, doc := range strings.Split("\n"+text, "\n---\n") {
		doc += "\n"
		o := object{text: doc}
		if err := yaml.Unmarshal([]byte(doc), &o); err != nil {
			t.Fatalf("%v in\n%s", err, doc)
		}
		if o.Kind != "" {
			out = append(out, o)
		}
	}
	return out
}

func find(t *testing.T, all []object, kind string) object {
	t.Helper()
	for _, o := range all {
		if o.Kind == kind {
			return o
		}
	}
	t.Fatalf("no %s in %v", kind, all)
	return object{}
}

// tool runs a tool of scripts/tools.
func tool(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command("go", append([]string{"-C", "../../scripts/tools", "tool"}, args...)...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v: %s", args, err, errs.String())
	}
	return string(out)
}

func here(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(name)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// api speaks to the API server with a token.
type api struct {
	url, token string
}

var insecure = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}

// call returns the status, the body, and what the API server warns of.
func (a api) call(t *testing.T, method, path, contentType, body string) (status int, answer string, warnings []string) {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, a.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+a.token)
	req.Header.Set("Content-Type", contentType)
	resp, err := insecure.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text), resp.Header.Values("Warning")
}

// The path of each kind that the manifests have; %s is the namespace.
var paths = map[string]string{
	"v1 Namespace":                                    "/api/v1/namespaces",
	"v1 ServiceAccount":                               "/api/v1/namespaces/%s/serviceaccounts",
	"v1 ConfigMap":                                    "/api/v1/namespaces/%s/configmaps",
	"v1 Service":                                      "/api/v1/namespaces/%s/services",
	"v1 Pod":                                          "/api/v1/namespaces/%s/pods",
	"apps/v1 StatefulSet":                             "/apis/apps/v1/namespaces/%s/statefulsets",
	"apps/v1 Deployment":                              "/apis/apps/v1/namespaces/%s/deployments",
	"policy/v1 PodDisruptionBudget":                   "/apis/policy/v1/namespaces/%s/poddisruptionbudgets",
	"networking.k8s.io/v1 NetworkPolicy":              "/apis/networking.k8s.io/v1/namespaces/%s/networkpolicies",
	"rbac.authorization.k8s.io/v1 ClusterRole":        "/apis/rbac.authorization.k8s.io/v1/clusterroles",
	"monitoring.coreos.com/v1 ServiceMonitor":         "/apis/monitoring.coreos.com/v1/namespaces/%s/servicemonitors",
	"monitoring.coreos.com/v1 PrometheusRule":         "/apis/monitoring.coreos.com/v1/namespaces/%s/prometheusrules",
	"rbac.authorization.k8s.io/v1 ClusterRoleBinding": "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
}

const (
	forReal = "?fieldValidation=Strict"
	dryRun  = forReal + "&dryRun=All"
)

// path is where the objects of an object's kind are.
func (a api) path(t *testing.T, o object) string {
	t.Helper()
	path, known := paths[o.APIVersion+" "+o.Kind]
	if !known {
		t.Fatalf("where is a %s %s created?", o.APIVersion, o.Kind)
	}
	if strings.Contains(path, "%s") {
		path = fmt.Sprintf(path, o.Metadata.Namespace)
	}
	return path
}

// create creates an object, or tells why the API server does not.
func (a api) create(t *testing.T, o object, query string) (problems []string) {
	t.Helper()
	status, answer, warnings := a.call(t, http.MethodPost, a.path(t, o)+query, "application/yaml", o.text)
	if status != http.StatusCreated {
		problems = append(problems, fmt.Sprintf("%s: %d %s", o, status, answer))
	}
	for _, w := range warnings {
		problems = append(problems, fmt.Sprintf("%s: %s", o, w))
	}
	return problems
}

// pod is what a StatefulSet's controller would create: unlike the StatefulSet,
// it is refused when it breaks the namespace's Pod Security Standard.
func pod(t *testing.T, of object) object {
	t.Helper()
	template := of.Spec.Template
	template["apiVersion"], template["kind"] = "v1", "Pod"
	template["metadata"].(map[string]any)["name"] = of.Metadata.Name + "-0"
	spec := template["spec"].(map[string]any)
	volumes := spec["volumes"].([]any)
	isData := func(v any) bool { return v.(map[string]any)["name"] == "data" }
	if !slices.ContainsFunc(volumes, isData) { // a claim, which the controller puts in
		spec["volumes"] = append(volumes, map[string]any{"name": "data", "emptyDir": map[string]any{}})
	}
	text, err := json.Marshal(template)
	if err != nil {
		t.Fatal(err)
	}
	out := object{APIVersion: "v1", Kind: "Pod", text: string(text)}
	out.Metadata.Name, out.Metadata.Namespace = of.Metadata.Name+"-0", of.Metadata.Namespace
	return out
}

func cluster(t *testing.T) (*kubetest.Cluster, api) {
	t.Helper()
	c, err := kubetest.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Stop() })
	return c, api{c.URL, kubetest.Token}
}

// Every object of the overlays is what a real API server takes, without a
// warning, and the pods keep to the Pod Security Standard `restricted`.
func TestKubernetesTakesTheManifests(t *testing.T) {
	_, a := cluster(t)
	for _, overlay := range []string{"single", "cluster"} {
		all := objects(t, tool(t, "kustomize", "build", here(t, "overlays/"+overlay)))
		if overlay == "single" { // where the others go
			for _, problem := range a.create(t, find(t, all, "Namespace"), forReal) {
				t.Fatal(problem)
			}
		}
		for _, o := range append(all, pod(t, find(t, all, "StatefulSet"))) {
			if o.Kind == "Namespace" {
				continue
			}
			for _, problem := range a.create(t, o, dryRun) {
				t.Errorf("%s: %s", overlay, problem)
			}
		}
		// Would it say so?
		bad := pod(t, find(t, all, "StatefulSet"))
		for from, to := range map[string]string{
			`"runAsNonRoot":true`:           `"runAsNonRoot":false`,
			`"terminationGracePeriodSecond`: `"terminationGracePeriodSekond`,
		} {
			broken := bad
			if broken.text = strings.Replace(bad.text, from, to, 1); broken.text == bad.text {
				t.Fatalf("no %s in %s", from, bad.text)
			}
			if problems := a.create(t, broken, dryRun); len(problems) == 0 {
				t.Errorf("%s: a pod with %s is taken", overlay, to)
			}
		}
	}
}

// The service account may do what the source `kubernetes` does, and no more. A
// server with the configuration of the manifests follows the cluster by it.
func TestKubernetesAllowsTheSourceOnly(t *testing.T) {
	c, a := cluster(t)
	all := objects(t, tool(t, "kustomize", "build", here(t, "overlays/single")))
	for _, kind := range []string{"Namespace", "ServiceAccount", "ClusterRole", "ClusterRoleBinding"} {
		for _, problem := range a.create(t, find(t, all, kind), forReal) {
			t.Fatal(problem)
		}
	}
	status, answer, _ := a.call(t, http.MethodPost, "/api/v1/namespaces/polaris/serviceaccounts/polaris/token", "application/json", `{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{}}`)
	var token struct {
		Status struct{ Token string }
	}
	if err := json.Unmarshal([]byte(answer), &token); status != http.StatusCreated || err != nil {
		t.Fatal(status, answer, err)
	}
	server := api{a.url, token.Status.Token}
	const event = `{"apiVersion":"v1","kind":"Event","metadata":{"name":"e","namespace":"default"},"involvedObject":{"kind":"Pod","name":"p","namespace":"default"},"reason":"InvalidSET","type":"Warning"}`
	for _, try := range []struct {
		method, path, body string
		want               int
	}{
		{"GET", "/api/v1/pods", "", 200},
		{"GET", "/api/v1/pods?watch=true&timeoutSeconds=1", "", 200},
		{"GET", "/api/v1/nodes", "", 200},
		{"POST", "/api/v1/namespaces/default/events", event, 201},
		{"GET", "/apis/apps/v1/deployments", "", 200},
		{"GET", "/apis/apps/v1/statefulsets", "", 200},
		{"GET", "/apis/apps/v1/daemonsets", "", 200},
		{"GET", "/apis/apps/v1/deployments?watch=true&timeoutSeconds=1", "", 403},
		{"GET", "/apis/apps/v1/replicasets", "", 403},
		{"GET", "/api/v1/events", "", 403},
		{"GET", "/api/v1/secrets", "", 403},
		{"GET", "/api/v1/namespaces/polaris/configmaps", "", 403},
		{"GET", "/api/v1/namespaces/default/pods/p/log", "", 403},
		{"DELETE", "/api/v1/namespaces/default/pods/p", "", 403},
		{"POST", "/api/v1/namespaces/default/pods", "{}", 403},
		{"PATCH", "/api/v1/nodes/n", "{}", 403},
	} {
		if status, answer, _ := server.call(t, try.method, try.path, "application/json", try.body); status != try.want {
			t.Errorf("%s %s: %d, want %d: %s", try.method, try.path, status, try.want, answer)
		}
	}

	kubeconfig, err := c.WriteKubeconfig("server", server.token)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("POD_IP", "127.0.0.1")
	s := start(t, read(t, "overlays/single/polaris-server.yaml"), kubeconfig)
	polaristest.Wait(t, func() error {
		out := command(t, setctlBinary, "status", "--server", s.AdminURL, "-o", "json")
		var status struct {
			Kubernetes struct {
				Clusters []struct {
					State    string
					Problems []string
				}
			}
		}
		if err := json.Unmarshal([]byte(out), &status); err != nil {
			t.Fatal(err)
		}
		if clusters := status.Kubernetes.Clusters; len(clusters) == 1 && clusters[0].State == "live" && len(clusters[0].Problems) == 0 {
			return nil
		}
		return fmt.Errorf("the cluster is not followed: %s", out)
	})
}
