package router

import (
	"fmt"
	"slices"

	"github.com/polaris-contrib/setrouter/internal/observe"
	"github.com/polaris-contrib/setrouter/internal/serverconfig"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// kindsCounted is where counting kinds of callers ends.
const kindsCounted = 1 << 16

// warnOfAnswerCache looks at every kind under every rule: nobody waits for it.
func warnOfAnswerCache(config *serverconfig.Config, rules *route.Rules, table *location.Table) {
	if text := answerCacheTooSmall(config, rules, table); text != "" {
		observe.Log.Warn("[SetRouter] " + text)
	}
}

// answerCacheTooSmall says what is wrong with sizeCacheProto, if anything. Each
// kind of caller of each service has an encoded answer; an answer that is not
// kept is encoded anew for each caller who gets it. Services that a glob stands
// for are not counted: it may well be too small where nothing is said. Kinds with
// equal lists share one: it may do where something is said.
func answerCacheTooSmall(config *serverconfig.Config, rules *route.Rules, table *location.Table) string {
	if !slices.Contains(config.Protocols, serverconfig.GRPCName) {
		return ""
	}
	type key struct {
		set      location.SET
		location location.Location
	}
	distinct := map[key]bool{}
	for _, id := range table.Identities() {
		distinct[key{id.SET, id.Location}] = true
	}
	var identities []location.Identity
	for k := range distinct {
		identities = append(identities, location.Identity{SET: k.set, Location: k.location})
	}
	kinds := rules.CountKinds(identities, kindsCounted)
	if kinds <= config.AnswersKept {
		return ""
	}
	return fmt.Sprintf("service-grpc keeps %d encoded answers, and by the rules and mapping files in force callers are of %d kinds, whose answers may differ: "+
		"one that is not kept is encoded anew for each caller; expected enableCacheProto: true and sizeCacheProto: %d or more", config.AnswersKept, kinds, 2*kinds)
}
