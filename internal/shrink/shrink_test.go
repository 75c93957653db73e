package shrink

import (
	"fmt"
	"testing"
)

func TestCheck(t *testing.T) {
	rules := func(lost, total int) Loss { return Loss{"rules would be lost", lost, total, "rule \"a\" of r.yaml:3"} }
	addresses := func(lost, total int) Loss { return Loss{"addresses would be lost", lost, total, "b of r.yaml:9"} }
	const end = "; more than 30% (shrinkGuardPercent) is taken for an accident; if that is meant, setctl reload --force"
	for _, tt := range []struct {
		name    string
		losses  Losses
		percent int
		gone    []string
		want    string
	}{
		{"nothing", Losses{}, 30, nil, "<nil>"},
		{"as many as may be", Losses{Groups: [][]Loss{{rules(3, 10)}}}, 30, nil, "<nil>"},
		{"one more", Losses{Groups: [][]Loss{{rules(4, 10)}}}, 30, nil, "refused: 4 of 10 rules would be lost (40%), as rule \"a\" of r.yaml:3" + end},
		{"a share that is no whole number", Losses{Groups: [][]Loss{{rules(301, 1000)}}}, 30, nil, "refused: 301 of 1000 rules would be lost (30.1%), as rule \"a\" of r.yaml:3" + end},
		{"hardly more", Losses{Groups: [][]Loss{{rules(30001, 100000)}}}, 30, nil, "refused: 30001 of 100000 rules would be lost (30.1%), as rule \"a\" of r.yaml:3" + end},
		{"the worst of a group", Losses{Groups: [][]Loss{{rules(4, 10), addresses(1, 2)}}}, 30, nil, "refused: 1 of 2 addresses would be lost (50%), as b of r.yaml:9" + end},
		{"the first of equal ones", Losses{Groups: [][]Loss{{rules(5, 10), addresses(1, 2)}}}, 30, nil, "refused: 5 of 10 rules would be lost (50%), as rule \"a\" of r.yaml:3" + end},
		{"each group", Losses{Groups: [][]Loss{{rules(4, 10)}, {addresses(1, 2)}}}, 30, nil,
			"refused: 4 of 10 rules would be lost (40%), as rule \"a\" of r.yaml:3; 1 of 2 addresses would be lost (50%), as b of r.yaml:9" + end},
		{"all, where all may be lost", Losses{Groups: [][]Loss{{rules(10, 10)}}}, 100, nil, "<nil>"},
		{"one, where none may be lost", Losses{Groups: [][]Loss{{rules(1, 10)}}}, 0, nil,
			"refused: 1 of 10 rules would be lost (10%), as rule \"a\" of r.yaml:3; more than 0% (shrinkGuardPercent) is taken for an accident; if that is meant, setctl reload --force"},
		{"none, where none may be lost", Losses{Groups: [][]Loss{{rules(0, 10), addresses(0, 0)}}}, 0, nil, "<nil>"},
		{"a file that is gone", Losses{Groups: [][]Loss{{rules(2, 10)}}, ByFile: map[string]int{"b.yaml": 2}}, 100, []string{"a.yaml", "b.yaml"},
			"b.yaml: is gone, and 2 entries with it; put it back, or if that is meant, setctl reload --force"},
		{"a file that is gone with one", Losses{ByFile: map[string]int{"b.yaml": 1}}, 30, []string{"b.yaml"},
			"b.yaml: is gone, and 1 entry with it; put it back, or if that is meant, setctl reload --force"},
		{"a file that is gone, and whose entries are elsewhere", Losses{ByFile: map[string]int{"c.yaml": 2}}, 30, []string{"b.yaml"}, "<nil>"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := fmt.Sprint(tt.losses.Check(tt.percent, tt.gone)); got != tt.want {
				t.Errorf("%s\nwant %s", got, tt.want)
			}
		})
	}
}
