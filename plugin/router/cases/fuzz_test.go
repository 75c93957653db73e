package cases

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/internal/test/fuzztest"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// FuzzLoad reads case files, runs their tests, writes them as a dump and reads
// that: the state is the same.
func FuzzLoad(f *testing.F) {
	for _, text := range fuzztest.Texts(f, "testdata/cases/*.cases.yaml", "plugin/router/explain/testdata/world.yaml") {
		f.Add(text)
	}
	f.Add("mapping: m.csv\nrouting: [r.yaml]\nnow: 2026-11-24T00:00:00Z\nsources: [mapping, report]\nservices: [default/s]\n" +
		"instances: [{id: i, service: default/s, host: 10.0.0.1, set: a.b.c, region: r, weight: 7, metadata: {k: v}}]\naliases: [{alias: a/b, service: default/s}]\n" +
		"clients: [{host: 10.0.0.2, region: r}]\ncallers: [{address: \"::1\", requests: 3}]\npods: [{host: 10.0.0.3, set: a.b.c, labels: {k: v}}, {host: 10.0.0.4, shared: true}]\n" +
		"tests: [{name: t, caller: 10.0.0.1, service: default/s, want: [10.0.0.1], rule: r, tier: own, level: all}]\n")
	f.Add("tests: [{caller: 10.0.0.1, service: default/s, want: []}]\n")
	dir := f.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	write := func(t testing.TB, name string, data []byte) {
		if err := os.WriteFile(at(name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(f, "m.csv", []byte("match,region,set\n10.0.0.0/24,r,a.b.c\n"))
	write(f, "r.yaml", []byte("version: 1\nrules: [{name: r, service: default/*, set: {}, nearby: {}}]\nevacuate: [{set: a.b.d, until: 2026-11-25T00:00:00Z}]\n"))
	f.Fuzz(func(t *testing.T, text string) {
		write(t, "c.yaml", []byte(text))
		var problems strict.Problems
		var file *File
		fuzztest.Bounded(t, len(text), func() { file = Load(at("c.yaml"), &problems) })
		var own []strict.Problem
		for _, p := range problems.List() {
			if p.File == at("c.yaml") {
				own = append(own, p)
			}
		}
		fuzztest.Problems(t, []byte(text), own)
		if (file == nil) != (problems.Err() != nil) {
			t.Fatalf("file %v beside %v", file, problems.Err())
		}
		if file == nil {
			return
		}
		for _, test := range file.Tests {
			_, differences := file.Run(test)
			if _, again := file.Run(test); !reflect.DeepEqual(differences, again) {
				t.Errorf("%v, then %v", differences, again)
			}
		}
		checkDump(t, file, at, write)
	})
}

// checkDump takes a state to a dump and back, as JSON and as a case file.
func checkDump(t *testing.T, file *File, at func(string) string, write func(testing.TB, string, []byte)) {
	file.Sort()
	dump := world.NewDump(&file.World, nil, nil)
	dump.Now = dump.Now.UTC().Truncate(time.Second)
	before, err := json.Marshal(dump)
	if err != nil {
		t.Fatal(err)
	}
	var read world.Dump
	if err := json.Unmarshal(before, &read); err != nil {
		t.Fatal(err)
	}
	var problems strict.Problems
	back := read.World(&problems)
	if back == nil {
		t.Fatal(problems.Err())
	}
	compare(t, "as JSON", before, world.NewDump(back, nil, nil))

	var text bytes.Buffer
	if err := Write(&text, dump, nil, nil); err != nil {
		t.Fatal(err)
	}
	write(t, "d.yaml", text.Bytes())
	again := Load(at("d.yaml"), &problems)
	if again == nil {
		t.Fatalf("%v in\n%s", problems.Err(), &text)
	}
	compare(t, "as a case file", before, world.NewDump(&again.World, nil, nil))
}

func compare(t *testing.T, how string, before []byte, dump world.Dump) {
	t.Helper()
	dump.Now = dump.Now.UTC()
	after, err := json.Marshal(dump)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(before, after) {
		t.Errorf("%s:\nbefore %s\nafter  %s", how, before, after)
	}
}
