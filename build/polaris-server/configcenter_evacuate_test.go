package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// The file for evacuations, which has nothing else.
var evacuateFile = polaristest.ConfigFile{Namespace: "Polaris", Group: "setrouter", Name: "evacuate.yaml"}

const (
	evacuateSource = "polaris://Polaris/setrouter/evacuate.yaml"
	noEvacuation   = "version: 1\nevacuate: []\n"
)

// savedAndReleased is the file for evacuations in the config center, from the admin listener.
func savedAndReleased(t *testing.T, s *polaristest.Server) (saved, released, md5 string) {
	t.Helper()
	resp, err := http.Get(s.AdminURL + "/setrouter/v1/configfile?name=" + evacuateSource)
	done(t, err)
	defer resp.Body.Close()
	var is struct {
		Content  string
		Released struct{ Content, Md5 string }
	}
	done(t, json.NewDecoder(resp.Body).Decode(&is))
	return is.Content, is.Released.Content, is.Released.Md5
}

// publish sends an edit to the admin listener, as setctl does.
func publish(t *testing.T, s *polaristest.Server, token, name string, edit map[string]string) (code int, answer string) {
	t.Helper()
	body, err := json.Marshal(edit)
	done(t, err)
	req, err := http.NewRequest(http.MethodPost, s.AdminURL+"/setrouter/v1/configfile?name="+name, bytes.NewReader(body))
	done(t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("x-polaris-token", token)
	resp, err := http.DefaultClient.Do(req)
	done(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	done(t, err)
	return resp.StatusCode, string(text)
}

// An evacuation in the config center is in force on every node, by the hand of
// a user whom Polaris lets publish, and of nobody else.
func TestEvacuateInConfigCenter(t *testing.T) {
	config := strings.Replace(inConfigCenter(t), "["+routingSource+"]", "["+routingSource+", \""+evacuateSource+"\"]", 1)
	server, console := start(t, polaristest.Options{Config: config})
	ctx, caller := t.Context(), polaristest.Request{Source: shanghai, Service: "novel"}
	registerNovel(t, console, "novel")
	reader, err := console.NewUser(ctx, "reader")
	done(t, err)
	done(t, console.Publish(ctx, mappingFile, "m1", mapping))
	if code, out := setctl(t, server, "evacuate", "--set", "qb.novel.h", "--for", "30m", "--reason", "drill"); code != 1 || !strings.Contains(out, "has no routing file in force, see setctl status") {
		t.Errorf("exit code %d: %s", code, out)
	}
	done(t, console.Publish(ctx, routingFile, "r1", routing))
	done(t, console.Publish(ctx, evacuateFile, "e1", noEvacuation))
	done(t, console.Own(ctx, routingFile))
	eventually(t, server, caller, "10.11.0.1")
	evacuate := func(wantCode int, want string, args ...string) string {
		t.Helper()
		if args == nil {
			args = []string{"--set", "qb.novel.h", "--for", "30m", "--reason", "drill"}
		}
		code, out := setctl(t, server, append([]string{"evacuate"}, args...)...)
		if code != wantCode || !strings.Contains(out, want) {
			t.Fatalf("%v: exit code %d: %s, want %d: %s", args, code, out, wantCode, want)
		}
		return out
	}
	unchanged := func(why, want string) {
		t.Helper()
		if _, released, _ := savedAndReleased(t, server); released != want {
			t.Errorf("%s: published was %s", why, released)
		}
	}
	idOf := regexp.MustCompile(`evacuating ([0-9a-f]{8}) in ` + evacuateSource)

	// Who may not.
	evacuate(1, "Polaris refuses to have Polaris/setrouter changed")
	t.Setenv("SETROUTER_POLARIS_TOKEN", "nonsense")
	evacuate(1, "Polaris refuses to have Polaris/setrouter changed")
	var other string
	wait(t, func() (err error) {
		other, err = console.TokenOf(ctx, reader)
		return err
	})
	wait(t, func() error { // until the server knows the policy
		if code, answer := publish(t, server, other, evacuateSource, map[string]string{"base": "none", "content": noEvacuation, "release": "x"}); code != http.StatusForbidden {
			return errorf("a user whom the policy does not name gets %d: %s", code, answer)
		}
		return nil
	})
	t.Setenv("SETROUTER_POLARIS_TOKEN", other)
	evacuate(1, "Polaris refuses to have Polaris/setrouter changed")
	unchanged("refused", noEvacuation)

	// Who may.
	t.Setenv("SETROUTER_POLARIS_TOKEN", console.Token())
	evacuate(0, "dry run, "+evacuateSource+" stays as it is", "--set", "qb.novel.h", "--for", "30m", "--reason", "drill", "--dry-run")
	evacuate(2, "is not region/zone", "--zone", "nowhere", "--for", "30m", "--reason", "drill")
	unchanged("a dry run, and a bad place", noEvacuation)
	_, _, base := savedAndReleased(t, server)
	id := idOf.FindStringSubmatch(evacuate(0, "end it with: setctl evacuate --end "))
	eventually(t, server, caller, "10.13.0.1")
	says(t, server, 0, "full release  setrouter-evacuate-"+id[1])
	history, err := console.Fetch(ctx, "/config/v1/configfiles/releasehistory?namespace=Polaris&group=setrouter&name=evacuate.yaml&limit=1")
	if err != nil || !strings.Contains(string(history), `"createBy": "polaris"`) || !strings.Contains(string(history), "setrouter-evacuate-"+id[1]) || !strings.Contains(string(history), "drill") {
		t.Errorf("the console's history does not say who it was: %s %v", history, err)
	}
	evacuate(1, "has no evacuation", "--end", "12345678")
	// The rules are published from Git meanwhile: the evacuation goes on.
	done(t, console.Publish(ctx, routingFile, "r2", routing+"# from Git\n"))
	says(t, server, 0, "full release  r2", "full release  setrouter-evacuate-"+id[1])
	eventually(t, server, caller, "10.13.0.1")
	evacuate(0, "ended "+id[1], "--end", id[1])
	eventually(t, server, caller, "10.11.0.1")
	unchanged("ended", noEvacuation)

	// Others work in the console meanwhile.
	for _, tt := range []struct {
		edit map[string]string
		code int
		want string
	}{
		{map[string]string{"base": base[1:], "content": noEvacuation, "release": "x"}, 409, "was changed in the config center in the meantime"},
		{map[string]string{"base": base, "content": noEvacuation, "release": "e1"}, 409, `there is a release \"e1\" already`},
		{map[string]string{"base": base, "content": "version: 1\nruels: []\n", "release": "x"}, 400, evacuateSource + ":2:1: unknown key"},
	} {
		if code, answer := publish(t, server, console.Token(), evacuateSource, tt.edit); code != tt.code || !strings.Contains(answer, tt.want) {
			t.Errorf("%v: %d %s, want %d %s", tt.edit, code, answer, tt.code, tt.want)
		}
	}
	unchanged("conflicts", noEvacuation)
	for _, name := range []string{"polaris://Polaris/setrouter/other.yaml", "polaris://Polaris/other/secret", "conf/routing/routing.yaml"} {
		edit := map[string]string{"base": "none", "content": noEvacuation, "release": "x"}
		if code, answer := publish(t, server, console.Token(), name, edit); code != 404 || !strings.Contains(answer, "is not among the files in the server's configuration that are in the config center") {
			t.Errorf("%s: %d %s", name, code, answer)
		}
	}

	// A draft is not published, and not lost.
	const draft = "version: 1\n# half done\n"
	done(t, console.Save(ctx, evacuateFile, draft))
	evacuate(1, "what is saved in the console is not published, and this would replace it")
	if saved, _, _ := savedAndReleased(t, server); saved != draft {
		t.Errorf("the draft is now %s", saved)
	}
	evacuate(0, "evacuating ", "--set", "qb.novel.h", "--for", "30m", "--reason", "drill", "--draft-to", "draft.yaml")
	eventually(t, server, caller, "10.13.0.1")
	if kept, err := os.ReadFile(filepath.Join(server.Dir, "draft.yaml")); err != nil || string(kept) != draft {
		t.Errorf("kept was %q, %v", kept, err)
	}
	if _, released, _ := savedAndReleased(t, server); strings.Contains(released, "half done") {
		t.Error("the draft was published")
	}

	// After a rollback what is saved is no draft: it is in a release.
	done(t, console.Rollback(ctx, evacuateFile, "e1"))
	eventually(t, server, caller, "10.11.0.1")
	evacuate(0, "evacuating ")
	eventually(t, server, caller, "10.13.0.1")
	done(t, console.Rollback(ctx, evacuateFile, "e1"))

	done(t, console.PublishGray(ctx, evacuateFile, "g1", noEvacuation+"# gray\n", "10.9.9.9"))
	evacuate(1, `the gray release "g1" is active, and Polaris publishes nothing beside one: end it first: setctl publish --to `+evacuateSource+` --stop-gray`)
	unchanged("beside a gray release", noEvacuation)
}
