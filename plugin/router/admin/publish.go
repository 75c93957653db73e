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
	"github.com/polaris-contrib/setrouter/plugin/router/api"
)

// PublishConfigFile publishes a routing file in the config center, for every
// node. The configuration of this server must name the file; else the error is
// configcenter.ErrAbsent. The content must load beside the other routing files in
// force here; else the error is a strict.Error.
func (b serverBackend) PublishConfigFile(name string, edit release.Edit, operator configcenter.Operator) (release.Published, error) {
	routing, ok := b.routingFiles()
	if !ok || !slices.Contains(b.Config().RoutingFiles, name) || !strings.HasPrefix(name, serverconfig.ConfigFileScheme) {
		return release.Published{}, fmt.Errorf("%w: %q is not among the routing files of the server's configuration that are in the config center, expected a name as %sPolaris/setrouter/routing.yaml",
			configcenter.ErrAbsent, name, serverconfig.ConfigFileScheme)
	}
	file := strict.File{Name: name, Data: []byte(edit.Content)}
	var problems strict.Problems
	if err := strict.CheckText(file.Data); err != nil {
		problems.Add(strict.Problem{File: name, Message: err.Error()})
		return release.Published{}, problems.Err()
	}
	others := slices.DeleteFunc(slices.Clone(routing.Files()), func(f strict.File) bool { return f.Name == name })
	if _, _, err := router.LoadRules(append(others, file)); err != nil {
		return release.Published{}, err
	}
	return configcenter.Local.Publish(name, edit, operator)
}

// routingFiles returns the routing files. It is not ok where none are configured.
func (b serverBackend) routingFiles() (routing router.Files, ok bool) {
	for _, files := range b.Files() {
		if files.Kind == api.KindRouting {
			return files, true
		}
	}
	return router.Files{}, false
}
