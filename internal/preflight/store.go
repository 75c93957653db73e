package preflight

import (
	"errors"
	"fmt"
	"os"
	"time"

	"go.etcd.io/bbolt"
	"gopkg.in/yaml.v3"

	"github.com/polaris-contrib/setrouter/internal/strict"
)

// The embedded store of Polaris v1.18.1, and the file that it takes where the
// configuration names none.
const (
	boltStore   = "boltdbStore"
	defaultPath = "./polaris.bolt"
)

// storeTimeout is how long the stock server waits for its store, too: one that
// is being restarted can still have it open.
const storeTimeout = 5 * time.Second

// Store returns an error if another server has the embedded store open that the
// server configuration of this name asks for. What else is wrong with the
// configuration or the store is not Store's to say.
func Store(configFile string) error { return store(configFile, storeTimeout) }

func store(configFile string, timeout time.Duration) error {
	text, err := os.ReadFile(configFile)
	if err != nil {
		return nil
	}
	var config struct {
		Store struct {
			Name   string
			Option struct{ Path yaml.Node }
		}
	}
	if err := yaml.Unmarshal([]byte(os.ExpandEnv(string(text))), &config); err != nil || config.Store.Name != boltStore {
		return nil
	}
	node := &config.Store.Option.Path
	place, path := strict.Problem{File: configFile, Line: node.Line, Col: node.Column}, defaultPath
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if node.Kind == yaml.ScalarNode {
		path = node.Value
	}
	if !locked(path, timeout) {
		return nil
	}
	place.Message = fmt.Sprintf("store: another server has %q open, expected one server for a store: stop the other one, or give this one a path of its own", path)
	return strict.Error{place}
}

// locked reports whether a bolt file is open for writing, and stays so.
func locked(path string, timeout time.Duration) bool {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true, Timeout: timeout})
	if err == nil {
		_ = db.Close()
	}
	return errors.Is(err, bbolt.ErrTimeout)
}
