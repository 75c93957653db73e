package main

import (
	"strings"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/test/needs"
	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// With the store away the contents in force stay, also across a restart. The
// stock server does not start without its database at all; here the database is
// there, and the releases in it cannot be read.
func TestConfigCenterAway(t *testing.T) {
	needs.Program(t, polaristest.MariaDBPrograms...)
	db, err := polaristest.StartMariaDB()
	done(t, err)
	sql := func(statement string) {
		t.Helper()
		done(t, db.Run(strings.NewReader("USE polaris_server; "+statement+";")))
	}
	killed := false
	t.Cleanup(func() {
		if !killed {
			done(t, db.Kill())
		}
	})
	o := polaristest.Options{Dir: t.TempDir(), Config: inConfigCenter(t), Store: db.Store()}
	first, console := start(t, o)
	registerNovel(t, console, "novel")
	done(t, console.Publish(t.Context(), mappingFile, "m1", mapping))
	done(t, console.Publish(t.Context(), routingFile, "r1", routing))
	caller := polaristest.Request{Source: shanghai, Service: "novel"}
	want := eventually(t, first, caller, "10.11.0.1").Service.Revision
	says(t, first, 0, "!REFUSED")

	sql("CREATE TABLE older LIKE config_file_release; INSERT INTO older SELECT * FROM config_file_release")
	// Deleted and published anew under its name, a file's versions start again.
	done(t, console.Rollback(t.Context(), routingFile, "r1"))
	says(t, first, 0, "full release  r1", "version 2")
	done(t, console.Unpublish(t.Context(), routingFile, "r1"))
	done(t, console.Publish(t.Context(), routingFile, "r1", routing+"# anew\n"))
	says(t, first, 0, "!version 2", "!REFUSED")

	sql("RENAME TABLE config_file_release TO away")
	done(t, first.Kill())
	second, _ := start(t, o)
	if got := discover(t, second, caller); got.Service.Revision != want {
		t.Errorf("with the store away hosts %v, revision %s, want %s", hosts(got), got.Service.Revision, want)
	}
	says(t, second, 1, "in force is the copy on disk, made ", routingSource+": the store of the config center cannot be read: ")
	// A replica that lags, or an old backup: the node does not go back.
	sql("RENAME TABLE older TO config_file_release")
	says(t, second, 1, "in force is the copy on disk, made ", "is older than", "a replica lags")
	if got := discover(t, second, caller); got.Service.Revision != want {
		t.Errorf("beside an old table hosts %v, revision %s, want %s", hosts(got), got.Service.Revision, want)
	}
	// The server's cache asks for what was changed in the last seconds only.
	sql("RENAME TABLE config_file_release TO older, away TO config_file_release; UPDATE config_file_release SET modify_time = sysdate()")
	says(t, second, 0, "!COPY", "!REFUSED")

	killed = true
	done(t, db.Kill())
	wait(t, func() error { // until the server has missed it
		if log := second.StockLog(); !strings.Contains(log, "connection refused") {
			return errorf("the server did not miss its database")
		}
		return nil
	})
	says(t, second, 0, "!COPY", "!REFUSED")
	if got := discover(t, second, caller); got.Service.Revision != want {
		t.Errorf("without the database hosts %v, revision %s, want %s", hosts(got), got.Service.Revision, want)
	}
}
