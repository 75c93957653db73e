package serverconfig

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/internal/test/fuzztest"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

// FuzzLoad reads server configurations.
func FuzzLoad(f *testing.F) {
	for _, text := range fuzztest.Texts(f, "build/conf/polaris-server.yaml") {
		f.Add(text)
	}
	f.Add("config: {open: true}\nauth: {user: {option: {clientOpen: true, clientStrict: true}}}\nplugin:\n  cmdb: {name: mapping, option: {files: [\"polaris://n/g/f.yaml\", conf/*.csv], shrinkGuardPercent: 0}}\n" +
		"  location: {option: {sources: [kubernetes, mapping], trustedProxies: [10.0.0.0/8], kubernetes: {labels: [a], clusters: [{name: bj, kubeconfig: k, namespaces: [n]}]}}}\n" +
		"  router: {option: {files: [r.yaml], failOpen: False}}\napiservers:\n  - {name: set-admin, option: {listenIP: \"::1\", listenPort: 8095, token: t}}\n" +
		"  - {name: service-grpc, option: {enableCacheProto: true, sizeCacheProto: 7}}\n")
	f.Add("plugin: {location: {option: {sources: [mapping], kubernetes: {}}}}\n")
	f.Add("plugin: {location: {option: {kubernetes: {clusters: [{name: bj}, {name: \"..\"}]}}}}\n")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "$") {
			t.Skip("the environment is not the fuzzer's")
		}
		name := filepath.Join(dir, "c.yaml")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var c *Config
		var err error
		fuzztest.Bounded(t, len(text), func() { c, err = Load(name) })
		again, errAgain := Load(name)
		if (c == nil) != (err != nil) || !reflect.DeepEqual(c, again) || (err == nil) != (errAgain == nil) || err != nil && err.Error() != errAgain.Error() {
			t.Fatalf("%+v, %v, then %+v, %v", c, err, again, errAgain)
		}
		if faults, ok := errors.AsType[strict.Error](err); ok {
			fuzztest.Problems(t, []byte(text), faults)
		}
		if c != nil {
			checkConfig(t, c)
		}
	})
}

func checkConfig(t *testing.T, c *Config) {
	for _, s := range c.Sources {
		if !slices.Contains(location.SourceNames, s) {
			t.Errorf("source %q", s)
		}
	}
	if slices.Contains(c.Sources, location.SourceKubernetes) != (c.Kubernetes != nil) {
		t.Errorf("sources %q, kubernetes %+v", c.Sources, c.Kubernetes)
	}
	if c.Kubernetes != nil {
		for _, cluster := range c.Kubernetes.Clusters {
			if filepath.Base(cluster.Name) != cluster.Name || cluster.Name == ".." {
				t.Errorf("cluster %q names no file", cluster.Name)
			}
		}
	}
	if c.ShrinkGuardPercent < 0 || c.ShrinkGuardPercent > 100 || c.Admin.ListenPort < 1 || c.Admin.ListenPort > 65535 {
		t.Errorf("%+v", c)
	}
	for _, p := range c.TrustedProxies {
		if p != p.Masked() || !p.IsValid() || p.Addr().Is4In6() {
			t.Errorf("trusted proxy %s", p)
		}
	}
	if loopback := strings.HasPrefix(c.Admin.ListenIP, "127.") || c.Admin.ListenIP == "::1"; !loopback && c.Admin.Token == "" && !strings.Contains(c.Admin.ListenIP, ":") {
		t.Errorf("the admin listener is open at %s", c.Admin.ListenIP)
	}
	for _, name := range c.ConfigFiles() {
		if _, err := ParseConfigFile(name); err != nil {
			t.Error(err)
		}
	}
}

// FuzzConfigFile reads the names of files in the config center.
func FuzzConfigFile(f *testing.F) {
	for _, name := range []string{"polaris://Polaris/setrouter/routing.yaml", "polaris://n/g/d/../f", "polaris://n/g/*", "POLARIS://n/g/f", "polaris:///g/f"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		file, err := ParseConfigFile(name)
		if err != nil {
			fuzztest.Printable(t, err.Error())
			return
		}
		if ConfigFileScheme+file.Namespace+"/"+file.Group+"/"+file.File != name || file.Namespace == "" || file.Group == "" || file.File == "" {
			t.Errorf("%q came out as %+v", name, file)
		}
	})
}
