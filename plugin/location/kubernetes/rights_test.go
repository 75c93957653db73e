//go:build kubernetes

package kubernetes

import (
	"os"
	"strings"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/polaris-contrib/setrouter/internal/sources"
	"github.com/polaris-contrib/setrouter/internal/test/kubetest"
)

// role is the ClusterRole of the operator's page.
func role(t *testing.T) (r rbacv1.ClusterRole) {
	t.Helper()
	page, err := os.ReadFile("../../../docs/kubernetes.md")
	do(t, err)
	_, after, _ := strings.Cut(string(page), "```yaml rbac\n")
	text, _, _ := strings.Cut(after, "```")
	do(t, yaml.UnmarshalStrict([]byte(text), &r))
	return r
}

// The rights on the operator's page are enough; without those for Events
// and workloads the pods are known, and the status says what is forbidden.
func TestKubernetesRights(t *testing.T) {
	ctx := t.Context()
	cluster, client := startCluster(t)
	do(t, client.Namespace(ctx, "app"), client.Create(ctx, "/api/v1/namespaces/app/serviceaccounts", &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "setrouter"}}))
	var token authenticationv1.TokenRequest
	do(t, client.Do(ctx, "POST", "/api/v1/namespaces/app/serviceaccounts/setrouter/token", "application/json", &authenticationv1.TokenRequest{}, &token))
	kubeconfig, err := cluster.WriteKubeconfig("limited", token.Status.Token)
	do(t, err)
	k := options(cluster, t.TempDir())
	k.Clusters[0].Kubeconfig = kubeconfig
	s, _ := follow(t, k)
	problem := func(part string) {
		t.Helper()
		eventually(t, part, "said", func() string {
			if strings.Contains(strings.Join(s.state().Problems, "\n"), part) {
				return "said"
			}
			return strings.Join(s.state().Problems, "\n")
		})
	}
	problem(`cannot list resource`)
	if state := s.state().State; state != sources.StateStarting {
		t.Errorf("state %s, want %s", state, sources.StateStarting)
	}

	whole := role(t)
	less := whole
	less.Rules = whole.Rules[:1]
	do(t, client.Create(ctx, "/apis/rbac.authorization.k8s.io/v1/clusterroles", &less),
		client.Create(ctx, "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", &rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: "setrouter"},
			RoleRef:    rbacv1.RoleRef{APIGroup: "rbac.authorization.k8s.io", Kind: "ClusterRole", Name: whole.Name},
			Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: "app", Name: "setrouter"}},
		}))
	bad := kubetest.Pod{Namespace: "app", Name: "bad", Node: "n1", Labels: set("qb.novel"), IPs: []string{"10.0.0.7"}}
	do(t, client.Run(ctx, bad))
	eventually(t, "state", sources.StateLive, func() string { return s.state().State })
	problem(`cannot create resource "events"`)
	problem(`workloads whose pods have no SET are not looked for (workloads: false ends this): deployments.apps is forbidden: User "system:serviceaccount:app:setrouter" cannot list resource "deployments" in API group "apps" at the cluster scope`)

	do(t, client.Do(ctx, "PUT", "/apis/rbac.authorization.k8s.io/v1/clusterroles/"+whole.Name, "application/json", &whole, nil))
	eventually(t, "problems", "", func() string {
		do(t, client.Label(ctx, bad.Path(), "set-group", "a."+s.state().Name), client.Label(ctx, bad.Path(), "set-group", "qb.novel"))
		return strings.Join(s.state().Problems, "\n")
	})
}
