//go:build kubernetes

package kubernetes

import (
	"path/filepath"
	"testing"
)

// The Deployments of docs/tutorial-set.md are what a real API server takes,
// without a warning.
func TestKubernetesTakesTheTutorial(t *testing.T) {
	_, a := cluster(t)
	namespace := object{APIVersion: "v1", Kind: "Namespace", text: "{apiVersion: v1, kind: Namespace, metadata: {name: prod}}"}
	for _, problem := range a.create(t, namespace, forReal) {
		t.Fatal(problem)
	}
	files, err := filepath.Glob("../../testdata/tutorial/*/epp-*.yaml")
	if err != nil || len(files) != 3 {
		t.Fatalf("manifests %v, %v, want 3", files, err)
	}
	for _, file := range files {
		for _, o := range documents(t, read(t, file)) {
			for _, problem := range a.create(t, o, dryRun) {
				t.Errorf("%s: %s", file, problem)
			}
		}
	}
}
