package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const exported = "ip,region,state\n10.0.0.1,r,up\n10.0.0.2,r,down\n10.0.0.3,r,up\n10.0.0.3,r,up\nx,r,up\n"

// What `setctl import` writes where, and its exit codes (docs/design.md, 7).
func TestImport(t *testing.T) {
	const report = "e.csv: 2 entries from 5 rows\n" +
		"left out: 1 row: state is not \"up\"\n    \"down\" (e.csv:3)\n" +
		"left out: 1 address: \"...\" is not an address, expected an IP, a CIDR prefix or a range a-b\n" +
		"    e.csv:6: \"x\" is not an address, expected an IP, a CIDR prefix or a range a-b\n" +
		"left out: 1 entry: an earlier row says the same\n    e.csv:5: 10.0.0.3, first in e.csv:4\n"
	const mapping = "match,region\n10.0.0.1,r\n10.0.0.3,r\n"
	all := "--from e.csv --match ip --region region --where state=up"
	for _, c := range []struct {
		args           string
		code           int
		stdout, stderr string
		file           string // what out.csv has then
	}{
		{all, 0, mapping, report, "before"},
		{all + " --to out.csv", 0, "", report, mapping},
		{all + " --to out.csv --strict", 1, "", report + "setctl: e.csv: 1 left out, and with --strict nothing is written\n", "before"},
		{
			"--from e.csv --match ip --region region --where state=Up --to out.csv", 1, "",
			"e.csv: 0 entries from 5 rows\nleft out: 5 rows: state is not \"Up\"\n    \"up\" (e.csv:2)\n    \"down\" (e.csv:3)\n" +
				"setctl: e.csv: nothing was taken, and nothing is written\n", "before",
		},
		{"--from none.csv --match ip --region region", 1, "", "setctl: none.csv: cannot be read: no such file or directory\n", "before"},
		{"--from e.csv --match IP --region region", 1, "", "setctl: e.csv: no column is named \"IP\"; did you mean \"ip\"?\n", "before"},
		{"--match ip", 2, "", "setctl: --from is missing, expected the file that the CMDB exported\n", "before"},
		{"--from e.csv --match ip --label lane", 2, "", "setctl: --label \"lane\" is no label, expected KEY=COLUMN or KEY==TEXT\n", "before"},
		{"--from e.csv --match ip --encoding big5", 2, "", "setctl: --encoding \"big5\" is not known, expected gbk, or none for UTF-8\n", "before"},
		{"--from e.csv --match ip --region =r --names none.csv", 1, "", "setctl: none.csv: cannot be read: no such file or directory\n", "before"},
		{
			"-o json --from e.csv --match ip --label lane==gray --where state=down", 0, "match,label.lane\n10.0.0.2,gray\n",
			"{\n  \"from\": \"e.csv\",\n  \"rows\": 5,\n  \"entries\": 1,\n  \"leftOut\": [\n    {\n      \"reason\": \"state is not \\\"down\\\"\",\n      \"count\": 4,\n" +
				"      \"noun\": \"row\",\n      \"examples\": [\n        \"\\\"up\\\" (e.csv:2)\"\n      ],\n      \"harmless\": true\n    }\n  ],\n  \"notes\": []\n}\n", "before",
		},
	} {
		t.Run(c.args, func(t *testing.T) {
			dir := t.TempDir()
			t.Chdir(dir)
			for name, text := range map[string]string{"e.csv": exported, "out.csv": "before"} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			var stdout, stderr bytes.Buffer
			code := run(append([]string{"import"}, strings.Fields(c.args)...), &stdout, &stderr)
			file, err := os.ReadFile("out.csv")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]any{c.code, c.stdout, c.stderr, c.file}, []any{code, stdout.String(), stderr.String(), string(file)}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// The reasons that are printed are bounded, however many there are.
func TestImportSaysNoFlood(t *testing.T) {
	var text strings.Builder
	text.WriteString("ip,region\n")
	for n := range 200 {
		text.WriteString(strings.Repeat("x", n+1) + "/8,r\n" + strings.Repeat("1", n+1) + ".0.0.0/8,r\n10.0.0.1,\n")
	}
	file := filepath.Join(t.TempDir(), "e.csv")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	if code := run([]string{"import", "--from", file, "--match", "ip", "--region", "region"}, &stdout, &stderr); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if lines := strings.Count(stderr.String(), "\n"); lines > 20 {
		t.Errorf("%d lines:\n%s", lines, stderr.String())
	}
}
