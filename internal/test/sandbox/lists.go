package sandbox

import (
	"fmt"
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

// text is a list for people.
func text(got polaristest.Got) string {
	if got.Error != "" {
		return got.Error
	}
	if len(got.Instances) == 0 {
		return "nothing"
	}
	var hosts []string
	for _, i := range got.Instances {
		hosts = append(hosts, host(i.Host, i.Healthy && !i.Isolated, i.Weight))
	}
	slices.Sort(hosts)
	return strings.Join(hosts, " ")
}

// host is an instance in the text of a list. A weight is said where it is not the usual one.
func host(name string, usable bool, weight int) string {
	if weight != usualWeight {
		name += fmt.Sprintf(" (weight %d)", weight)
	}
	if !usable {
		name += " (not usable)"
	}
	return name
}
