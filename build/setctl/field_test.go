package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/polaris-contrib/setrouter/internal/chinese"
	"github.com/polaris-contrib/setrouter/internal/strict"
)

var update = flag.Bool("update", false, "write the golden files anew")

// What check prints of each file in testdata/field that is no case file is what an operator
// can use: the right thing, said once. The golden files have it all, in both languages.
func TestCheckOfTheField(t *testing.T) {
	root := filepath.Join("..", "..", "testdata", "field")
	var english, zh strings.Builder
	out := io.MultiWriter(&english, chinese.NewWriter(&zh))
	for _, dir := range []string{"names", "places", "ranges", "small"} {
		names, err := filepath.Glob(filepath.Join(root, dir, "*"))
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: %d files, %v", dir, len(names), err)
		}
		for _, name := range names {
			if strings.Contains(name, ".cases.") || strings.HasSuffix(name, ".json") {
				continue
			}
			var problems strict.Problems
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			short := dir + "/" + filepath.Base(name)
			// The times are of an evacuation in force: it ends within 7 days.
			data = []byte(strings.NewReplacer("2026-11-29T10:00:00Z", soon("T"), "2026-11-29 10:00:00+08:00", soon(" ")).Replace(string(data)))
			result, _ := check([]strict.File{{Name: short, Data: data}}, nil, &problems)
			for _, p := range result.Problems {
				result.OK = result.OK && p.Warning
			}
			fmt.Fprintln(out, "== "+short)
			result.text(out)
		}
	}
	golden(t, filepath.Join(root, "check.golden"), english.String())
	golden(t, filepath.Join(root, "check-zh.golden"), zh.String())
}

// golden compares a text with that of a file, which -update writes anew.
func golden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// soon returns a time tomorrow, with a separator between date and time.
func soon(separator string) string {
	return time.Now().Add(24 * time.Hour).UTC().Format("2006-01-02" + separator + "15:04:05Z")
}
