package configcenter

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	v1 "github.com/polarismesh/polaris/common/api/v1"
	"github.com/polarismesh/polaris/common/model"
	"github.com/polarismesh/polaris/common/utils"
	apiconfig "github.com/polarismesh/specification/source/go/api/v1/config_manage"
	apimodel "github.com/polarismesh/specification/source/go/api/v1/model"

	"github.com/polaris-contrib/setrouter/internal/configcenter/release"
)

// fakeFiles are what is saved in the console.
type fakeFiles struct {
	full      *model.ConfigFileRelease
	published map[string]*model.ConfigFileRelease
	history   []*model.ConfigFileReleaseHistory
}

func (f fakeFiles) GetConfigFile(_, _, name string) (*model.ConfigFile, error) {
	switch name {
	case "f.yaml", "d/f.yaml":
		return &model.ConfigFile{Content: "draft", Format: "yaml", Comment: "mine", Metadata: map[string]string{"team": "a"}}, nil
	case "secret":
		return &model.ConfigFile{Content: "?", Encrypt: true}, nil
	case "away":
		return nil, errors.New("connection refused")
	}
	return nil, nil
}

func (f fakeFiles) GetConfigFileActiveRelease(*model.ConfigFileKey) (*model.ConfigFileRelease, error) {
	return f.full, nil
}

func (f fakeFiles) GetConfigFileRelease(key *model.ConfigFileReleaseKey) (*model.ConfigFileRelease, error) {
	if f.full != nil && key.Name == f.full.Name {
		return f.full, nil
	}
	return f.published[key.Name], nil
}

func (f fakeFiles) QueryConfigFileReleaseHistories(map[string]string, uint32, uint32) (uint32, []*model.ConfigFileReleaseHistory, error) {
	return uint32(len(f.history)), f.history, nil
}

func TestSaved(t *testing.T) {
	c := warmed(&fakeCache{})
	for name, want := range map[string]string{
		"polaris://n/g/f.yaml": "{polaris://n/g/f.yaml draft " + md5Of("draft") + " true <nil> <nil>} <nil>",
		"polaris://n/g/secret": "is encrypted; save it without encryption",
		"polaris://n/g/away":   "the store of the config center cannot be read: connection refused",
		"polaris://n/g/none":   "nothing is saved under this name",
		"f.yaml":               "is no name in the config center",
	} {
		if saved, err := c.Saved(name); !strings.Contains(fmt.Sprint(saved, err), want) {
			t.Errorf("%s: %v %v, want %s", name, saved, err, want)
		}
	}
	if _, err := (&Center{}).Saved("polaris://n/g/f.yaml"); err == nil {
		t.Error("a store was read before there was one")
	}
	full, gray := released(model.ReleaseTypeFull, 3, "a"), released(model.ReleaseTypeGray, 1, "b")
	cache := &fakeCache{full: full, gray: gray}
	c = warmed(cache)
	c.parts.files = fakeFiles{full: full}
	saved, err := c.Saved(name)
	if err != nil || !saved.Draft || saved.Released.Content != "a" || saved.Released.Release.Version != 3 || saved.Gray.Version != 1 {
		t.Errorf("%+v, %v", saved, err)
	}
	// What was rolled back from is in a release: it is no draft.
	ended := released(model.ReleaseTypeFull, 2, "draft").SimpleConfigFileRelease
	ended.Active, cache.ended = false, []*model.SimpleConfigFileRelease{ended}
	if saved, err := c.Saved(name); err != nil || saved.Draft {
		t.Errorf("%+v, %v", saved, err)
	}
}

// fakeServer is the server's config center, which lets one token publish.
type fakeServer struct {
	code apimodel.Code
	got  []*apiconfig.ConfigFilePublishInfo
	done []string
}

func (s *fakeServer) Allow(ctx context.Context, namespace, group string) (context.Context, error) {
	if utils.ParseAuthToken(ctx) != "good" {
		return nil, Denied("no")
	}
	return ctx, nil
}

func (s *fakeServer) CasUpsertAndReleaseConfigFile(_ context.Context, r *apiconfig.ConfigFilePublishInfo) *apiconfig.ConfigResponse {
	s.got = append(s.got, r)
	return v1.NewConfigResponse(s.code)
}

// did notes what the server is asked for besides.
func (s *fakeServer) did(what string, message fmt.Stringer) *apiconfig.ConfigResponse {
	s.done = append(s.done, what+" "+message.String())
	return v1.NewConfigResponse(s.code)
}

