package strict

import (
	"fmt"
	"strings"
)

// ForeignWord is a key that people paste from the files of another system.
type ForeignWord struct {
	Key     string
	Of      string // the system
	Here    string // what it is here, in one clause
	Differs string // sentences for docs/reference/words.md
}

// ForeignWords are the keys that people paste. A message about an unknown key says what
// the key is here, and docs/reference/words.md has all of them.
var ForeignWords = []ForeignWord{
	{"matchLevel", polarisSDKs, "nearby: {matchLevel: zone}", "The same: the first and narrowest level, `zone` by default."},
	{"maxMatchLevel", polarisSDKs, "nearby: {maxMatchLevel: all}", "The last and widest level. There `\"\"` means `all`; here `\"\"` is refused: write `all`, or leave the key out."},
	{"lowestMatchLevel", olderPolarisGo, "nearby: {maxMatchLevel: all}", "The old name of `maxMatchLevel`. In spite of the name it is the widest level, not the narrowest."},
	{"strictNearby", polarisSDKs, "nearby: {strict: true}", "There a client waits for its own place when it starts, and fails without one. Here a caller without a place gets an empty list."},
	{
		"enableDegradeByUnhealthyPercent", polarisSDKs, "degrade: {by: unhealthy}",
		"`true`, the default there, is `by: unhealthy`, the default here. `false` is nearest to `by: absent`: a road is then left only when it has no instance in service.",
	},
	{
		"unhealthyPercentToDegrade", polarisSDKs, "degrade: {unhealthyPercent: 100}",
		"The same range, 1 to 100, and the same default, 100. Here it is a share of what is on the road, without what earlier roads have. polaris-java compares the healthy of a level with all instances of the service.",
	},
	{"enableRecoverAll", polarisSDKs, "nothing to set: where no road is satisfied, the first one with a usable instance is taken", "[Which road](../design.md#52-roads) has the order."},
	{"percentOfMinInstances", "polaris-go", "degrade: {minUsable: 20%}", "Nearest to it: how much of a tier a road must have."},
	{"nearbyBasedRouter", polarisSDKs, "nearby of a rule", "There each client is configured; here the server decides, and clients stay as they are."},
	{"serviceRouter", polarisSDKs, "rules", "As above."},
	{"enableset", "TARS", "a set in a mapping entry, or internal-set-name in the metadata of an instance", "Who has a SET is in it; there is no switch. `internal-enable-set: N` in the metadata of an instance switches its name off."},
	{
		"setdivision", "TARS", "set: business.area.group in a mapping entry, or internal-set-name in the metadata of an instance",
		"The same name of three segments. The group `*` is the tier `pool`. As TARS does it, a tier is left only when it is empty: `degrade: {tiersBy: absent}`.",
	},
	{"localityLbSetting", istio, "nearby", "There it works with outlier detection alone; here by the health that Polaris has of instances."},
	{"failover", istio, "a map under places, and nearby: {places: NAME}", "There from region to region. Here between regions, zones and campuses, in an order that you draw; what the map does not list has no road."},
	{"failoverPriority", istio, "nearby: {matchLevel: campus, maxMatchLevel: all}", "There labels of pods; here campus, zone and region."},
	{"distribute", istio, "degrade: {overprovision: 140}", "Nearest to it: there are no fixed shares. A road takes what it can carry, and the next ones the rest."},
	{"outlierDetection", istio, "degrade, by the health that Polaris has of instances", "Nobody looks at calls here: heartbeats and health checks of Polaris decide. Clients can eject instances of their list besides."},
	{"minHealthPercent", istio, "nothing to set: where no road is satisfied, the first one with a usable instance is taken", "[Which road](../design.md#52-roads) has the order."},
	{"trafficPolicy", istio, "set, nearby and degrade of a rule", "A rule is for services and kinds of callers."},
	{"subsets", istio, "SETs of instances, and tiers of a rule", "A subset is chosen by labels; a SET is a name that an instance registers, or that the mapping gives it."},
}

// Systems from which people paste.
const (
	polarisSDKs    = "Polaris's SDKs"
	olderPolarisGo = "older versions of polaris-go"
	istio          = "Istio"
)

// foreignWord returns what a key is in another system. Case, "_" and "-" do not matter.
func foreignWord(key string) (word ForeignWord, ok bool) {
	plain := strings.NewReplacer("_", "", "-", "")
	for _, w := range ForeignWords {
		if strings.EqualFold(plain.Replace(key), w.Key) {
			return w, true
		}
	}
	return ForeignWord{}, false
}

// unknownKey returns the end of a message about a key that is none of names.
func unknownKey(key string, names []string) string {
	if word, ok := foreignWord(key); ok {
		if _, isTypo := Nearest(key, names); !isTypo {
			return fmt.Sprintf(", a word of %s; here it is %s", word.Of, word.Here)
		}
	}
	return expected(key, names)
}
