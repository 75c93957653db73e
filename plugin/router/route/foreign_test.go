package route

import (
	"testing"

	"github.com/polaris-contrib/setrouter/internal/strict"
)

// Who pastes a key of another system is told what it is here.
func TestForeignWords(t *testing.T) {
	const begin = "version: 1\nrules:\n- {name: a, service: d/s, "
	for text, want := range map[string]string{
		"nearby: {strictNearby: true}}":                     `r.yaml:3:36: unknown key "strictNearby", a word of Polaris's SDKs; here it is nearby: {strict: true}`,
		"nearby: {lowestMatchLevel: all}}":                  `r.yaml:3:36: unknown key "lowestMatchLevel", a word of older versions of polaris-go; here it is nearby: {maxMatchLevel: all}`,
		"nearby: {unhealthyPercentToDegrade: 100}}":         `r.yaml:3:36: unknown key "unhealthyPercentToDegrade", a word of Polaris's SDKs; here it is degrade: {unhealthyPercent: 100}`,
		"nearby: {enableDegradeByUnhealthyPercent: false}}": `r.yaml:3:36: unknown key "enableDegradeByUnhealthyPercent", a word of Polaris's SDKs; here it is degrade: {by: unhealthy}`,
		"matchLevel: zone}":                                 `r.yaml:3:27: unknown key "matchLevel", a word of Polaris's SDKs; here it is nearby: {matchLevel: zone}`,
		"max_match_level: zone}":                            `r.yaml:3:27: unknown key "max_match_level", a word of Polaris's SDKs; here it is nearby: {maxMatchLevel: all}`,
		"nearby: {max_match_level: zone}}":                  `r.yaml:3:36: unknown key "max_match_level"; did you mean "maxMatchLevel"?`,
		"nearby: {maxMatchLevel: \"\"}}":                    `r.yaml:3:51: found "", which is all in Polaris's SDKs, expected all, or no key maxMatchLevel`,
		"nearbyBasedRouter: {}}":                            `r.yaml:3:27: unknown key "nearbyBasedRouter", a word of Polaris's SDKs; here it is nearby of a rule`,
		"setdivision: a.b.c}":                               `r.yaml:3:27: unknown key "setdivision", a word of TARS; here it is set: business.area.group in a mapping entry, or internal-set-name in the metadata of an instance`,
		"enableset: Y}":                                     `r.yaml:3:27: unknown key "enableset", a word of TARS; here it is a set in a mapping entry, or internal-set-name in the metadata of an instance`,
		"localityLbSetting: {failover: []}}":                `r.yaml:3:27: unknown key "localityLbSetting", a word of Istio; here it is nearby`,
		"nearby: {failover: []}}":                           `r.yaml:3:36: unknown key "failover", a word of Istio; here it is a map under places, and nearby: {places: NAME}`,
		"outlierDetection: {}}":                             `r.yaml:3:27: unknown key "outlierDetection", a word of Istio; here it is degrade, by the health that Polaris has of instances`,
		"degraed: {}}":                                      `r.yaml:3:27: unknown key "degraed"; did you mean "degrade"?`,
	} {
		var problems strict.Problems
		Load([]strict.File{{Name: "r.yaml", Data: []byte(begin + text + "\n")}}, today, &problems)
		got := ""
		if err := problems.Err(); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", text, got, want)
		}
	}
}
