//go:build kubernetes

package kubernetes

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/polaris-contrib/setrouter/internal/test/kubetest"
)

// adopt tells Helm that an object of the manifests is the release's, as docs/helm.md says.
func (a api) adopt(t *testing.T, o object) {
	t.Helper()
	const patch = `{"metadata":{"labels":{"app.kubernetes.io/managed-by":"Helm"},"annotations":{"meta.helm.sh/release-name":"polaris","meta.helm.sh/release-namespace":"polaris"}}}`
	if status, answer, _ := a.call(t, http.MethodPatch, a.path(t, o)+"/"+o.Metadata.Name, "application/merge-patch+json", patch); status != http.StatusOK {
		t.Fatal(status, answer)
	}
}

// From the manifests to a release: by labels and annotations, and by Helm's own option. The
// StatefulSet and the Services stay the same objects; back and away from there as well.
func TestKubernetesManifestsBecomeARelease(t *testing.T) {
	for version := range helms {
		for _, mode := range []string{"single", "cluster"} {
			t.Run(version+"/"+mode, func(t *testing.T) {
				c, a := cluster(t)
				all := objects(t, tool(t, "kustomize", "build", here(t, "overlays/"+mode)))
				namespace := find(t, all, "Namespace")
				all = slices.DeleteFunc(all, func(o object) bool { return o.Kind == "Namespace" })
				all = slices.Insert(all, 0, namespace)
				for _, o := range all {
					for _, problem := range a.create(t, o, forReal) {
						t.Fatal(problem)
					}
				}
				const files = "mapping: {existingConfigMap: polaris-mapping}\nrouting: {existingConfigMap: polaris-routing}\n"
				values := valuesOf(t, files+map[string]string{"single": singleValues, "cluster": clusterValues}[mode])
				becomes(t, c, a, version, values, mode == "single", all)
			})
		}
	}
}

func becomes(t *testing.T, c *kubetest.Cluster, a api, version, values string, byHand bool, all []object) {
	t.Helper()
	install := []string{"install", "polaris", here(t, ourChart), "-n", "polaris", "-f", values}
	if _, errs, err := helmRun(t, version, c.Kubeconfig, install...); err == nil || !strings.Contains(errs, "invalid ownership metadata") {
		t.Errorf("Helm takes over objects unasked: %v %s", err, errs)
	}
	stateful := find(t, all, "StatefulSet")
	before := a.uid(t, stateful)
	if byHand {
		for _, o := range adopted(t, all) {
			a.adopt(t, o)
		}
	} else {
		install = append(install, "--take-ownership")
	}
	if version == "helm4" { // applies on the server, where kubectl has the fields
		install = append(install, "--force-conflicts")
	}
	helm(t, version, c.Kubeconfig, install...)
	if after := a.uid(t, stateful); after != before {
		t.Errorf("the StatefulSet was replaced: %s, before %s", after, before)
	}
	helm(t, version, c.Kubeconfig, "upgrade", "polaris", here(t, ourChart), "-n", "polaris", "-f", values, "--set", "image.tag=2")
	if got := a.image(t, stateful); got != "setrouter:2" {
		t.Errorf("after the upgrade the image is %s", got)
	}
	helm(t, version, c.Kubeconfig, "rollback", "polaris", "1", "-n", "polaris")
	if got := a.image(t, stateful); got != "setrouter:latest" {
		t.Errorf("after the rollback the image is %s", got)
	}
	helm(t, version, c.Kubeconfig, "uninstall", "polaris", "-n", "polaris")
	if status, answer, _ := a.call(t, http.MethodGet, "/api/v1/namespaces/polaris", "", ""); status != http.StatusOK || strings.Contains(answer, "deletionTimestamp") {
		t.Errorf("the namespace went with the release: %d %s", status, answer)
	}
	if status, answer, _ := a.call(t, http.MethodGet, "/api/v1/namespaces/polaris/configmaps/polaris-routing", "", ""); status != http.StatusOK {
		t.Errorf("the routing files went with the release: %d %s", status, answer)
	}
	if status, _, _ := a.call(t, http.MethodGet, a.path(t, stateful)+"/polaris", "", ""); status != http.StatusNotFound {
		t.Errorf("the StatefulSet is there after helm uninstall: %d", status)
	}
}

// adopted are the objects that docs/helm.md names: all of them but the namespace and the
// ConfigMaps with the files.
func adopted(t *testing.T, all []object) (out []object) {
	t.Helper()
	page := read(t, "../../docs/helm.md")
	_, list, _ := strings.Cut(page, "for object in ")
	list, _, _ = strings.Cut(list, "; do")
	var names []string
	for _, o := range all {
		name := strings.ToLower(o.Kind) + "/" + o.Metadata.Name
		left := o.Kind == "Namespace" || o.Metadata.Name == "polaris-mapping" || o.Metadata.Name == "polaris-routing" || hash.MatchString(o.Metadata.Name)
		if !left {
			names, out = append(names, name), append(out, o)
		}
	}
	want := strings.Fields(strings.ReplaceAll(list, "\\", ""))
	slices.Sort(want)
	slices.Sort(names)
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("docs/helm.md (-names +manifests):\n%s", diff)
	}
	return out
}

// field is a field of the StatefulSet as the API server has it.
func (a api) field(t *testing.T, o object, into any) {
	t.Helper()
	status, answer, _ := a.call(t, http.MethodGet, a.path(t, o)+"/"+o.Metadata.Name, "", "")
	if err := json.Unmarshal([]byte(answer), into); status != http.StatusOK || err != nil {
		t.Fatal(errors.Join(err, fmt.Errorf("%d %s", status, answer)))
	}
}

func (a api) uid(t *testing.T, o object) string {
	t.Helper()
	var got struct{ Metadata struct{ UID string } }
	a.field(t, o, &got)
	return got.Metadata.UID
}

func (a api) image(t *testing.T, o object) string {
	t.Helper()
	var got struct {
		Spec struct {
			Template struct {
				Spec struct{ Containers []struct{ Image string } }
			}
		}
	}
	a.field(t, o, &got)
	return got.Spec.Template.Spec.Containers[0].Image
}
