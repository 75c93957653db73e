//go:build kubernetes

package kubernetes

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/polaris-contrib/setrouter/internal/test/kubetest"
	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// helms are the Helm programs, by the name of their tool.
var helms = map[string]string{"helm3": "helm.sh/helm/v3/cmd/helm", "helm4": "helm.sh/helm/v4/cmd/helm"}

// helmRun runs Helm with folders of its own, and returns what it printed.
func helmRun(t *testing.T, version, kubeconfig string, args ...string) (out, errs string, err error) {
	t.Helper()
	home := filepath.Join(filepath.Dir(serverBinary), version+"-home")
	cmd := exec.Command(helmBinary(t, version), args...)
	cmd.Env = append(os.Environ(), "HELM_CACHE_HOME="+home+"/cache", "HELM_CONFIG_HOME="+home+"/config", "HELM_DATA_HOME="+home+"/data",
		"KUBECONFIG="+kubeconfig)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	return stdout.String(), stderr.String(), err
}

// helmBinary is a Helm, which the first test builds.
func helmBinary(t *testing.T, version string) string {
	t.Helper()
	path := filepath.Join(filepath.Dir(serverBinary), version)
	if _, err := os.Stat(path); err != nil {
		command(t, "go", "-C", "../../scripts/tools", "build", "-o", path, helms[version])
	}
	return path
}

// helm runs Helm, which must succeed.
func helm(t *testing.T, version, kubeconfig string, args ...string) string {
	t.Helper()
	out, errs, err := helmRun(t, version, kubeconfig, args...)
	if err != nil {
		t.Fatalf("%s %v: %v: %s%s", version, args, err, out, errs)
	}
	return out
}

