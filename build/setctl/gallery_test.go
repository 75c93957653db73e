package main

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/internal/table"
	"github.com/polaris-contrib/setrouter/plugin/router/cases"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

const galleryDir = "testdata/gallery"

// Each example of the gallery is on its pages, whole: its files, what check and test
// say of them, and what was measured. No example is left out.
func TestGallery(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(root)
	examples, err := filepath.Glob(galleryDir + "/*")
	if err != nil || len(examples) == 0 {
		t.Fatal(examples, err)
	}
	for _, page := range []string{"docs/gallery.md", "docs/gallery-zh.md"} {
		shown := map[string]int{}
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		parts := strings.Split(string(text), "\n```")
		dir := ""
		for i, part := range parts {
			if i%2 == 0 {
				if m := regexp.MustCompile(`<!-- gallery (\w+) -->`).FindStringSubmatch(part); m != nil {
					dir = filepath.Join(galleryDir, m[1])
				}
				continue
			}
			info, block, _ := strings.Cut(part, "\n")
			want, ok := galleryBlock(t, dir, info)
			if !ok {
				continue
			}
			shown[dir]++
			parts[i] = info + "\n" + strings.TrimSuffix(want, "\n")
			if diff := cmp.Diff(strings.TrimSpace(want), strings.TrimSpace(block)); diff != "" && !*update {
				t.Errorf("%s: %s of %s (-want +page):\n%s", page, info, dir, diff)
			}
		}
		for _, example := range examples {
			if shown[example] != 4 {
				t.Errorf("%s shows %d blocks of %s, expected 4: mapping, routing, console, measured", page, shown[example], example)
			}
		}
		if *update {
			if err := os.WriteFile(page, []byte(strings.Join(parts, "\n```")), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// galleryBlock returns what a block of the page has to be.
func galleryBlock(t *testing.T, dir, info string) (string, bool) {
	t.Helper()
	switch info {
	case "yaml mapping", "yaml routing":
		text, err := os.ReadFile(filepath.Join(dir, strings.TrimPrefix(info, "yaml ")+".yaml"))
		if err != nil {
			t.Fatal(err)
		}
		return string(text), true
	case "console":
		var out bytes.Buffer
		for _, args := range [][]string{{"check", dir + "/mapping.yaml", dir + "/routing.yaml"}, {"test", caseFile(dir)}} {
			fmt.Fprintf(&out, "$ bin/setctl %s\n", strings.Join(args, " "))
			if code := run(args, &out, &out); code != 0 {
				t.Errorf("setctl %v: exit code %d", args, code)
			}
		}
		return out.String(), true
	case "text measured":
		return measured(t, caseFile(dir)), true
	}
	return "", false
}

func caseFile(dir string) string { return filepath.Join(dir, filepath.Base(dir)+".cases.yaml") }

// measured tells for each case how long the caller's list is without rules and with
// them, which road it is, and what share each SET has of its usable weight.
func measured(t *testing.T, name string) string {
	t.Helper()
	var problems strict.Problems
	file := cases.Load(name, &problems)
	if file == nil {
		t.Fatal(problems.Err())
	}
	stock := file.World
	stock.Rules = route.Load([]strict.File{{Name: "none.yaml", Data: []byte("version: 1\n")}}, time.Now(), &problems)
	var out bytes.Buffer
	w := table.New(&out)
	fmt.Fprintln(w, "CASE\tWITHOUT RULES\tWITH\tROAD\tBY SET\t")
	for _, c := range file.Tests {
		request := world.Request{Addr: c.Caller, Service: c.Service}
		before, got := stock.Explain(request), file.Explain(request)
		without := fmt.Sprint(before.Sent)
		if len(before.Instances) == 0 {
			without = "no such service"
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\t\n", c.Name, without, got.Sent, roadOf(got), bySET(got))
	}
	w.Flush()
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n") + "\n"
}

// roadOf names the chosen road. Clients of xDS get those behind it, too.
func roadOf(e explain.Explanation) string {
	road := strings.TrimSpace(e.Tier + " " + e.Level)
	if len(e.Priorities) > 1 && strings.Contains(e.Service, "envoy") {
		var all []string
		for _, p := range e.Priorities {
			all = append(all, strings.TrimSpace(p.Tier+" "+p.Level))
		}
		return strings.Join(all, ", then ")
	}
	if road == "" {
		return "-"
	}
	return road
}

// bySET returns each SET's share of the usable weight in a list.
func bySET(e explain.Explanation) string {
	weights, sum := map[string]uint32{}, uint32(0)
	for _, i := range e.Instances {
		if i.Sent && i.Usable {
			set := i.SET
			if set == "" {
				set = "no SET"
			}
			weights[set] += i.Weight
			sum += i.Weight
		}
	}
	var out []string
	for _, set := range slices.Sorted(maps.Keys(weights)) {
		out = append(out, fmt.Sprintf("%s %.0f%%", set, math.Round(100*float64(weights[set])/float64(sum))))
	}
	if out == nil {
		return "-"
	}
	return strings.Join(out, ", ")
}
