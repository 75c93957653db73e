package configcenter

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/polarismesh/polaris/common/model"
	apimodel "github.com/polarismesh/specification/source/go/api/v1/model"

	"github.com/polaris-contrib/setrouter/internal/configcenter/release"
)

// other returns an earlier release, which is not in force.
func other(name string, typ model.ReleaseType) *model.SimpleConfigFileRelease {
	r := released(typ, 2, "old").SimpleConfigFileRelease
	key := *r.ConfigFileReleaseKey
	key.Name = name
	r.ConfigFileReleaseKey, r.Active = &key, false
	return r
}

// Rollbacks and ends of gray releases are refused where they would do something else than
// was looked at.
func TestSwitch(t *testing.T) {
	full, gray, good := released(model.ReleaseTypeFull, 3, "a"), released(model.ReleaseTypeGray, 1, "x"), Operator{Token: "good"}
	ended := []*model.SimpleConfigFileRelease{other("r0", model.ReleaseTypeFull), other("g0", model.ReleaseTypeGray)}
	for _, tt := range []struct {
		why   string
		cache fakeCache
		stop  bool
		to    release.Switch
		by    Operator
		code  apimodel.Code
		want  string
	}{
		{"back", fakeCache{full: full, ended: ended}, false, release.Switch{Base: md5Of("a"), Release: "r0"}, good, 0, `<nil> [roll back name:<value:"r0" > namespace:<value:"n" > group:<value:"g" > file_name:<value:"d/f.yaml" > ]`},
		{"nobody", fakeCache{full: full, ended: ended}, false, release.Switch{Base: md5Of("a"), Release: "r0"}, Operator{}, 0, "no []"},
		{"another base", fakeCache{full: full, ended: ended}, false, release.Switch{Base: md5Of("b"), Release: "r0"}, good, 0, name + ": was changed in the config center in the meantime; nothing was published, try again []"},
		{"nothing published", fakeCache{ended: ended}, false, release.Switch{Release: "r0"}, good, 0, "in the meantime; nothing was published, try again []"},
		{"what there is not", fakeCache{full: full, ended: ended}, false, release.Switch{Base: md5Of("a"), Release: "none"}, good, 0, name + `: there is no release "none", see setctl history []`},
		{"a gray one", fakeCache{full: full, ended: ended}, false, release.Switch{Base: md5Of("a"), Release: "g0"}, good, 0, name + `: release "g0" was a gray one; publish its text anew []`},
		{"what is in force", fakeCache{full: full, ended: ended}, false, release.Switch{Base: md5Of("a"), Release: "r"}, good, 0, name + `: release "r" is in force, nothing was changed []`},
		{"beside a gray one", fakeCache{full: full, gray: gray, ended: ended}, false, release.Switch{Base: md5Of("a"), Release: "r0"}, good, 0, `the gray release "r" is active`},
		{"a fault", fakeCache{full: full, ended: ended}, false, release.Switch{Base: md5Of("a"), Release: "r0"}, good, apimodel.Code_StoreLayerException, name + ": the config center answers with code 500001"},
		{"end", fakeCache{full: full, gray: gray}, true, release.Switch{Release: "r"}, good, 0, `<nil> [stop name:<value:"r" > namespace:<value:"n" > group:<value:"g" > file_name:<value:"d/f.yaml" > ]`},
		{"end nothing", fakeCache{full: full}, true, release.Switch{Release: "r"}, good, 0, name + ": no gray release is active, nothing was ended []"},
		{"end another one", fakeCache{full: full, gray: gray}, true, release.Switch{Release: "g1"}, good, 0, name + `: the gray release that is active is "r", and not "g1"; nothing was ended, try again []`},
	} {
		if tt.code == 0 {
			tt.code = apimodel.Code_ExecuteSuccess
		}
		c, server := warmed(&tt.cache), &fakeServer{code: tt.code}
		c.parts.server, c.parts.files = server, fakeFiles{full: tt.cache.full}
		ask := c.Rollback
		if tt.stop {
			ask = c.StopGray
		}
		published, err := ask(name, tt.to, tt.by)
		got := fmt.Sprint(err, " ", server.done)
		if !strings.Contains(got, tt.want) {
			t.Errorf("%s: %s, want %s", tt.why, got, tt.want)
		}
		if err == nil && published.Release != tt.to.Release {
			t.Errorf("%s: %+v", tt.why, published)
		}
		if tt.to.Release == "none" && !errors.Is(err, ErrAbsent) {
			t.Errorf("%s: %T", tt.why, err)
		}
	}
}

