package configcenter

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/polarismesh/polaris/common/model"
)

// A gray release is in force on the node that has its labels, and is no longer
// when it has ended.
func TestGrayRelease(t *testing.T) {
	cache, rules := &fakeCache{full: released(model.ReleaseTypeFull, 1, "a")}, &fakeRules{}
	c := warmed(cache)
	c.parts.grays = rules
	want := func(content, typ string) {
		t.Helper()
		data, r, err := c.Read(name)
		if string(data) != content || r.Type != typ || r.File != name || err != nil {
			t.Errorf("%q of %+v, %v, want %q, %s", data, r, err, content, typ)
		}
	}
	want("a", "full")
	full := c.Version(name)

	cache.gray, rules.now = released(model.ReleaseTypeGray, 2, "b"), thisNode
	if c.Version(name) == full {
		t.Error("a gray release for this node changed no version")
	}
	want("b", "gray")
	cache.gray.Content = "half"
	if _, _, err := c.Read(name); !errors.Is(err, errUnsettled) {
		t.Error(err)
	}
	cache.gray = nil // stopped; the cache keeps its labels
	if c.Version(name) != full {
		t.Error("the end of the gray release left its version")
	}
	want("a", "full")

	// The labels of the next one are another node's.
	cache.gray, rules.now = released(model.ReleaseTypeGray, 3, "c"), map[string]string{model.ClientLabel_IP: "10.0.0.8"}
	want("a", "full")
	updates := rules.updates
	want("a", "full")
	if rules.updates != updates {
		t.Error("the labels of a gray release are read again and again")
	}

	// The same release, published again for this node.
	cache.gray, rules.now = released(model.ReleaseTypeGray, 3, "c"), thisNode
	cache.gray.ModifyTime = time.Unix(40, 0)
	want("c", "gray")

	// While the labels cannot be read, neither release is taken.
	cache.gray, rules.away = released(model.ReleaseTypeGray, 4, "d"), errors.New("connection refused")
	if _, _, err := c.Read(name); !errors.Is(err, errUnsettled) || !strings.Contains(err.Error(), `the labels of gray release "r": the store of the config center cannot be read: connection refused`) {
		t.Error(err)
	}
	away := c.Version(name)
	rules.away, rules.now = nil, thisNode
	if c.Version(name) == away {
		t.Error("the version did not change when the labels could be read")
	}
	want("d", "gray")

	cache.full, cache.gray = nil, released(model.ReleaseTypeGray, 5, "e")
	want("e", "gray") // never published in full
}
