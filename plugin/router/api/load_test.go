package api_test

import (
	"fmt"
	"testing"

	"github.com/polaris-contrib/setrouter/plugin/router/api"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

func TestLoadStatus(t *testing.T) {
	road := func(service string, usable, seen int, times float64) world.RoadLoad {
		return world.RoadLoad{Service: service, Rule: "r", Where: "a.b.* in r1/z1", Usable: usable, Seen: seen, Times: times}
	}
	tests := []struct {
		name  string
		roads []world.RoadLoad
		asked bool
		want  string
	}{
		{"nobody asked", nil, false, "0.0 highest, 0 over, 0 listed, 0 more: no road carries more than when everything works"},
		{"everything works", nil, true, "1.0 highest, 0 over, 0 listed, 0 more: no road carries more than when everything works"},
		{"less than when everything works", []world.RoadLoad{road("d/s", 3, 9, 1.04), road("d/s", 3, 9, 0.5)}, true, "1.0 highest, 0 over, 0 listed, 0 more: no road carries more than when everything works"},
		{"three times is not above", []world.RoadLoad{road("d/s", 2, 9, 3)}, true, "3.0 highest, 0 over, 1 listed, 0 more: d/s, rule r: 2 usable instances of a.b.* in r1/z1 carry 3.0 times what the callers put on their first road when everything works"},
		{"a handful of callers is listed, and is not over", []world.RoadLoad{road("d/few", 2, 4, 12), road("d/s", 1, 5, 6), road("d/t", 2, 9, 2)}, true, "12.0 highest, 1 over, 2 listed, 1 more: d/s, rule r: 1 usable instance of a.b.* in r1/z1 carries 6.0 times what the callers put on their first road when everything works"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := api.NewLoadStatus(tt.roads, tt.asked, 2)
			if got := fmt.Sprintf("%.1f highest, %d over, %d listed, %d more: %s", s.Highest, s.Over, len(s.Roads), s.More, s.Text()); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}
