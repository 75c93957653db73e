package sandbox

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// List is what a caller has of a service.
type List struct {
	Caller  Caller
	Service Service
	OK      bool   // the list has an instance
	Text    string // the hosts, or the SDK's error
}

// Lists asks every caller for its lists. The SDK polls the server every 2 to 4 seconds;
// between that it answers from memory.
func (s *Sandbox) Lists() ([]List, error) {
	var lists []List
	for _, c := range s.Company.Callers {
		for _, service := range c.Asks {
			got, err := s.Consumers.Get(c.Name, service.Namespace, service.Name)
			if err != nil {
				return nil, err
			}
			lists = append(lists, List{c, service, len(got.Instances) > 0, text(got)})
		}
	}
	return lists, nil
}

// text is a list for people, the highest weight first. A weight is said where it is not
// the usual one.
func text(got polaristest.Got) string {
	if got.Error != "" {
		return got.Error
	}
	if len(got.Instances) == 0 {
		return "nothing"
	}
	byWeight := map[int][]string{}
	for _, i := range got.Instances {
		name := i.Host
		if !i.Healthy || i.Isolated {
			name += " (not usable)"
		}
		byWeight[i.Weight] = append(byWeight[i.Weight], name)
	}
	var groups []string
	for _, weight := range slices.Backward(slices.Sorted(maps.Keys(byWeight))) {
		slices.Sort(byWeight[weight])
		group := strings.Join(byWeight[weight], " ")
		if weight != usualWeight {
			group += fmt.Sprintf(" (weight %d each)", weight)
		}
		groups = append(groups, group)
	}
	return strings.Join(groups, ", ")
}
