package admin

import (
	"fmt"
	"slices"
	"strings"

	"github.com/polaris-contrib/setrouter/internal/configcenter"
	"github.com/polaris-contrib/setrouter/internal/configcenter/release"
	"github.com/polaris-contrib/setrouter/internal/serverconfig"
	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
)

// PublishConfigFile publishes a mapping or routing file in the config center, for every
// node or for some. The configuration of this server must name the file; else the error is
// configcenter.ErrAbsent. The content must load beside the other files in force here; else
// the error is a strict.Error.
func (b serverBackend) PublishConfigFile(name string, edit release.Edit, operator configcenter.Operator) (release.Published, error) {
	err := b.checkConfigured(name)
	if err != nil && edit.New && b.isBeside(name) {
		err = nil
	}
	if err == nil {
		err = b.checkLoads(name, edit.Content)
	}
	if err != nil {
		return release.Published{}, err
	}
	return configcenter.Local.Publish(name, edit, operator)
}

// RollbackConfigFile puts an earlier release in force again. Its errors are those of
// PublishConfigFile.
func (b serverBackend) RollbackConfigFile(name string, to release.Switch, operator configcenter.Operator) (release.Published, error) {
	earlier, err := b.ConfigRelease(name, to.Release)
	if err == nil {
		err = b.checkLoads(name, earlier.Content)
	}
	if err != nil {
		return release.Published{}, err
	}
	return configcenter.Local.Rollback(name, to, operator)
}

// StopGrayConfigFile ends the gray release of a file. Its errors are those of
// PublishConfigFile.
func (b serverBackend) StopGrayConfigFile(name string, gray release.Switch, operator configcenter.Operator) (release.Published, error) {
	if err := b.checkConfigured(name); err != nil {
		return release.Published{}, err
	}
	return configcenter.Local.StopGray(name, gray, operator)
}

// ConfigRelease returns a release of a file of the config center, with its content.
func (b serverBackend) ConfigRelease(name, releaseName string) (release.Released, error) {
	if err := b.checkConfigured(name); err != nil {
		return release.Released{}, err
	}
	return configcenter.Local.Released(name, releaseName)
}

// ConfigHistory returns what was released of a file of the config center, and when.
func (b serverBackend) ConfigHistory(name string) (release.History, error) {
	if err := b.checkConfigured(name); err != nil {
		return release.History{}, err
	}
	return configcenter.Local.History(name)
}

// checkConfigured returns configcenter.ErrAbsent for a file that the configuration of this
// server does not name: others stay under the auth of the config center alone.
func (b serverBackend) checkConfigured(name string) error {
	if slices.Contains(b.Config().ConfigFiles(), name) {
		return nil
	}
	return fmt.Errorf("%w: %q is not among the files in the server's configuration that are in the config center, expected a name as %sPolaris/setrouter/routing.yaml",
		configcenter.ErrAbsent, name, serverconfig.ConfigFileScheme)
}

// isBeside reports whether a file is in the group of one that the configuration names.
func (b serverBackend) isBeside(name string) bool {
	file, err := serverconfig.ParseConfigFile(name)
	return err == nil && slices.ContainsFunc(b.Config().ConfigFiles(), func(other string) bool {
		named, err := serverconfig.ParseConfigFile(other)
		return err == nil && named.Namespace == file.Namespace && named.Group == file.Group
	})
}

// checkLoads returns the problems of a file beside the others of its kind in force here.
func (b serverBackend) checkLoads(name, content string) error {
	file := strict.File{Name: name, Data: []byte(content)}
	var problems strict.Problems
	if err := strict.CheckText(file.Data); err != nil {
		problems.Add(strict.Problem{File: name, Message: err.Error()})
		return problems.Err()
	}
	if b.isMapping(file) {
		location.LoadMapping(b.filesWith(api.KindMapping, file), &problems)
		return problems.Err()
	}
	_, _, err := router.LoadRules(b.filesWith(api.KindRouting, file))
	return err
}

// isMapping reports whether a file is a mapping file: by the configuration, or for a file
// that the configuration does not name, by its content.
func (b serverBackend) isMapping(file strict.File) bool {
	config := b.Config()
	switch {
	case slices.Contains(config.MappingFiles, file.Name):
		return true
	case slices.Contains(config.RoutingFiles, file.Name):
		return false
	case strings.HasSuffix(file.Name, ".csv"):
		return true
	}
	root, ok := strict.ParseYAML(file, new(strict.Problems))
	return ok && root.HasAny("mappings", "topology", "default")
}

// filesWith returns the files of a kind in force, with a file in its place or more.
func (b serverBackend) filesWith(kind string, file strict.File) []strict.File {
	var list []strict.File
	for _, files := range b.Files() {
		if files.Kind == kind {
			list = files.Files()
		}
	}
	list = slices.DeleteFunc(slices.Clone(list), func(f strict.File) bool { return f.Name == file.Name })
	list = append(list, file)
	slices.SortFunc(list, func(a, b strict.File) int { return strings.Compare(a.Name, b.Name) })
	return list
}
