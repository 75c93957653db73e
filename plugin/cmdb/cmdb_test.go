package cmdb

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/polarismesh/polaris/common/model"
)

func open(t *testing.T, mapping string) *CMDB {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("mapping.csv", mapping)
	write("server.yaml", "plugin: {cmdb: {name: mapping, option: {files: ["+filepath.Join(dir, "*.csv")+"]}}}")
	c := &CMDB{}
	if err := c.open(filepath.Join(dir, "server.yaml")); err != nil {
		t.Fatal(err)
	}
	return c
}

func place(l *model.Location) string {
	if l == nil {
		return "none"
	}
	return l.Proto.GetRegion().GetValue() + "/" + l.Proto.GetZone().GetValue() + "/" + l.Proto.GetCampus().GetValue()
}

func TestCMDB(t *testing.T) {
	c := open(t, "match,region,zone,campus,set\n10.1.0.0/16,r,z,c,\n10.1.1.0/24,,,,a.b.c\n10.2.0.0/16,,,,a.b.d\nfd00::/16,r,y,,\n")
	for host, want := range map[string]string{
		"10.1.2.3": "r/z/c", "10.1.1.1": "r/z/c", "::ffff:10.1.2.3": "r/z/c", "fd00::1": "r/y/",
		"[::ffff:10.1.2.3]": "r/z/c", "[fd00::1]": "r/y/", "fd00::1%eth0": "r/y/", "[fd00::1": "none",
		"10.2.0.1": "none", "10.9.0.1": "none", "a-host": "none", "": "none",
	} {
		got, err := c.GetLocation(host)
		if err != nil || place(got) != want {
			t.Errorf("%s: %s, %v, want %s", host, place(got), err, want)
		}
	}
	if c.Size() != 4 {
		t.Errorf("size %d, want 4", c.Size())
	}
	seen := map[string]string{}
	err := c.Range(func(host string, l *model.Location) (bool, error) {
		seen[host] = place(l)
		return true, nil
	})
	want := map[string]string{"10.1.0.0/16": "r/z/c", "10.1.1.0/24": "r/z/c", "10.2.0.0/16": "//", "fd00::/16": "r/y/"}
	if diff := cmp.Diff(want, seen); err != nil || diff != "" {
		t.Errorf("range: %v (-want +got):\n%s", err, diff)
	}
}

func TestRangeStops(t *testing.T) {
	c := open(t, "match,region\n10.1.0.0/16,r\n10.2.0.0/16,r\n")
	calls, fault := 0, errors.New("enough")
	for _, end := range []error{nil, fault} {
		calls = 0
		if err := c.Range(func(string, *model.Location) (bool, error) { calls++; return false, end }); !errors.Is(err, end) || calls != 1 {
			t.Errorf("%d calls, %v, want one and %v", calls, err, end)
		}
	}
	if c.Range(nil) == nil {
		t.Error("a nil handler is no error")
	}
}

func TestNotOpen(t *testing.T) {
	if table := (&CMDB{}).table(); table.Len() != 0 {
		t.Errorf("the table of a CMDB that is not in use has %d entries", table.Len())
	}
}
