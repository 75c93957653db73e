package configcenter

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/polaris-contrib/setrouter/internal/configcenter/release"
)

// at is a release of centerName: its type, version, id, and when in seconds it
// was published.
func at(typ string, version, id uint64, second int64, text string) published {
	return published{text: text, release: release.Release{File: centerName, Name: "r", Type: typ, Version: version, ID: id, PublishedAt: time.Unix(second, 0).UTC()}}
}

func (f fixture) inForce() (typ string, version uint64) {
	releases := f.source.Releases()
	if len(releases) != 1 {
		f.t.Fatalf("releases %v", releases)
	}
	return releases[0].Type, releases[0].Version
}

// No release from before the one in force takes its place, whatever the store
// shows; a rollback, and a file that is deleted and published anew, do.
func TestNeverOlder(t *testing.T) {
	const refused = `, which is older than "r" (version 3) that was in force here`
	for _, tt := range []struct {
		name    string
		then    published
		wantErr string
	}{
		{"a replica that lags", at("full", 2, 2, 20, "b"), refused},
		{"published in the same second", at("full", 2, 3, 30, "b"), refused},
		{"one of the same version, deleted since", at("full", 3, 2, 20, "b"), refused},
		{"the store's clock set back", at("full", 4, 4, 10, "b"), ""},
		{"the same, rolled back", at("full", 4, 1, 10, "b"), ""},
		{"rolled back to the first", at("full", 4, 1, 40, "b"), ""},
		{"deleted and published anew", at("full", 1, 4, 40, "b"), ""},
		{"the same in that second", at("full", 1, 4, 30, "b"), ""},
		{"deleted, and the first put in force again", at("full", 1, 1, 40, "b"), ""},
		{"gray, with versions of its own", at("gray", 1, 4, 40, "b"), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, t.TempDir(), at("full", 3, 3, 30, "a"))
			f.start("", "a")
			f.center.publish(tt.then)
			if tt.wantErr == "" {
				f.live.Refresh()
				f.next("", "b")
				return
			}
			for range patientLooks {
				f.live.Refresh()
			}
			f.next(tt.wantErr, "a")
			if _, version := f.inForce(); version != 3 {
				t.Errorf("version %d is in force", version)
			}
			// It catches up, or an operator takes it.
			f.center.publish(at("full", 3, 3, 30, "a"))
			f.live.Refresh()
			f.next("", "a")
			f.center.publish(tt.then)
			if err := f.live.Reload(false); err == nil {
				t.Error("a reload took it")
			}
			f.next(tt.wantErr, "a")
			if err := f.live.Reload(true); err != nil {
				t.Error(err)
			}
			f.next("", "b")
		})
	}
}

// A rollback puts a release in force that was made long ago. The one that it
// replaced is older, though it was made later.
func TestNeverBackBehindARollback(t *testing.T) {
	f := newFixture(t, t.TempDir(), at("full", 3, 3, 30, "a"))
	f.start("", "a")
	f.center.publish(at("full", 4, 1, 40, "b"))
	f.live.Refresh()
	f.next("", "b")
	f.center.publish(at("full", 3, 3, 30, "a")) // a replica that lags
	for range patientLooks {
		f.live.Refresh()
	}
	f.next(`, which is older than "r" (version 4) that was in force here`, "b")
}

// A gray release comes and goes, and what was in force in full before it still
// counts.
func TestGrayAndBack(t *testing.T) {
	f := newFixture(t, t.TempDir(), at("full", 3, 3, 30, "a"))
	f.start("", "a")
	for _, step := range []struct {
		r             published
		typ           string
		version       uint64
		wantErr, want string
	}{
		{at("gray", 4, 4, 40, "b"), "gray", 4, "", "b"},
		{at("full", 3, 3, 30, "a"), "full", 3, "", "a"},
		{at("gray", 5, 5, 50, "c"), "gray", 5, "", "c"},
		{at("full", 2, 2, 20, "z"), "gray", 5, "older than", "c"},
		{at("gray", 5, 5, 50, "c"), "gray", 5, "", "c"},
		{at("full", 6, 6, 60, "c"), "full", 6, "", "c"}, // in full: no other content, and another release
	} {
		f.center.publish(step.r)
		for range patientLooks {
			f.live.Refresh()
		}
		f.next(step.wantErr, step.want)
		if typ, version := f.inForce(); typ != step.typ || version != step.version {
			t.Errorf("%s %d is in force, want %s %d", typ, version, step.typ, step.version)
		}
	}
}

// The copy on disk remembers across a restart which release was in force, a
// gray one too, and none is older than it.
func TestNeverOlderAfterRestart(t *testing.T) {
	dir := t.TempDir()
	f := newFixture(t, dir, at("full", 3, 3, 30, "a"))
	f.start("", "a")
	f.center.publish(at("gray", 4, 4, 40, "b"))
	f.live.Refresh()
	f.next("", "b")

	f = newFixture(t, dir, published{err: errors.New("cannot be read")})
	f.start("cannot be read", "b")
	if typ, version := f.inForce(); typ != "gray" || version != 4 || f.live.Status().CopiedAt.IsZero() {
		t.Errorf("%s %d is in force", typ, version)
	}
	f.center.publish(at("gray", 4, 4, 40, "b"))
	f.live.Refresh()
	f.next("", "b")

	f = newFixture(t, dir, at("full", 2, 2, 20, "z"))
	f.start("older than", "b")
	if s := f.live.Status(); s.CopiedAt.IsZero() || !strings.Contains(s.Err.Error(), "a replica lags") {
		t.Errorf("%+v", s)
	}
	f.center.publish(at("full", 3, 3, 30, "a")) // the gray release has ended meanwhile
	f.live.Refresh()
	f.next("", "a")
}
