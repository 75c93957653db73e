package serverconfig

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

func TestLoadKubernetes(t *testing.T) {
	c, fault := load(t, `
plugin: {location: {option: {kubernetes: {campusLabel: c, labels: [lane], snapshot: "", events: false, clusters: [
  {name: bj, kubeconfig: k, context: x, namespaces: [a, b], podSelector: "app in (a)"}, {name: sh}]}}}}`)
	if fault != "" {
		t.Fatal(fault)
	}
	want := &Kubernetes{SETLabel: "set-group", SETAnnotation: "set-group", Places: Places{CampusLabel: "c"}, Workloads: true, Labels: []string{"lane"}, Clusters: []Cluster{
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

func TestLoadPlaces(t *testing.T) {
	c, fault := load(t, `
plugin: {location: {option: {kubernetes: {zoneLabel: az, campusLabel: room, placeNames: {a: 华东}, clusters: [
  {name: bj, regionLabel: example.com/region, placeNames: {cn-shenzhen-a: 华南/ap-shenzhen, cn-shenzhen: 华南, b: 华南/ap-guangzhou/g1}},
  {name: sh, campusLabel: c}, {name: hz, placeNames: {}}]}}}}`)
	if fault != "" {
		t.Fatal(fault)
	}
	place := func(origin, region, zone, campus string) PlaceName {
		return PlaceName{location.Location{Region: region, Zone: zone, Campus: campus}, "s.yaml:" + origin}
	}
	section := map[string]PlaceName{"a": place("2:93", "华东", "", "")}
	want := []Places{
		{"example.com/region", "az", "room", map[string]PlaceName{
			"cn-shenzhen-a": place("3:75", "华南", "ap-shenzhen", ""), "cn-shenzhen": place("3:104", "华南", "", ""), "b": place("3:111", "华南", "ap-guangzhou", "g1")}},
		{"topology.kubernetes.io/region", "az", "c", section},
		{"topology.kubernetes.io/region", "az", "room", map[string]PlaceName{}},
	}
	for i, cluster := range c.Kubernetes.Clusters {
		got := c.Kubernetes.PlacesOf(cluster)
		for key, name := range got.PlaceNames {
			name.Origin = filepath.Base(name.Origin)
			got.PlaceNames[key] = name
		}
		if diff := cmp.Diff(want[i], got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", cluster.Name, diff)
		}
	}
	if got := (&Kubernetes{}).PlacesOf(Cluster{}); got.RegionLabel != "topology.kubernetes.io/region" || got.ZoneLabel != "topology.kubernetes.io/zone" {
		t.Errorf("by default: %+v", got)
	}
}

func TestLoadPlacesRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"placeName: {}":            `s.yaml:1:43: unknown key "placeName"; did you mean "placeNames"?`,
		"zoneLabel: a b":           `s.yaml:1:54: "a b" is no key of a label, expected one as topology.kubernetes.io/zone`,
		"regionLabel: ''":          `s.yaml:1:56: "" is no key of a label, expected one as topology.kubernetes.io/zone`,
		"campusLabel: a/b/c":       `s.yaml:1:56: "a/b/c" is no key of a label, expected one as topology.kubernetes.io/zone`,
		"placeNames: [a]":          `s.yaml:1:55: found a list, expected keys and values`,
		"placeNames: {a: [b]}":     `s.yaml:1:59: found a list, expected a text`,
		"placeNames: {a: ''}":      `s.yaml:1:59: "" is no place, expected region, region/zone or region/zone/campus, as 华南/ap-shenzhen`,
		"placeNames: {a: r//c}":    `s.yaml:1:59: "r//c" is no place, expected region, region/zone or region/zone/campus, as 华南/ap-shenzhen`,
		"placeNames: {a: r/z/}":    `s.yaml:1:59: "r/z/" is no place, expected region, region/zone or region/zone/campus, as 华南/ap-shenzhen`,
		"placeNames: {a: r/z/c/}":  `s.yaml:1:59: "r/z/c/" is no place, expected region, region/zone or region/zone/campus, as 华南/ap-shenzhen`,
		"placeNames: {a: r /z}":    `s.yaml:1:59: region "r " has a blank at an end, expected "r"`,
		"placeNames: {r/a: b}":     `s.yaml:1:56: "r/a" is no value of a label, expected what the nodes have as region, zone or campus, as cn-shenzhen-a`,
		"placeNames: {a: b, a: c}": `s.yaml:1:62: key "a" is given twice, first in line 1`,
		"placeNames: {a: 华南/z}, clusters: [{name: bj, placeNames: {b: 华北/z}}]": `s.yaml:1:104: zone "z" is under region "华北" here and under "华南" at s.yaml:1:59, expected one region`,
	} {
		if _, got := load(t, "plugin: {location: {option: {kubernetes: {"+text+"}}}}"); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", text, got, want)
		}
	}
}

func TestCheckPlaces(t *testing.T) {
	c, fault := load(t, "plugin: {location: {option: {kubernetes: {placeNames: {a: 华南/ap-shenzen, b: 华南/ap-shenzhen}, clusters: [{name: bj}, {name: sh, placeNames: {c: 华西}}]}}}}")
	if fault != "" {
		t.Fatal(fault)
	}
	var problems strict.Problems
	table := location.LoadMapping([]strict.File{{Name: "m.yaml", Data: []byte("version: 1\ntopology: {华南: {ap-shenzhen: []}}\nmappings: []\n")}}, &problems)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	for cluster, want := range map[string][]string{
		"bj":   {`s.yaml:1:59: placeNames: zone "ap-shenzen" is not in the topology, in region "华南"; did you mean "ap-shenzhen"?`},
		"sh":   {`s.yaml:1:144: placeNames: region "华西" is not in the topology; did you mean "华南"?`},
		"none": nil,
	} {
		got := c.Kubernetes.CheckPlaces(cluster, table.CheckLocation)
		for i := range got {
			got[i] = got[i][strings.Index(got[i], "s.yaml"):]
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", cluster, diff)
		}
	}
	var none *Kubernetes
	if got := none.CheckPlaces("bj", table.CheckLocation); got != nil {
		t.Errorf("without the source: %q", got)
	}
}