// A gray release is saved first, and published for the nodes at some addresses. Where
// somebody saves something else at that moment, the release is ended.
func TestPublishGray(t *testing.T) {
	full, good := released(model.ReleaseTypeFull, 3, "a"), Operator{Token: "good"}
	gray := func(content string) map[string]*model.ConfigFileRelease {
		r := released(model.ReleaseTypeGray, 4, content)
		r.Name = "g1"
		return map[string]*model.ConfigFileRelease{"g1": r}
	}
	for _, tt := range []struct {
		why       string
		addresses []string
		published map[string]*model.ConfigFileRelease
		want      []string // parts of what is done
		fault     string
	}{
		{"one node", []string{"10.0.0.7"}, gray("b"), []string{"update", `key:"CLIENT_IP" value:<value:<value:"10.0.0.7" > >`}, ""},
		{"two nodes", []string{"10.0.0.7", "::1"}, gray("b"), []string{"update", `key:"CLIENT_IP" value:<type:IN value:<value:"10.0.0.7,::1" > >`}, ""},
		{"no address", []string{"node-1"}, gray("b"), nil, `"node-1" is not the address of a server node`},
		{"another saved meanwhile", []string{"10.0.0.7"}, gray("c"), []string{"update", "CLIENT_IP", "stop"}, "in the meantime"},
	} {
		c, server := warmed(&fakeCache{full: full}), &fakeServer{code: apimodel.Code_ExecuteSuccess}
		c.parts.server, c.parts.files = server, fakeFiles{full: full, published: tt.published}
		out, err := c.Publish(name, release.Edit{Base: md5Of("a"), Content: "b", Release: "g1", Draft: md5Of("draft"), Gray: tt.addresses}, good)
		if (err == nil) != (tt.fault == "") || err != nil && !strings.Contains(err.Error(), tt.fault) {
			t.Errorf("%s: %v, want %s", tt.why, err, tt.fault)
		}
		if err == nil && out.Tag != releaseOf(name, tt.published["g1"].SimpleConfigFileRelease).Tag() {
			t.Errorf("%s: %+v", tt.why, out)
		}
		for n, want := range tt.want {
			if n >= len(server.done) || !strings.Contains(server.done[n], want) {
				t.Errorf("%s: did %q, want %q", tt.why, server.done, tt.want)
				break
			}
		}
		if len(server.done) != len(tt.want) || len(server.got) > 0 {
			t.Errorf("%s: did %q and %v", tt.why, server.done, server.got)
		}
	}
}

func TestHistory(t *testing.T) {
	at := time.Date(2026, 12, 1, 10, 0, 0, 0, time.UTC)
	event := func(typ, name, file string) *model.ConfigFileReleaseHistory {
		return &model.ConfigFileReleaseHistory{Type: typ, Name: name, Group: "g", FileName: file, CreateTime: at, CreateBy: "ann", ReleaseDescription: "why"}
	}
	full, gray := released(model.ReleaseTypeFull, 3, "a"), released(model.ReleaseTypeGray, 4, "b")
	c := warmed(&fakeCache{full: full, gray: gray, ended: []*model.SimpleConfigFileRelease{other("r0", model.ReleaseTypeFull)}})
	c.parts.files = fakeFiles{full: full, history: []*model.ConfigFileReleaseHistory{
		event("rollback", "r", "d/f.yaml"), event("normal", "x", "d/f.yaml.old"), event("cancel-gray", "g0", "d/f.yaml"), event("betaing", "g0", "d/f.yaml"),
		event("delete", "r9", "d/f.yaml"), event("clean", "r8", "d/f.yaml"), event("normal", "r", "d/f.yaml"),
	}}
	h, err := c.History(name)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range h.Releases {
		got = append(got, fmt.Sprint(e.Release.Name, " ", e.Release.Type, " ", e.Release.Version, " ", e.Active, " ", e.Gray, " ", e.Tag == e.Release.Tag()))
	}
	for _, e := range h.Events {
		got = append(got, fmt.Sprint(e.At.Format(time.TimeOnly), " ", e.What, " ", e.Release, " ", e.By, " ", e.Why))
	}
	want := []string{
		"r gray 4 true [10.0.0.7 10.0.0.8] true", "r full 3 true [] true", "r0 full 2 false [] true",
		"10:00:00 rolled back to r ann why", "10:00:00 gray ended g0 ann why", "10:00:00 published gray g0 ann why", "10:00:00 deleted r9 ann why", "10:00:00 clean r8 ann why", "10:00:00 published r ann why",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := c.History("polaris://n/g/none"); err != nil { // the fake has releases of every name
		t.Error(err)
	}
	if _, err := warmed(&fakeCache{}).History("polaris://n/g/none"); !errors.Is(err, ErrAbsent) {
		t.Errorf("of nothing: %v", err)
	}
	if r, err := c.Released(name, "r"); err != nil || r.Content != "a" {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := c.Released(name, "none"); !errors.Is(err, ErrAbsent) {
		t.Errorf("of nothing: %v", err)
	}
}
