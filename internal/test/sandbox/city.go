package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// httpVariable is the environment variable that has the address of the server's HTTP API.
const httpVariable = "SANDBOX_HTTP"

// Find returns a console of the sandbox that the shell is in.
func Find(ctx context.Context) (*polaristest.Console, error) {
	addr := os.Getenv(httpVariable)
	if addr == "" {
		return nil, errors.New(httpVariable + " is not set: run the command that make sandbox prints first (. .../env)")
	}
	return polaristest.Login(ctx, &polaristest.Server{HTTPAddr: addr})
}

// Switch marks the instances in a city unhealthy, as when their heartbeats stop, or
// healthy again: those of one service, or of all if service is empty. It returns how many
// they are. Polaris knows where they are from the mapping.
func Switch(ctx context.Context, console *polaristest.Console, city, service string, on bool) (int, error) {
	all, err := instances(ctx, console)
	if err != nil {
		return 0, err
	}
	var there []polaristest.Instance
	cities, services := map[string]bool{}, map[string]bool{}
	for _, i := range all {
		if i.Location == nil || i.Location.Zone == "" {
			continue
		}
		cities[i.Location.Zone], services[i.Service] = true, true
		if i.Location.Zone == city && (service == "" || i.Service == service) {
			i.Healthy = on
			there = append(there, i)
		}
	}
	if len(there) == 0 {
		return 0, fmt.Errorf("no instance is there: city %q, service %q; expected a city of %s, and no service or one of %s", city, service, list(cities), list(services))
	}
	return len(there), console.Update(ctx, there...)
}

func list(names map[string]bool) string {
	var sorted []string
	for name := range names {
		sorted = append(sorted, name)
	}
	slices.Sort(sorted)
	return strings.Join(sorted, ", ")
}

// instances returns what is registered, as the console shows it.
func instances(ctx context.Context, console *polaristest.Console) ([]polaristest.Instance, error) {
	text, err := console.Fetch(ctx, "/naming/v1/instances?offset=0&limit=100")
	if err != nil {
		return nil, err
	}
	var reply struct{ Instances []polaristest.Instance }
	return reply.Instances, json.Unmarshal(text, &reply)
}
