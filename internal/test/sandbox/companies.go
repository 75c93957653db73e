package sandbox

import (
	"io/fs"
	"maps"
	"net/netip"
	"path"
	"strings"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

// usualWeight is the weight of the companies' instances.
const usualWeight = 100

// Companies are the companies of make sandbox, by name. Each is read from the repository.
var Companies = map[string]func(repository fs.FS) (Company, error){"shop": Shop, "tutorial": Tutorial}

// Shop is the company of docs/operations.md and docs/rollout.md, on a calm day: three
// cities, the SETs of two of them with a pool, and two lanes.
func Shop(repository fs.FS) (Company, error) {
	c := Company{Files: map[string]string{}, Callers: shopCallers}
	for name, file := range map[string]string{
		"conf/mapping/mapping.yaml": "testdata/incident/mapping.yaml", "conf/routing/routing.yaml": "testdata/incident/routing.yaml",
		"conf/routing/evacuate.yaml": "build/conf/routing/evacuate.yaml",
	} {
		text, err := fs.ReadFile(repository, file)
		if err != nil {
			return c, err
		}
		c.Files[name] = string(text)
	}
	for _, i := range shopInstances {
		c.Instances = append(c.Instances, Instance(i.service, i.host, 80, i.set))
	}
	return c, nil
}

// Instance is a healthy instance in the namespace default. It registers a SET, or none
// if set is empty.
func Instance(service, host string, port int, set string) polaristest.Instance {
	i := polaristest.Instance{Namespace: "default", Service: service, Host: host, Port: port, Weight: usualWeight, Healthy: true}
	if set != "" {
		i.Metadata = map[string]string{location.MetaSetName: set}
	}
	return i
}

// shopInstances are in Shenzhen (10.1), Guangzhou (10.2) and Shanghai (10.3).
var shopInstances = []struct{ service, host, set string }{
	{"orders", "10.1.20.1", "shop.order.sz"}, {"orders", "10.1.20.2", "shop.order.sz"}, {"orders", "10.2.20.1", "shop.order.gz"},
	{"orders", "10.2.30.1", ""}, {"orders", "10.3.30.1", ""}, // the pool, by the mapping
	{"payments", "10.1.40.1", ""}, {"payments", "10.1.40.2", ""}, {"payments", "10.2.40.1", ""}, {"payments", "10.3.40.1", ""},
	{"reports", "10.1.50.1", "shop.order.sz"}, {"reports", "10.2.50.1", "shop.order.gz"},
	{"catalog", "10.1.60.1", ""}, {"catalog", "10.2.60.1", ""}, {"catalog", "10.3.60.1", ""},
	{"domain", "10.2.70.1", "epp.core.cn"}, {"domain", "10.3.70.1", "epp.core.cn"}, {"domain", "10.2.80.1", "epp.query.cn"}, {"domain", "10.3.80.1", "epp.query.cn"},
}

var shopCallers = []Caller{
	{"shop-shenzhen", netip.MustParseAddr("10.1.10.7"), inDefault("orders", "payments", "reports", "catalog")},
	{"shop-guangzhou", netip.MustParseAddr("10.2.10.7"), inDefault("orders", "payments")},
	{"shop-shanghai", netip.MustParseAddr("10.3.10.7"), inDefault("payments", "catalog")},
	{"registrar", netip.MustParseAddr("10.2.90.7"), inDefault("domain.core", "domain.query")},
}

func inDefault(names ...string) (services []Service) {
	for _, name := range names {
		services = append(services, Service{"default", name})
	}
	return services
}

// TutorialFiles is where the files of docs/tutorial-set.md are.
const TutorialFiles = "testdata/tutorial"

// Tutorial is the company of docs/tutorial-set.md before the first step.
func Tutorial(repository fs.FS) (Company, error) {
	c := Company{Callers: tutorialCallers}
	files, err := tutorialFiles(repository)
	if err != nil {
		return c, err
	}
	c.Files = maps.Clone(files)
	c.Files["conf/mapping/mapping.yaml"], c.Files["conf/routing/routing.yaml"] = files["0-before/mapping.yaml"], files["0-before/routing.yaml"]
	d, err := ReadDeployment(strings.NewReader(files["0-before/epp-domain.yaml"]))
	c.Instances = d.Pods()
	return c, err
}

func tutorialFiles(repository fs.FS) (map[string]string, error) {
	files := map[string]string{}
	root, err := fs.Sub(repository, TutorialFiles)
	if err != nil {
		return nil, err
	}
	return files, fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(root, path.Clean(name))
		files[name] = string(text)
		return err
	})
}

var tutorialCallers = []Caller{
	{"domain-search-1", netip.MustParseAddr("10.8.2.1"), eppDomain}, {"domain-search-2", netip.MustParseAddr("10.8.2.2"), eppDomain},
	{"domain-search-3", netip.MustParseAddr("10.8.2.3"), eppDomain},
	{"domain-api-1", netip.MustParseAddr("10.8.1.1"), eppDomain}, {"domain-api-2", netip.MustParseAddr("10.8.1.2"), eppDomain},
	{"domain-report", netip.MustParseAddr("10.8.3.1"), eppDomain},
}

var eppDomain = []Service{{"prod", "epp-domain"}}
