package configcenter

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	cachetypes "github.com/polarismesh/polaris/cache/api"
	"github.com/polarismesh/polaris/common/model"
	apimodel "github.com/polarismesh/specification/source/go/api/v1/model"
	"go.uber.org/goleak"
)

// The server's packages start goroutines of their own when they are imported.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m, goleak.IgnoreCurrent()) }

const name = "polaris://n/g/d/f.yaml"

// fakeCache is the server's cache, with at most one release of each type.
type fakeCache struct {
	full, gray *model.ConfigFileRelease
	ended      []*model.SimpleConfigFileRelease
	away       error
	hangs      chan struct{} // not nil: until it is closed
	updates    int
	reads      int
}

// fakeRules is the server's cache of the labels of gray releases. It learns
// those of now by an update, as the real one.
type fakeRules struct {
	now, known map[string]string
	away       error
	updates    int
}

func (r *fakeRules) Update() error {
	if r.updates++; r.away == nil {
		r.known = r.now
	}
	return r.away
}

func (r *fakeRules) HitGrayRule(name string, labels map[string]string) bool {
	return name == "config@n@g@d/f.yaml" && r.known != nil && maps.Equal(r.known, labels)
}

func (r *fakeRules) GetGrayRule(string) []*apimodel.ClientLabel {
	labels, _ := grayLabels([]string{"10.0.0.7", "10.0.0.8"})
	return labels
}

func (c *fakeCache) Update() error {
	c.updates++
	if c.hangs != nil {
		<-c.hangs
	}
	return c.away
}

func (c *fakeCache) GetGroupActiveReleases(namespace, group string) (out []*model.ConfigFileRelease, _ string) {
	for _, r := range []*model.ConfigFileRelease{c.gray, c.full} {
		if r != nil && r.Namespace == namespace && r.Group == group {
			out = append(out, &model.ConfigFileRelease{SimpleConfigFileRelease: r.SimpleConfigFileRelease})
		}
	}
	return out, ""
}

func (c *fakeCache) GetActiveGrayRelease(namespace, group, file string) *model.ConfigFileRelease {
	return (&fakeCache{full: c.gray}).GetActiveRelease(namespace, group, file)
}

func (c *fakeCache) QueryReleases(*cachetypes.ConfigReleaseArgs) (uint32, []*model.SimpleConfigFileRelease, error) {
	out := slices.Clone(c.ended)
	for _, r := range []*model.ConfigFileRelease{c.gray, c.full} {
		if r != nil {
			out = append(out, r.SimpleConfigFileRelease)
		}
	}
	return uint32(len(out)), out, c.away
}

func (c *fakeCache) GetActiveRelease(namespace, group, file string) *model.ConfigFileRelease {
	c.reads++
	if c.full == nil || c.full.Namespace != namespace || c.full.Group != group || c.full.FileName != file {
		return nil
	}
	return c.full
}

func released(typ model.ReleaseType, version uint64, content string) *model.ConfigFileRelease {
	return &model.ConfigFileRelease{Content: content, SimpleConfigFileRelease: &model.SimpleConfigFileRelease{
		ConfigFileReleaseKey: &model.ConfigFileReleaseKey{Namespace: "n", Group: "g", FileName: "d/f.yaml", Name: "r", ReleaseType: typ},
		Version:              version, Md5: md5Of(content), Metadata: map[string]string{}, Active: true,
	}}
}

func warmed(cache releases) *Center {
	c := &Center{}
	c.OnWarm(func() {})
	c.warm(func() (*serverParts, error) {
		return &serverParts{releases: cache, grays: &fakeRules{}, files: fakeFiles{}, labels: thisNode}, nil
	})
	return c
}

var thisNode = map[string]string{model.ClientLabel_IP: "10.0.0.7"}

