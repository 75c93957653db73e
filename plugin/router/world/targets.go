package world

import (
	"fmt"
	"slices"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// WarnOfTargets adds a warning for each lane address whose target is no service. The
// answer to its callers is docs/design.md, 5.4.
func (w *World) WarnOfTargets(problems *strict.Problems) {
	var existing map[route.Service]bool
	for _, address := range w.Rules.All() {
		if !address.IsAddress() {
			continue
		}
		if existing == nil {
			existing = w.existing()
		}
		if existing[w.behind(address.Target)] {
			continue
		}
		get := "callers are told that there is no such service (400202)"
		if name, err := route.ParseService(address.Name); err == nil && existing[w.behind(name)] {
			get = fmt.Sprintf("callers get the whole list of the service %q itself, with every SET", address.Name)
		}
		problems.Add(strict.Warning(address.File, address.Line, address.Col,
			"address %q: its target %q is no service: %s%s", address.Name, address.Target, get, suggestService(address.Target, existing)))
	}
}

// MissingTarget returns the service that is really read for a name, if there is no such
// service: the target of a lane address, or the service of an alias.
func (w *World) MissingTarget(name route.Service) (target route.Service, ok bool) {
	target = w.behind(w.Rules.Resolve(w.findName(name)).Source())
	return target, target != name && !w.existing()[target]
}

// behind returns the service that an alias stands for, and other services as they are.
func (w *World) behind(service route.Service) route.Service {
	if target, ok := w.Aliases[service]; ok {
		return target
	}
	return service
}

// existing returns the services that exist, without aliases.
func (w *World) existing() map[route.Service]bool {
	existing := make(map[route.Service]bool, len(w.Names))
	for _, service := range w.Names {
		existing[service] = true
	}
	for n := range w.Instances {
		existing[w.Instances[n].Service] = true
	}
	return existing
}

// suggestService returns a hint at a service of nearly the same name.
func suggestService(service route.Service, existing map[route.Service]bool) string {
	names := make([]string, 0, len(existing))
	for s := range existing {
		names = append(names, s.String())
	}
	slices.Sort(names)
	if near, ok := strict.Nearest(service.String(), names); ok {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	return ""
}
