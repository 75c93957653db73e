package configcenter

import (
	"errors"
	"fmt"
	"slices"

	cachetypes "github.com/polarismesh/polaris/cache/api"
	"github.com/polarismesh/polaris/common/model"

	"github.com/polaris-contrib/setrouter/internal/livefile"
	"github.com/polaris-contrib/setrouter/internal/serverconfig"
)

// files is what is asked of the server's store.
type files interface {
	GetConfigFile(namespace, group, name string) (*model.ConfigFile, error)
	GetConfigFileActiveRelease(*model.ConfigFileKey) (*model.ConfigFileRelease, error)
}

// Saved is a file as it is in the config center.
type Saved struct {
	Name    string `json:"name"`
	Content string `json:"content"` // as it is saved, published or not
	Md5     string `json:"md5"`     // of Content
	// Draft is set where Content is in no release: to overwrite it would lose it.
	Draft bool `json:"draft"`
	// Released is what is published in full, nil: nothing.
	Released *Released `json:"released,omitempty"`
	// Gray is the gray release, while there is one.
	Gray *livefile.Release `json:"gray,omitempty"`
}

// Released is a release with its content.
type Released struct {
	Release livefile.Release `json:"release"`
	Content string           `json:"content"`
	Md5     string           `json:"md5"`
}

// Saved returns a file as it is saved, and as it is released. Its error can be
// livefile.ErrAbsent.
func (c *Center) Saved(name string) (Saved, error) {
	from, err := c.opened()
	if err != nil {
		return Saved{}, err
	}
	is, err := look(from, name)
	if err != nil {
		return Saved{}, fmt.Errorf("%s: %w", name, err)
	}
	return is.Saved, nil
}

// looked is a file as it is in the store.
type looked struct {
	Saved
	of       serverconfig.ConfigFile
	file     *model.ConfigFile
	releases []*model.SimpleConfigFileRelease // all that are not deleted
}

func look(from *stock, name string) (out looked, err error) {
	if out.of, err = serverconfig.ParseConfigFile(name); err != nil {
		return out, err
	}
	key := &model.ConfigFileKey{Namespace: out.of.Namespace, Group: out.of.Group, Name: out.of.File}
	if out.file, err = from.files.GetConfigFile(key.Namespace, key.Group, key.Name); err != nil {
		return out, unreadable(err)
	}
	switch {
	case out.file == nil:
		return out, absent("nothing is saved under this name; create the file in the console")
	case out.file.Encrypt:
		return out, errors.New("is encrypted; save it without encryption")
	}
	full, err := from.files.GetConfigFileActiveRelease(key)
	if err != nil {
		return out, unreadable(err)
	}
	_, out.releases, err = from.releases.QueryReleases(&cachetypes.ConfigReleaseArgs{
		BaseConfigArgs: cachetypes.BaseConfigArgs{Namespace: key.Namespace, Group: key.Group}, FileName: key.Name, NoPage: true, IncludeGray: true,
	})
	if err != nil {
		return out, unreadable(err)
	}
	out.Saved = Saved{Name: name, Content: out.file.Content, Md5: md5Of(out.file.Content)}
	if full != nil {
		out.Released = &Released{releaseOf(name, full.SimpleConfigFileRelease), full.Content, full.Md5}
	}
	for _, r := range out.releases {
		if r.Active && r.ReleaseType == model.ReleaseTypeGray {
			gray := releaseOf(name, r)
			out.Gray = &gray
		}
	}
	isSaved := func(r *model.SimpleConfigFileRelease) bool { return r.Md5 == out.Md5 }
	out.Draft = !slices.ContainsFunc(out.releases, isSaved) && (full == nil || full.Md5 != out.Md5)
	return out, nil
}

func unreadable(err error) error {
	return fmt.Errorf("the store of the config center cannot be read: %w", err)
}

// absent is livefile.ErrAbsent in an operator's words.
type absent string

func (a absent) Error() string { return string(a) }

func (absent) Unwrap() error { return livefile.ErrAbsent }
