package preflight

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.etcd.io/bbolt"
)

func TestStore(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir) // for the default path
	for _, name := range []string{"held.bolt", "polaris.bolt"} {
		db, err := bbolt.Open(name, 0o600, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
	}
	if err := os.WriteFile("other.bolt", []byte("no database"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("STORE", filepath.Join(dir, "held.bolt"))
	says := func(place, path string) string {
		return fmt.Sprintf("%s: store: another server has %q open, expected one server for a store: stop the other one, or give this one a path of its own", place, path)
	}
	for _, tt := range []struct{ name, config, want string }{
		{"open elsewhere", "store:\n  name: boltdbStore\n  option: {path: ./held.bolt}\n", says("open elsewhere.yaml:3:18", "./held.bolt")},
		{"by a variable", "store: {name: boltdbStore, option: {path: $STORE}}\n", says("by a variable.yaml:1:43", filepath.Join(dir, "held.bolt"))},
		{"by an alias", "x: &x held.bolt\nstore: {name: boltdbStore, option: {path: *x}}\n", says("by an alias.yaml:2:43", "held.bolt")},
		{"default path", "store: {name: boltdbStore}\n", says("default path.yaml", "./polaris.bolt")},
		{"not there yet", "store: {name: boltdbStore, option: {path: new.bolt}}\n", ""},
		{"no database", "store: {name: boltdbStore, option: {path: other.bolt}}\n", ""},
		{"another kind of store", "store: {name: defaultStore, option: {path: held.bolt}}\n", ""},
		{"no store", "apiservers: []\n", ""},
		{"not YAML", "store: [", ""},
	} {
		if err := os.WriteFile(tt.name+".yaml", []byte(tt.config), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Run(tt.name, func(t *testing.T) {
			got := ""
			if err := store(tt.name+".yaml", 100*time.Millisecond); err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	if err := Store("nowhere.yaml"); err != nil {
		t.Errorf("no configuration: %v", err)
	}
}

// A server that ends in time leaves its store to the next.
func TestStoreIsLeft(t *testing.T) {
	t.Chdir(t.TempDir())
	db, err := bbolt.Open("left.bolt", 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("c.yaml", []byte("store: {name: boltdbStore, option: {path: left.bolt}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(storeTimeout/50, func() { db.Close() })
	if err := Store("c.yaml"); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat("left.bolt"); err != nil {
		t.Error(err)
	}
}
