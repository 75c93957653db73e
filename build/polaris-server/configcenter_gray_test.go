package main

import (
	"strings"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// thisNode is self_address in the configuration of the servers of these tests.
const thisNode = "127.0.0.1"

// A gray release is in force on the nodes that have its labels, and nowhere
// else, until it is stopped or deleted.
func TestGrayRelease(t *testing.T) {
	o := polaristest.Options{Dir: t.TempDir(), Config: inConfigCenter(t)}
	server, console := start(t, o)
	ctx, caller := t.Context(), polaristest.Request{Source: shanghai, Service: "novel"}
	registerNovel(t, console, "novel")
	done(t, console.Publish(ctx, mappingFile, "m1", mapping))
	done(t, console.Publish(ctx, routingFile, "r1", routing))
	eventually(t, server, caller, "10.11.0.1")
	says(t, server, 0, "full release  r1")

	// settled is past the moment when a change before it would be in force.
	moved := mapping
	settled := func(release string) {
		t.Helper()
		moved += "  - {match: 10.99." + release[1:] + ".0/24, set: qb.novel.h}\n"
		done(t, console.Publish(ctx, mappingFile, release, moved))
		says(t, server, 0, "full release  "+release+" ")
	}
	toPool := strings.Replace(routing, "set: {}}", "set: {tiers: [pool]}}", 1)
	done(t, console.PublishGray(ctx, routingFile, "g1", toPool, thisNode))
	eventually(t, server, caller, "10.13.0.1")
	says(t, server, 0, "gray release  g1")
	if err := console.Publish(ctx, routingFile, "r2", routing); err == nil {
		t.Error("the stock server published a full release beside the gray one, and the pages say that it does not")
	}
	done(t, console.Rollback(ctx, routingFile, "r1")) // works beside it, and does not end it
	settled("m2")
	says(t, server, 0, "gray release  g1")
	done(t, console.StopGray(ctx, routingFile))
	eventually(t, server, caller, "10.11.0.1")
	says(t, server, 0, "!gray release", "full release  r1", "version 2")

	// The server still has the labels of g1 when it learns of g2.
	done(t, console.PublishGray(ctx, routingFile, "g2", toPool, "10.9.9.9"))
	settled("m3")
	eventually(t, server, caller, "10.11.0.1")
	if strings.Contains(server.Log(), `"g2"`) {
		t.Error("a gray release for another node was in force here for a moment")
	}
	done(t, console.StopGray(ctx, routingFile))

	// A gray release that is deleted is over; one that is not outlives a restart.
	done(t, console.PublishGray(ctx, routingFile, "g3", toPool, thisNode))
	eventually(t, server, caller, "10.13.0.1")
	done(t, console.Unpublish(ctx, routingFile, "g3"))
	eventually(t, server, caller, "10.11.0.1")
	done(t, console.PublishGray(ctx, routingFile, "g4", toPool, thisNode))
	want := eventually(t, server, caller, "10.13.0.1").Service.Revision
	done(t, server.Kill())
	server, _ = start(t, o)
	if got := discover(t, server, caller); got.Service.Revision != want {
		t.Errorf("after the restart hosts %v, revision %s, want %s", hosts(got), got.Service.Revision, want)
	}
}
