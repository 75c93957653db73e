package serverconfig

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLoadKubernetes(t *testing.T) {
	c, fault := load(t, `
plugin: {location: {option: {kubernetes: {campusLabel: c, labels: [lane], snapshot: "", events: false, clusters: [
  {name: bj, kubeconfig: k, context: x, namespaces: [a, b], podSelector: "app in (a)"}, {name: sh}]}}}}`)
	if fault != "" {
		t.Fatal(fault)
	}
	want := &Kubernetes{SETLabel: "set-group", SETAnnotation: "set-group", CampusLabel: "c", Labels: []string{"lane"}, Clusters: []Cluster{
		{Name: "bj", Kubeconfig: "k", Context: "x", Namespaces: []string{"a", "b"}, PodSelector: "app in (a)"}, {Name: "sh"},
	}}
	if diff := cmp.Diff(want, c.Kubernetes); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"mapping", "kubernetes", "registry", "report"}, c.Sources); diff != "" {
		t.Errorf("sources by default (-want +got):\n%s", diff)
	}
	c, fault = load(t, "plugin: {location: {option: {sources: [kubernetes, mapping], kubernetes: {}}}}")
	if fault != "" || len(c.Kubernetes.Clusters) != 1 || c.Kubernetes.Clusters[0].Name != "local" || !c.Kubernetes.Events || len(c.Sources) != 2 {
		t.Errorf("%s, %+v, %q, want the cluster local and the sources that are given", fault, c.Kubernetes, c.Sources)
	}
}

func TestLoadKubernetesRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"{sources: [mapping, kubernetes]}":                          `s.yaml:1:39: source "kubernetes" has no options, expected kubernetes: {clusters: [...]} beside sources`,
		"{sources: [mapping], kubernetes: {}}":                      `s.yaml:1:62: kubernetes has options and is not among the sources, expected sources: mapping, kubernetes, registry, report`,
		"{kubernetes: {setlabel: a}}":                               `s.yaml:1:43: unknown key "setlabel"; did you mean "setLabel"?`,
		"{kubernetes: {clusters: []}}":                              `s.yaml:1:53: the list is empty, expected clusters: [{name: ..., kubeconfig: FILE}], or none for the cluster that the server runs in`,
		"{kubernetes: {clusters: [{kubeconfig: a}]}}":               `s.yaml:1:54: the cluster has the name "", expected letters, digits, '_' and '-': it names a file and stands in metrics`,
		"{kubernetes: {clusters: [{name: a/b}]}}":                   `s.yaml:1:54: the cluster has the name "a/b", expected letters, digits, '_' and '-': it names a file and stands in metrics`,
		"{kubernetes: {clusters: [{name: a}, {name: a}]}}":          `s.yaml:1:65: cluster "a" is given twice, expected each name once`,
		"{kubernetes: {clusters: [{name: a, context: b}]}}":         `s.yaml:1:54: context "b" is given without a kubeconfig, expected the file that has it`,
		"{kubernetes: {labels: [a, a]}}":                            `s.yaml:1:55: "a" is empty or given twice, expected each name once`,
		"{kubernetes: {clusters: [{name: a, namespaces: [\"\"]}]}}": `s.yaml:1:77: "" is empty or given twice, expected each name once`,
	} {
		if _, got := load(t, "plugin: {location: {option: "+text+"}}"); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", text, got, want)
		}
	}
}
