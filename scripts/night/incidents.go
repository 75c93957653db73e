package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
)

// incident is something that happens in the night, and what everybody must say of it.
type incident struct {
	name       string
	begin, end func(context.Context, *town) error
	lasts      time.Duration // at least, in a whole night

	lists  map[string]string // hosts of the callers whose names begin so; others have their usual list
	metric func(look) bool   // the metrics say it
	alerts []string          // that must fire, and no others
	colour api.Colour
	cause  api.CauseKind
	says   string // in the first lines of setctl status
	code   int    // its exit code at worst
}

// The lists of callers.
const (
	pool    = "10.4.10.1 10.4.10.2"
	nothing = ""
)

// usual are the lists of callers when all is well.
var usual = map[string]string{
	"order in Shanghai": "10.1.10.1 10.1.10.2 10.1.10.3", "payment in Shanghai": "10.1.20.1 10.1.20.2",
	"order in Shenzhen": "10.2.10.1 10.2.10.2 10.2.10.3", "payment in Shenzhen": "10.2.20.1 10.2.20.2",
	"order in Beijing": "10.3.10.1 10.3.10.2 10.3.10.3",
}

// callersIn reports whether the metric has callers in a state.
func callersIn(state string) func(look) bool {
	return func(l look) bool { return l.sum("setrouter_callers{", fmt.Sprintf("state=%q", state)) > 0 }
}

// isAway reports whether a backing service is away from all three nodes.
func isAway(kind string) func(look) bool {
	return func(l look) bool { return l.sum("setrouter_backing_up{", fmt.Sprintf("kind=%q", kind)) == 0 }
}

// incidents are the night, in its order.
var incidents = []incident{
	{
		name: "a city goes dark",
		begin: func(_ context.Context, t *town) error {
			t.setDark(true, "10.1.10.", "10.1.20.")
			return nil
		},
		end: func(_ context.Context, t *town) error {
			t.setDark(false, "10.1.10.", "10.1.20.")
			return nil
		},
		// Payments have no other SET: they get their own dead ones, which is what unusable is.
		lists:  map[string]string{"order in Shanghai": pool},
		metric: callersIn("unusable"), alerts: []string{"SetrouterListsWidened", "SetrouterUnusableLists"},
		colour: api.ColourRed, cause: api.CauseNothing, says: "1 caller without a usable instance: default/pay for shop.pay.sh in -, by rule pay, has 0 of 2 usable", code: 1,
	},
	{
		name: "a pool is overloaded",
		begin: func(_ context.Context, t *town) error {
			t.setDark(true, "10.1.10.", "10.2.10.", "10.3.10.")
			return nil
		},
		end: func(_ context.Context, t *town) error {
			t.setDark(false, "10.1.10.", "10.2.10.", "10.3.10.")
			return nil
		},
		lists:  map[string]string{"order": pool},
		metric: func(l look) bool { return l.most("setrouter_load{") > 3 }, alerts: []string{"SetrouterListsWidened", "SetrouterOverloaded"},
		colour: api.ColourAmber, cause: api.CauseLoad, says: "AMBER  overloaded: ",
	},
	{
		name: "a SET is published with a slip",
		begin: func(ctx context.Context, t *town) error {
			slip := strings.Replace(mapping, "127.2.10.0/24, region: south, zone: shenzhen, set: shop.order.sz", "127.2.10.0/24, region: south, zone: shenzhen, set: shop.ordre.sz", 1)
			return t.publish(ctx, slip)
		},
		end: func(ctx context.Context, t *town) error {
			_, err := t.do(ctx, "rollback", mappingName)
			return err
		},
		lists:  map[string]string{"order in Shenzhen": nothing},
		metric: callersIn("empty"), alerts: []string{"SetrouterEmptyLists"},
		colour: api.ColourRed, cause: api.CauseNothing, says: "6 callers without a usable instance: default/order for shop.ordre.sz in -, by rule order, has 0 of 0 usable", code: 1,
	},
	{
		name: "a node is killed",
		begin: func(_ context.Context, t *town) error {
			n := t.nodes[2]
			if err := n.server.Crash(); err != nil {
				return err
			}
			for k, s := range seats { // the load balancer sees it
				if nodeOf(k) == 2 {
					t.sdk.Move(s.name, t.nodes[k%2].server)
				}
			}
			return nil
		},
		end: func(ctx context.Context, t *town) (err error) {
			n := t.nodes[2]
			o := n.options
			o.Replaces = n.server
			n.server, err = polaristest.Start(ctx, n.On(o))
			return err
		},
		lasts:  3 * time.Minute,
		metric: func(l look) bool { return l.sum(`setrouter_nodes{`, `standing="silent"`) > 0 },
		colour: api.ColourAmber, cause: api.CauseDisagree, says: "does not answer: connect: connection refused", code: 1,
	},
	{
		name:   "the database is away",
		begin:  func(_ context.Context, t *town) error { return t.shared.DB.Stop() },
		end:    func(_ context.Context, t *town) error { return t.shared.DB.Start() },
		metric: isAway("store"), alerts: []string{"SetrouterStoreAway"},
		colour: api.ColourAmber, cause: api.CauseStore, says: "AMBER  the store has not answered this node for ",
	},
	{
		name:   "Redis is away",
		begin:  func(_ context.Context, t *town) error { return t.shared.Redis.Kill() },
		end:    func(_ context.Context, t *town) error { return t.shared.Redis.Start() },
		metric: isAway("heartbeats"), alerts: []string{"SetrouterHeartbeatsAway"},
		colour: api.ColourAmber, cause: api.CauseHeartbeats, says: "AMBER  the keeper of heartbeats (Redis, or the leader) has not answered this node for ",
	},
	{
		name: "a city is evacuated",
		begin: func(ctx context.Context, t *town) error {
			_, err := t.do(ctx, "evacuate", "--zone", "north/beijing", "--for", "1h", "--reason", "a drill")
			return err
		},
		end: func(ctx context.Context, t *town) error {
			out, err := t.do(ctx, "status")
			id := regexp.MustCompile(`(?m)^  ([0-9a-f]{8})  zone north/beijing`).FindStringSubmatch(out)
			if id == nil {
				return errors.Join(err, fmt.Errorf("status names no evacuation: %s", out))
			}
			_, err = t.do(ctx, "evacuate", "--end", id[1])
			return err
		},
		lists:  map[string]string{"order in Beijing": pool},
		metric: func(l look) bool { return l.sum("setrouter_evacuations") == 3 && callersIn("widened")(l) }, alerts: []string{"SetrouterListsWidened"},
		colour: api.ColourAmber, cause: api.CauseWidened, says: "AMBER  6 callers have a later road than the first",
	},
}