// valuesOf writes values into a file.
func valuesOf(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "values.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Values of the two modes that make the manifests, and of one with all that there is.
const (
	singleValues  = "image: {repository: setrouter, tag: latest}\n"
	clusterValues = singleValues + "mode: cluster\nmysql: {address: 'mysql.db:3306'}\nredis: {address: 'redis.db:6379'}\n"
	everyValue    = `mode: cluster
name: discovery
replicas: 5
partition: 4
image: {repository: registry.invalid/setrouter, tag: "2", pullPolicy: Always, pullSecrets: [{name: registry}]}
mysql: {address: '10.0.0.1:3307', database: polaris, user: setrouter, existingSecret: db, passwordKey: password}
redis: {address: '[fd00::1]:6380', existingSecret: kv, passwordKey: password}
mapping: {files: {corp.csv: "match,region,zone\n10.1.0.0/16,north,bj\n"}}
routing: {existingConfigMap: our-rules}
config:
  auth: {strategy: {option: {clientOpen: true, clientStrict: true}}}
  plugin: {location: {option: {trustedProxies: [10.8.0.0/28]}}}
extraListeners:
  - {name: xds-v3, option: {listenIP: 0.0.0.0, listenPort: 15010}}
  - {name: service-eureka, option: {listenIP: 0.0.0.0, listenPort: 8761}}
  - {name: service-nacos, option: {listenIP: 0.0.0.0, listenPort: 8848}}
service: {type: LoadBalancer, annotations: {example.com/balancer: inner}}
serviceAccount: {name: discovery-server}
rbac: {name: discovery-setrouter}
networkPolicy:
  ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8}}], ports: [{port: http}]}]
  egress: [{ports: [{port: 80}]}]
podAnnotations: {example.com/team: names}
podLabels: {team: names}
nodeSelector: {disk: fast}
tolerations: [{key: core, operator: Exists}]
affinity: {podAntiAffinity: {preferredDuringSchedulingIgnoredDuringExecution: []}}
priorityClassName: system-cluster-critical
env: [{name: TOKEN, value: x}]
volumes: [{name: tls, emptyDir: {}}]
volumeMounts: [{name: tls, mountPath: /root/tls}]
monitoring:
  annotations: false
  alerts: false
  serviceMonitor: {enabled: true, labels: {release: prometheus}}
  prometheusRule: {enabled: true, labels: {release: prometheus}}
`
)

// rendering is what Helm makes of the chart.
func rendering(t *testing.T, version, values string) []object {
	t.Helper()
	return objects(t, helm(t, version, "", "template", "polaris", here(t, ourChart), "-n", "polaris", "--kube-version", kubetest.Version, "-f", values))
}

// The chart makes what the manifests make, but for the labels of a release and the
// hash in the name of the server's ConfigMap.
func TestKubernetesChartIsTheManifests(t *testing.T) {
	for version := range helms {
		for mode, values := range map[string]string{"single": singleValues, "cluster": clusterValues} {
			want := map[string]any{}
			for _, o := range objects(t, tool(t, "kustomize", "build", here(t, "overlays/"+mode))) {
				if o.Kind != "Namespace" { // helm --create-namespace
					want[hash.ReplaceAllString(o.String(), "")] = comparable(t, o)
				}
			}
			got := map[string]any{}
			for _, o := range rendering(t, version, valuesOf(t, values)) {
				got[o.String()] = comparable(t, o)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s, %s (-manifests +chart):\n%s", version, mode, diff)
			}
		}
	}
}

// fromSecret are the values that the manifests have in the Secret, and the chart in its
// configuration.
var fromSecret = strings.NewReplacer("${DB_ADDR}", "mysql.db:3306", "${DB_USER}", "polaris", "${REDIS_ADDR}", "redis.db:6379")

var hash = regexp.MustCompile(`-[0-9a-z]{10}$`)

// comparable is an object without what differs between manifests and chart on purpose.
func comparable(t *testing.T, o object) any {
	t.Helper()
	all := parsed(t, o.text).(map[string]any)
	meta := all["metadata"].(map[string]any)
	meta["name"] = hash.ReplaceAllString(meta["name"].(string), "")
	labels, _ := meta["labels"].(map[string]any)
	maps.DeleteFunc(labels, func(label string, _ any) bool { return label != "grafana_dashboard" })
	if len(labels) == 0 {
		delete(meta, "labels")
	}
	if data, ok := all["data"].(map[string]any); ok && data["polaris-server.yaml"] != nil {
		text := fromSecret.Replace(data["polaris-server.yaml"].(string))
		data["polaris-server.yaml"] = parsed(t, text)
	}
	switch spec, _ := all["spec"].(map[string]any); o.Kind {
	case "StatefulSet":
		comparablePods(spec)
	case "NetworkPolicy": // of every pod in a namespace of its own, and of the chart's pods
		delete(spec, "podSelector")
	}
	return all
}

func comparablePods(spec map[string]any) {
	template := spec["template"].(map[string]any)
	delete(template["metadata"].(map[string]any)["annotations"].(map[string]any), "setrouter/configuration")
	for _, claim := range listed(spec["volumeClaimTemplates"]) {
		claim := claim.(map[string]any)
		delete(claim, "apiVersion")
		delete(claim, "kind")
		delete(claim["metadata"].(map[string]any), "labels")
	}
	pod := template["spec"].(map[string]any)
	container := listed(pod["containers"])[0].(map[string]any)
	container["image"], _, _ = strings.Cut(container["image"].(string), ":")
	container["env"] = slices.DeleteFunc(listed(container["env"]), func(env any) bool {
		name := fmt.Sprintf("${%s}", env.(map[string]any)["name"])
		return fromSecret.Replace(name) != name
	})
	byName := func(a, b any) int {
		return strings.Compare(a.(map[string]any)["name"].(string), b.(map[string]any)["name"].(string))
	}
	slices.SortFunc(listed(container["env"]), byName)
	slices.SortFunc(listed(pod["volumes"]), byName)
	for _, volume := range listed(pod["volumes"]) {
		if m, ok := volume.(map[string]any)["configMap"].(map[string]any); ok {
			m["name"] = hash.ReplaceAllString(m["name"].(string), "")
		}
	}
}

func listed(v any) []any {
	list, _ := v.([]any)
	return list
}

// A real API server takes what each Helm makes of the chart, also with every value set,
// without a warning; pods keep to the Pod Security Standard `restricted`.
func TestKubernetesTakesOurChart(t *testing.T) {
	c, a := cluster(t)
	definitions(t, a)
	namespace := object{APIVersion: "v1", Kind: "Namespace", text: read(t, "base/namespace.yaml")}
	for _, problem := range a.create(t, namespace, forReal) {
		t.Fatal(problem)
	}
	for version := range helms {
		for name, values := range map[string]string{"single": singleValues, "cluster": clusterValues, "every value": everyValue} {
			file := valuesOf(t, values)
			if out := helm(t, version, "", "lint", "--strict", here(t, ourChart), "--kube-version", kubetest.Version, "-f", file); !strings.Contains(out, "0 chart(s) failed") {
				t.Errorf("%s, %s: %s", version, name, out)
			}
			all := rendering(t, version, file)
			for _, o := range append(all, pod(t, find(t, all, "StatefulSet"))) {
				for _, problem := range a.create(t, o, dryRun) {
					t.Errorf("%s, %s: %s", version, name, problem)
				}
			}
			helm(t, version, c.Kubeconfig, "install", "polaris", here(t, ourChart), "-n", "polaris", "--dry-run=server", "-f", file)
		}
	}
}

// definitions creates the kinds of the Prometheus operator, as controller-gen makes them.
func definitions(t *testing.T, a api) {
	t.Helper()
	dir := t.TempDir()
	tool(t, "controller-gen", "crd", "paths=github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1", "output:crd:dir="+dir)
	for _, plural := range []string{"servicemonitors", "prometheusrules"} {
		text := read(t, filepath.Join(dir, "monitoring.coreos.com_"+plural+".yaml"))
		const path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
		if status, answer, _ := a.call(t, http.MethodPost, path, "application/yaml", text); status != http.StatusCreated {
			t.Fatal(status, answer)
		}
		polaristest.Wait(t, func() error {
			status, answer, _ := a.call(t, http.MethodGet, "/apis/monitoring.coreos.com/v1/namespaces/default/"+plural, "", "")
			if status != http.StatusOK {
				return fmt.Errorf("%s: %d %s", plural, status, answer)
			}
			return nil
		})
	}
}

// What is wrong is refused in words that say what was expected.
func TestKubernetesChartRefuses(t *testing.T) {
	cluster := []string{"--set", "mode=cluster", "--set", "mysql.address=m:3306", "--set", "redis.address=r:6379"}
	for _, try := range []struct {
		name string
		args []string
		want string
	}{
		{"a mode that is none", []string{"--set", "mode=singel"}, "at '/mode': value must be one of 'single', 'cluster'"},
		{"a name that is none", []string{"--set", "imgae.tag=1"}, "additional properties 'imgae' not allowed"},
		{"an address without a port", append(cluster, "--set", "mysql.address=mysql"), "at '/mysql/address': 'mysql' does not match pattern"},
		{"a user with a quote", append(cluster, "--set", "mysql.user=o'neil"), `at '/mysql/user': 'o\'neil' does not match pattern`},
		{"a number as text", []string{"--set-string", "replicas=1"}, "at '/replicas': got string, want null or integer"},
		{"a mapping file that is not read", []string{"--set", `mapping.files.corp\.json=x`}, "additional properties 'corp.json' not allowed"},
		{"no database", []string{"--set", "mode=cluster"}, "mysql.address is empty; expected HOST:PORT, as mode is cluster"},
		{"no Redis", []string{"--set", "mode=cluster", "--set", "mysql.address=m:3306"}, "redis.address is empty; expected HOST:PORT, as mode is cluster"},
		{"a database that is not used", []string{"--set", "mysql.address=m:3306"}, `mysql.address is "m:3306", and mode is single, which has its store in a file; expected mode: cluster, or no address`},
		{"two on one file", []string{"--set", "replicas=2"}, "replicas is 2, and mode is single, in which there can be one only; expected mode: cluster, or no replicas"},
		{"listeners twice", []string{"--set-json", `config={"apiservers":[]}`, "--set-json", `extraListeners=[{"name":"xds-v3","option":{"listenPort":15010}}]`}, "config.apiservers and extraListeners are set; expected one of them"},
	} {
		for version := range helms {
			args := append([]string{"template", "polaris", here(t, ourChart), "--kube-version", kubetest.Version}, try.args...)
			out, errs, err := helmRun(t, version, "", args...)
			if err == nil || !strings.Contains(errs, try.want) {
				t.Errorf("%s: %s: %v: %s%s\nwant %s", version, try.name, err, out[:min(len(out), 200)], errs, try.want)
			}
		}
	}
}

// configuration is what the chart made of polaris-server.yaml.
func configuration(t *testing.T, all []object) string {
	t.Helper()
	for _, o := range all {
		if data, _ := parsed(t, o.text).(map[string]any)["data"].(map[string]any); data["polaris-server.yaml"] != nil {
			return data["polaris-server.yaml"].(string)
		}
	}
	t.Fatalf("no polaris-server.yaml in %v", all)
	return ""
}

// The real program starts on what the chart makes, and routes by the files of the
// values, also with passwords that YAML would take for something else.
func TestKubernetesServerStartsOnOurChart(t *testing.T) {
	env := map[string]string{}
	for name, value := range clusterEnv {
		env[name] = value
	}
	db, _ := startMariaDB(t, env["DB_USER"], env["DB_PASSWORD"])
	env["DB_ADDR"], env["REDIS_ADDR"] = db, startRedis(t, env["REDIS_PASSWORD"])
	setenv(t, env)
	const more = `mapping: {files: {corp.csv: "match,region\n10.1.0.0/16,north\n"}}
config: {plugin: {location: {option: {trustedProxies: [10.8.0.0/28]}}}}
extraListeners: [{name: xds-v3, option: {listenIP: 127.0.0.1, listenPort: 15010}}]
`
	addresses := strings.NewReplacer("mysql.db:3306", env["DB_ADDR"], "redis.db:6379", env["REDIS_ADDR"])
	for mode, values := range map[string]string{"single": singleValues, "cluster": addresses.Replace(clusterValues)} {
		all := rendering(t, "helm4", valuesOf(t, values+more))
		config := inside(t, configuration(t, all))
		s, err := polaristest.Start(t.Context(), polaristest.Options{Binary: serverBinary, Config: config, Files: files(t, all)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Kill() })
		if strings.Contains(s.Output(), "slot not exists") {
			t.Errorf("the server does not know a listener:\n%s", s.Output())
		}
		register(t, s)
		discovers(t, s)
		writesOnlyData(t, s)
		if out := command(t, setctlBinary, "lookup", "10.1.2.3", "--server", s.AdminURL); !strings.Contains(out, "north") {
			t.Errorf("%s: the mapping of the values is not in force: %s", mode, out)
		}
	}
}

// inside makes of a configuration of the chart one that runs here, as outside does.
func inside(t *testing.T, config string) string {
	t.Helper()
	for from, to := range map[string]string{
		"listenPort: 8090\n": "listenPort: {{.HTTP}}\n", "listenPort: 8091\n": "listenPort: {{.GRPC}}\n", "listenPort: 8095\n": "listenPort: {{.Admin}}\n",
		"listenPort: 8093\n":  fmt.Sprintf("listenPort: %d\n", polaristest.FreePort()),
		"listenPort: 15010\n": fmt.Sprintf("listenPort: %d\n", polaristest.FreePort()),
		"- kubernetes\n":      "\n",
	} {
		if strings.Count(config, from) != 1 {
			t.Fatalf("%q is not once in the configuration:\n%s", from, config)
		}
		config = strings.Replace(config, from, to, 1)
	}
	return regexp.MustCompile(`(?m)^( +)kubernetes:\n(?:\s+(?:campusLabel|labels|snapshot): .*\n)+`).ReplaceAllString(config, "")
}

// files are the mapping and routing files of the chart, where the pod has them.
func files(t *testing.T, all []object) map[string]string {
	t.Helper()
	out := map[string]string{"data/.keep": ""}
	for _, o := range all {
		if kind := strings.TrimPrefix(o.Metadata.Name, "polaris-"); o.Kind == "ConfigMap" && (kind == "mapping" || kind == "routing") {
			for name, text := range parsed(t, o.text).(map[string]any)["data"].(map[string]any) {
				out["conf/"+kind+"/"+name] = text.(string)
			}
		}
	}
	return out
}
