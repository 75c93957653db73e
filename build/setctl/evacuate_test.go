package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/polaris-contrib/setrouter/internal/strict"
)

// Entries go into a file and out of it, and the rest of its text stays.
func TestEvacuationEdits(t *testing.T) {
	const entry = `{region: "south", until: 2026-11-25T00:00:00Z, reason: "x"}`
	tests := []struct{ name, before, after string }{
		{"no key", "version: 1 # c\nrules: []\n", "version: 1 # c\nrules: []\nevacuate:\n  - " + entry + "\n"},
		{"no newline at the end", "version: 1", "version: 1\nevacuate:\n  - " + entry + "\n"},
		{"empty list", "version: 1\nevacuate: [] # none\nrules: []\n", "version: 1\nevacuate:\n  - " + entry + "\nrules: []\n"},
		{"before others, with comments", "version: 1\nevacuate: # c\n    # d\n    - {region: r, until: 2026-11-25T00:00:00Z} # e\nrules: []\n",
			"version: 1\nevacuate: # c\n    # d\n    - " + entry + "\n    - {region: r, until: 2026-11-25T00:00:00Z} # e\nrules: []\n"},
		{"others in block form", "version: 1\nevacuate:\n- region: r\n  until: 2026-11-25T00:00:00Z\n",
			"version: 1\nevacuate:\n- " + entry + "\n- region: r\n  until: 2026-11-25T00:00:00Z\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := addEntry(strict.File{Name: "r.yaml", Data: []byte(tt.before)}, entry)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.after, got); diff != "" {
				t.Errorf("added (-want +got):\n%s", diff)
			}
			line := 1 + strings.Count(got[:strings.Index(got, entry)], "\n")
			back, err := removeEntry(strict.File{Name: "r.yaml", Data: []byte(got)}, line)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(back, "south") || !strings.HasPrefix(back, "version: 1") {
				t.Errorf("removed: %q", back)
			}
		})
	}
	for text, want := range map[string]string{
		"version: 1\r# old\r": "r.yaml: a line ends in another way than by a newline, as on old systems; this command edits files with lines by newlines", // a panic, found by FuzzEdit
		"{version: 1}":        "r.yaml: the file is written in braces; this command edits files with a key a line",
		"version: 1\nevacuate: [{region: r, until: 2026-11-25T00:00:00Z}]": "r.yaml:2: the list is in brackets; this command edits lists with an entry a line, each after a dash",
	} {
		if _, err := addEntry(strict.File{Name: "r.yaml", Data: []byte(text)}, entry); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

func TestEvacuateCommand(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "r.yaml")
	const before = "version: 1 # mine\nrules: [{name: r, service: default/s, nearby: {}}]\n"
	if err := os.WriteFile(file, []byte(before), 0o640); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link.yaml")
	if err := os.Symlink("r.yaml", link); err != nil {
		t.Fatal(err)
	}
	code, out, errs := setctl(t, "evacuate", "--set", "qb.novel.*", "--for", "30m", "--reason", "drill", "--file", link)
	id := regexp.MustCompile(`evacuating ([0-9a-f]{8})`).FindStringSubmatch(out)
	if code != 0 || id == nil {
		t.Fatalf("exit code %d: %s%s", code, out, errs)
	}
	info, err := os.Lstat(link)
	if err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the symlink is now %v, %v", info.Mode(), err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("the mode is now %v, %v", info.Mode(), err)
	}
	if code, out, errs := setctl(t, "evacuate", "--end", id[1], "--file", link); code != 0 {
		t.Errorf("exit code %d: %s%s", code, out, errs)
	}
	text, err := os.ReadFile(file)
	if err != nil || string(text) != before {
		t.Errorf("after the end: %q, %v", text, err)
	}
	// One of several files: another has its aliases.
	part := filepath.Join(dir, "part.yaml")
	if err := os.WriteFile(part, []byte("version: 1\nrules: [{name: r, service: default/s, set: {caller: \"a.b.{caller.zone|alias}\"}}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out, errs := setctl(t, "evacuate", "--set", "a.b.c", "--for", "30m", "--reason", "drill", "--file", part); code != 0 {
		t.Errorf("exit code %d: %s%s", code, out, errs)
	}
	for args, want := range map[string]string{
		"--region south --zone south/sz --for 1m --reason x": "setctl: 2 places are given, expected one of --region, --zone, --campus and --set, or --end",
		"--for 1m --reason x":                                "setctl: 0 places are given, expected one of --region, --zone, --campus and --set, or --end",
		"--zone sz --for 1m --reason x":                      `setctl: --zone: zone "sz" is not region/zone`,
		"--set a.b --for 1m --reason x":                      `setctl: --set: SET name "a.b" has 2 segments`,
		"--region south --for 1m":                            "setctl: no --reason, expected a few words for those who see it at night",
		"--region south --end 12345678":                      "setctl: --end and --region are both given, expected one of them",
		"--region south --for 1m --reason x --fail-on x":     `setctl: --fail-on "x" is no word of a plan`,
	} {
		code, _, errs := setctl(t, append([]string{"evacuate", "--file", file}, strings.Fields(args)...)...)
		if code != 2 || !strings.HasPrefix(errs, want) {
			t.Errorf("%s: exit code %d: %s", args, code, errs)
		}
	}
}