func TestRead(t *testing.T) {
	cache := &fakeCache{full: released(model.ReleaseTypeFull, 1, "a"), gray: released(model.ReleaseTypeGray, 2, "b")}
	c := warmed(cache)
	if data, _, err := c.Read(name); string(data) != "a" || err != nil {
		t.Errorf("%q, %v", data, err)
	}
	// The same content in a later release is another version, and a gray release
	// for other nodes is none.
	reads, first := cache.reads, c.Version(name)
	cache.gray = released(model.ReleaseTypeGray, 3, "c")
	if again := c.Version(name); again != first || cache.reads != reads {
		t.Errorf("a gray release changed the version from %q to %q, or a content was read", first, again)
	}
	cache.full = released(model.ReleaseTypeFull, 4, "a")
	if again := c.Version(name); again == first {
		t.Error("the version did not change")
	}
	cache.full.Content = "half" // the cache has the new release and the old content
	if _, _, err := c.Read(name); !errors.Is(err, errUnsettled) || !strings.Contains(err.Error(), `release "r"`) {
		t.Error(err)
	}
	cache.full = released(model.ReleaseTypeFull, 5, "a")
	cache.full.Metadata[model.MetaKeyConfigFileDataKey] = "key"
	if _, _, err := c.Read(name); err == nil || !strings.Contains(err.Error(), "is encrypted") {
		t.Error(err)
	}
	if cache.updates != 0 {
		t.Errorf("the store was asked %d times for what the cache has", cache.updates)
	}
}

// An empty cache is an empty store only if the store can be read.
func TestEmptyOrAway(t *testing.T) {
	cache := &fakeCache{away: errors.New("connection refused")}
	c := warmed(cache)
	version := c.Version(name)
	if _, _, err := c.Read(name); err == nil || errors.Is(err, ErrAbsent) || !strings.Contains(err.Error(), "the store of the config center cannot be read: connection refused") {
		t.Error(err)
	}
	cache.away = errors.New("read tcp 10.0.0.7:41234: i/o timeout")
	if again := c.Version(name); again != version {
		t.Errorf("a load for each error of a store that is away: %s, then %s", version, again)
	}
	cache.away = nil
	if c.Version(name) == version {
		t.Error("the version did not change when the store came back")
	}
	if _, _, err := c.Read(name); !errors.Is(err, ErrAbsent) || !strings.HasPrefix(err.Error(), "nothing is published") {
		t.Error(err)
	}
	updates := cache.updates
	cache.away = errors.New("away again")
	if _, _, err := c.Read(name); !errors.Is(err, ErrAbsent) || cache.updates != updates {
		t.Error(err)
	}
}

// A store that hangs is away, and is asked once.
func TestHangs(t *testing.T) {
	storePatience = time.Millisecond
	t.Cleanup(func() { storePatience = 3 * time.Second })
	cache := &fakeCache{hangs: make(chan struct{})}
	c := warmed(cache)
	for range 2 {
		if _, _, err := c.Read(name); err == nil || err.Error() != "the store of the config center does not answer" {
			t.Error(err)
		}
	}
	c.mu.Lock()
	q := c.asking["releases"]
	c.mu.Unlock()
	close(cache.hangs)
	<-q.done
	if _, _, err := c.Read(name); !errors.Is(err, ErrAbsent) || cache.updates != 1 {
		t.Errorf("%v, asked %d times", err, cache.updates)
	}
}

// Before the caches are warm nothing is read; a panic or a closed config center
// does not go further.
func TestWarm(t *testing.T) {
	c := &Center{}
	if _, _, err := c.Read(name); err == nil || c.Version(name) == "" {
		t.Error("a cold cache was read")
	}
	var order []string
	c.OnWarm(func() { order = append(order, "mapping"); panic("a bug") })
	c.OnWarm(func() { order = append(order, "routing") })
	for range 2 {
		c.warm(func() (*serverParts, error) { return nil, errors.New("off") })
	}
	if got := strings.Join(order, " "); got != "mapping routing" {
		t.Errorf("called: %s", got)
	}
	if _, _, err := c.Read(name); err == nil {
		t.Error("a config center that is off was read")
	}
}
