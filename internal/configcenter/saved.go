package configcenter

import (
	"errors"
	"fmt"
	"slices"

	cachetypes "github.com/polarismesh/polaris/cache/api"
	"github.com/polarismesh/polaris/common/model"

	"github.com/polaris-contrib/setrouter/internal/configcenter/release"
	"github.com/polaris-contrib/setrouter/internal/serverconfig"
)

// files is what a Center asks of the server's store.
type files interface {
	GetConfigFile(namespace, group, name string) (*model.ConfigFile, error)
	GetConfigFileActiveRelease(*model.ConfigFileKey) (*model.ConfigFileRelease, error)
}

// Saved returns a file as it is saved, and as it is released. Where there is no
// such file the error is ErrAbsent.
func (c *Center) Saved(name string) (release.Saved, error) {
	parts, err := c.opened()
	if err != nil {
		return release.Saved{}, err
	}
	file, err := readStored(parts, name)
	if err != nil {
		return release.Saved{}, fmt.Errorf("%s: %w", name, err)
	}
	return file.Saved, nil
}

// stored is a file as it is in the store.
type stored struct {
	release.Saved
	id       serverconfig.ConfigFile // what Name stands for
	row      *model.ConfigFile
	releases []*model.SimpleConfigFileRelease // all that are not deleted
}

func readStored(parts *serverParts, name string) (out stored, err error) {
	if out.id, err = serverconfig.ParseConfigFile(name); err != nil {
		return out, err
	}
	key := &model.ConfigFileKey{Namespace: out.id.Namespace, Group: out.id.Group, Name: out.id.File}
	if out.row, err = parts.files.GetConfigFile(key.Namespace, key.Group, key.Name); err != nil {
		return out, unreadable(err)
	}
	switch {
	case out.row == nil:
		return out, absent("nothing is saved under this name; create the file in the console")
	case out.row.Encrypt:
		return out, errors.New("is encrypted; save it without encryption")
	}
	full, err := parts.files.GetConfigFileActiveRelease(key)
	if err != nil {
		return out, unreadable(err)
	}
	_, out.releases, err = parts.releases.QueryReleases(&cachetypes.ConfigReleaseArgs{
		BaseConfigArgs: cachetypes.BaseConfigArgs{Namespace: key.Namespace, Group: key.Group}, FileName: key.Name, NoPage: true, IncludeGray: true,
	})
	if err != nil {
		return out, unreadable(err)
	}
	out.Saved = release.Saved{Name: name, Content: out.row.Content, Md5: md5Of(out.row.Content)}
	out.addReleases(full)
	return out, nil
}

// addReleases fills in what is released, full being the release in full.
func (f *stored) addReleases(full *model.ConfigFileRelease) {
	if full != nil {
		f.Released = &release.Released{Release: releaseOf(f.Name, full.SimpleConfigFileRelease), Content: full.Content, Md5: full.Md5}
	}
	for _, r := range f.releases {
		if r.Active && r.ReleaseType == model.ReleaseTypeGray {
			gray := releaseOf(f.Name, r)
			f.Gray = &gray
		}
	}
	hasContent := func(r *model.SimpleConfigFileRelease) bool { return r.Md5 == f.Md5 }
	f.Draft = !slices.ContainsFunc(f.releases, hasContent) && (full == nil || full.Md5 != f.Md5)
}

// absent is ErrAbsent in an operator's words.
type absent string

func (a absent) Error() string { return string(a) }

func (absent) Unwrap() error { return ErrAbsent }
