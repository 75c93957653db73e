package oracle

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"gopkg.in/yaml.v3"
)

// caseFile is a file of cases for `setctl test`.
type caseFile struct {
	Mapping, Routing []string
	Now              time.Time
	Sources          []string
	Instances        []struct {
		Service                         Service
		Host, SET, Region, Zone, Campus string
		Port                            uint32
		Healthy                         *bool
		Isolate                         bool
		Weight                          *uint32
		Metadata                        map[string]string
	}
	Tests []struct {
		Name, Caller string
		Service      Service
		Want         []string
		Tier, Level  string
	}
}

// The oracle gives what people wrote by hand into the cases.
func TestCases(t *testing.T) {
	files, err := filepath.Glob("../../../testdata/cases/*.cases.yaml")
	if cases := os.Getenv("CASES"); cases != "" { // other files
		files, err = filepath.Glob(cases)
	}
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) { testCases(t, name) })
	}
}

func testCases(t *testing.T, name string) {
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var f caseFile
	if err := yaml.Unmarshal(data, &f); err != nil {
		t.Fatal(err)
	}
	w, err := f.world(filepath.Dir(name))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range f.Tests {
		c := w.Ask(netip.MustParseAddr(test.Caller).Unmap(), test.Service)
		got, tier, level := hosts(c.Stock()), "", ""
		if c.Why == "" {
			chosen, choices := c.Rule.Decide(c.SETs, c.Place, c.All, nil, w.Now)
			got = hosts(c.Rule.List(chosen, c.All, c.Own))
			if len(choices) == 1 {
				tier, level = choices[0].Tier, choices[0].Level
			}
		}
		slices.Sort(test.Want)
		if !slices.Equal(got, test.Want) || test.Tier != "" && test.Tier != tier || test.Level != "" && test.Level != level {
			t.Errorf("%s: %v tier %q level %q, want %v tier %q level %q", test.Name, got, tier, level, test.Want, test.Tier, test.Level)
		}
	}
}

func hosts(list []Member) []string {
	out := []string{}
	for _, m := range list {
		out = append(out, m.Host)
	}
	slices.Sort(out)
	return out
}

// world returns the world of a case file, through a dump.
func (f caseFile) world(dir string) (*World, error) {
	read := func(names []string) (out []File) {
		for _, name := range names {
			data, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				panic(err)
			}
			out = append(out, File{name, string(data)})
		}
		return out
	}
	sources := f.Sources
	if sources == nil {
		sources = []string{"mapping", "registry", "report"}
	}
	services := map[Service]bool{}
	var instances []Registered
	for n, i := range f.Instances {
		r := Registered{
			ID: fmt.Sprint(n), Service: i.Service, Host: i.Host, Port: i.Port, Isolate: i.Isolate, Metadata: i.Metadata,
			Location: Location{i.Region, i.Zone, i.Campus}, Healthy: i.Healthy == nil || *i.Healthy, Weight: 100,
		}
		if i.Weight != nil {
			r.Weight = *i.Weight
		}
		if i.SET != "" {
			r.Metadata = map[string]string{"internal-set-name": i.SET}
		}
		services[r.Service] = true
		instances = append(instances, r)
	}
	var names []Service
	for s := range services {
		names = append(names, s)
	}
	dump, err := json.Marshal(map[string]any{
		"now": f.Now, "sources": sources, "mapping": read(f.Mapping), "routing": read(f.Routing), "instances": instances, "services": names,
	})
	if err != nil {
		return nil, err
	}
	return Read(dump)
}
