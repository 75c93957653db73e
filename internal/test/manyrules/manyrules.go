// Package manyrules writes routing files of many rules, for benchmarks.
package manyrules

import (
	"fmt"
	"strings"
)

// File returns a routing file with n rules for other services, half of them globs, and
// behind them the rules of last, in the form of a list in YAML; and with a lane address
// for every ten rules.
func File(n int, last ...string) string {
	var b strings.Builder
	b.WriteString("version: 1\nrules:\n")
	for i := range n {
		fmt.Fprintf(&b, "  - {name: other-%d, service: %q, set: {}}\n", i, pattern(i))
	}
	for _, rule := range last {
		fmt.Fprintf(&b, "  - %s\n", rule)
	}
	for i := range n / 10 {
		if i == 0 {
			b.WriteString("addresses:\n")
		}
		fmt.Fprintf(&b, "  - {service: default/lane-%d, target: default/%s, set: {callee: a.b.c}}\n", i, Service(i))
	}
	return b.String()
}

// Service returns the name of a service for which rule i is, in namespace default.
func Service(i int) string { return fmt.Sprintf("svc-%d.core", i) }

// pattern returns the services of rule i: a name, or a name with a wildcard at its end or
// at its beginning.
func pattern(i int) string {
	switch i % 4 {
	case 1:
		return fmt.Sprintf("default/svc-%d.*", i)
	case 3:
		return "*/" + Service(i)
	}
	return "default/" + Service(i)
}
