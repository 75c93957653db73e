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
	GetConfigFileRelease(*model.ConfigFileReleaseKey) (*model.ConfigFileRelease, error)
	QueryConfigFileReleaseHistories(filter map[string]string, offset, limit uint32) (uint32, []*model.ConfigFileReleaseHistory, error)
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
	if file.row == nil {
		return release.Saved{}, fmt.Errorf("%s: %w", name, errNothingSaved)
	}
	return file.Saved, nil
}

// errNothingSaved is an ErrAbsent.
var errNothingSaved = absent("nothing is saved under this name; publish it: setctl publish FILE --to NAME, or create the file in the console")

// Released returns a release of a file by its name, with its content. Where there is no such
// release the error is ErrAbsent.
func (c *Center) Released(name, releaseName string) (release.Released, error) {
	parts, err := c.opened()
	if err != nil {
		return release.Released{}, err
	}
	id, err := serverconfig.ParseConfigFile(name)
	if err != nil {
		return release.Released{}, err
	}
	row, err := parts.files.GetConfigFileRelease(releaseKey(id, releaseName))
	switch {
	case err != nil:
		return release.Released{}, fmt.Errorf("%s: %w", name, unreadable(err))
	case row == nil:
		return release.Released{}, fmt.Errorf("%s: %w", name, absent(fmt.Sprintf("there is no release %q, see setctl history", releaseName)))
	case row.IsEncrypted():
		return release.Released{}, fmt.Errorf("%s: release %q is encrypted", name, releaseName)
	}
	return release.Released{Release: releaseOf(name, row.SimpleConfigFileRelease), Content: row.Content, Md5: row.Md5}, nil
}

func releaseKey(id serverconfig.ConfigFile, releaseName string) *model.ConfigFileReleaseKey {
	return &model.ConfigFileReleaseKey{Namespace: id.Namespace, Group: id.Group, FileName: id.File, Name: releaseName}
}

// stored is a file as it is in the store.
type stored struct {
	release.Saved
	id       serverconfig.ConfigFile          // what Name stands for
	row      *model.ConfigFile                // nil: nothing is saved
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
	if out.row != nil && out.row.Encrypt {
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
	out.Saved = release.Saved{Name: name}
	if out.row != nil {
		out.Content, out.Md5 = out.row.Content, md5Of(out.row.Content)
	}
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
	f.Draft = f.row != nil && !slices.ContainsFunc(f.releases, hasContent) && (full == nil || full.Md5 != f.Md5)
}

// absent is ErrAbsent in an operator's words.
type absent string

func (a absent) Error() string { return string(a) }

func (absent) Unwrap() error { return ErrAbsent }
