//go:build kubernetes

package kubetest

import "testing"

func TestKubernetesClusterComesBack(t *testing.T) {
	c, err := Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Stop()
	first := c.APIServerPID()
	c.KillAPI()
	if c.ready(t.Context()) {
		t.Error("the API server answers after it was killed")
	}
	if err := c.StartAPI(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c.APIServerPID() == first || !c.ready(t.Context()) {
		t.Error("the API server did not start again")
	}
}