func (s *fakeServer) CreateConfigFile(_ context.Context, f *apiconfig.ConfigFile) *apiconfig.ConfigResponse {
	return s.did("create", f)
}

func (s *fakeServer) UpdateConfigFile(_ context.Context, f *apiconfig.ConfigFile) *apiconfig.ConfigResponse {
	return s.did("update", f)
}

func (s *fakeServer) PublishConfigFile(_ context.Context, r *apiconfig.ConfigFileRelease) *apiconfig.ConfigResponse {
	return s.did("publish", r)
}

func (s *fakeServer) RollbackConfigFileRelease(_ context.Context, r *apiconfig.ConfigFileRelease) *apiconfig.ConfigResponse {
	return s.did("roll back", r)
}

func (s *fakeServer) StopGrayConfigFileRelease(_ context.Context, r *apiconfig.ConfigFileRelease) *apiconfig.ConfigResponse {
	return s.did("stop", r)
}

func TestPublish(t *testing.T) {
	full, good := released(model.ReleaseTypeFull, 3, "a"), Operator{Token: "good"}
	edit := release.Edit{Base: md5Of("a"), Content: "b", Release: "new", Draft: md5Of("draft")}
	with := func(change func(*release.Edit)) release.Edit {
		e := edit
		change(&e)
		return e
	}
	for _, tt := range []struct {
		why   string
		cache fakeCache
		file  string
		edit  release.Edit
		by    Operator
		code  apimodel.Code
		want  string
		asked bool // the stock server was
	}{
		{"fine", fakeCache{full: full}, name, edit, good, apimodel.Code_ExecuteSuccess, "", true},
		{"a wrong token", fakeCache{full: full}, name, edit, Operator{Token: "bad"}, 0, "no", false},
		{"nobody", fakeCache{full: full}, name, edit, Operator{}, 0, "no", false},
		{"no file", fakeCache{}, "polaris://n/g/none", edit, good, 0, "nothing is saved", false},
		{"nothing published", fakeCache{}, name, edit, good, 0, "nothing is published under this name any more; nothing was published", false},
		{"a gray release", fakeCache{full: full, gray: released(model.ReleaseTypeGray, 1, "x")}, name, edit, good, 0, `the gray release "r" is active`, false},
		{"another base", fakeCache{full: full}, name, with(func(e *release.Edit) { e.Base = md5Of("z") }), good, 0, "in the meantime", false},
		{"a draft", fakeCache{full: full}, name, with(func(e *release.Edit) { e.Draft = "" }), good, 0, "would be lost", false},
		{"another draft", fakeCache{full: full}, name, with(func(e *release.Edit) { e.Draft = md5Of("z") }), good, 0, "would be lost", false},
		{"a name that is there", fakeCache{full: full}, name, with(func(e *release.Edit) { e.Release = "r" }), good, 0, "already", false},
		{"a bad name", fakeCache{full: full}, name, with(func(e *release.Edit) { e.Release = "a b" }), good, 0, "is not one of", false},
		{"a race", fakeCache{full: full}, name, edit, good, apimodel.Code_DataConflict, "in the meantime", true},
		{"a fault", fakeCache{full: full}, name, edit, good, apimodel.Code_StoreLayerException, "answers with code 500001", true},
	} {
		c, server := warmed(&tt.cache), &fakeServer{code: tt.code}
		c.parts.server, c.parts.files = server, fakeFiles{full: tt.cache.full}
		_, err := c.Publish(tt.file, tt.edit, tt.by)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", tt.why, err, tt.want)
		}
		if (len(server.got) > 0) != tt.asked {
			t.Errorf("%s: the stock server got %v", tt.why, server.got)
		}
		if tt.want == "nothing is saved" && !errors.Is(err, ErrAbsent) {
			t.Errorf("%s: %T", tt.why, err)
		}
		if tt.asked {
			got := server.got[0]
			if got.GetContent().GetValue() != "b" || got.GetMd5().GetValue() != md5Of("draft") || got.GetFormat().GetValue() != "yaml" ||
				got.GetComment().GetValue() != "mine" || model.ToTagMap(got.GetTags())["team"] != "a" || got.GetReleaseName().GetValue() != "new" {
				t.Errorf("%s: %v", tt.why, got)
			}
		}
	}
}
