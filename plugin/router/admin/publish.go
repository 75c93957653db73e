package admin

import (
	"fmt"
	"slices"
	"strings"

	"github.com/polaris-contrib/setrouter/internal/configcenter"
	"github.com/polaris-contrib/setrouter/internal/configcenter/release"
	"github.com/polaris-contrib/setrouter/internal/serverconfig"
	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/router"
)

// PublishConfigFile publishes a routing file in the config center, for every
// node. It is one of this server's configuration, and loads beside the other
// routing files in force here; its faults are a strict.Error.
func (s state) PublishConfigFile(name string, e release.Edit, by configcenter.Operator) (release.Published, error) {
	routing, ok := s.routing()
	if !ok || !slices.Contains(s.Config().RoutingFiles, name) || !strings.HasPrefix(name, serverconfig.ConfigFileScheme) {
		return release.Published{}, fmt.Errorf("%w: %q is not among the routing files of the server's configuration that are in the config center, expected a name as %sPolaris/setrouter/routing.yaml",
			configcenter.ErrAbsent, name, serverconfig.ConfigFileScheme)
	}
	file := strict.File{Name: name, Data: []byte(e.Content)}
	var problems strict.Problems
	if err := strict.CheckText(file.Data); err != nil {
		problems.Add(strict.Problem{File: name, Message: err.Error()})
		return release.Published{}, problems.Err()
	}
	others := slices.DeleteFunc(slices.Clone(routing.Files()), func(f strict.File) bool { return f.Name == name })
	if _, _, err := router.LoadRules(append(others, file)); err != nil {
		return release.Published{}, err
	}
	return configcenter.Local.Publish(name, e, by)
}

// routing returns the routing files; it is not ok where none are configured.
func (s state) routing() (router.Files, bool) {
	files := s.Files()
	n := slices.IndexFunc(files, func(f router.Files) bool { return f.Kind == "routing" })
	if n < 0 {
		return router.Files{}, false
	}
	return files[n], true
}
