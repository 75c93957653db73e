package configcenter

import (
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/polarismesh/polaris/common/model"

	"github.com/polaris-contrib/setrouter/internal/configcenter/release"
	"github.com/polaris-contrib/setrouter/internal/serverconfig"
)

// Version returns a text that is another one when Read would return something
// else for a file. It reads no content.
func (c *Center) Version(name string) string {
	file, err := serverconfig.ParseConfigFile(name)
	if err != nil {
		return err.Error()
	}
	parts, err := c.opened()
	if err != nil {
		return err.Error()
	}
	r, err := c.activeRelease(parts, file)
	if err == nil && r == nil {
		err = c.loadReleases(parts)
	}
	switch {
	case err != nil:
		return "away" // not the error: it has the port of each connection
	case r == nil:
		return ""
	}
	return stateOf(r)
}

// stateOf returns a text that is another one after each publication. On the
// boltdb store a gray release that is published again keeps its id and version.
func stateOf(r *model.ConfigFileRelease) string {
	return fmt.Sprint(r.ReleaseType, " ", r.Id, " ", r.Version, " ", r.Md5, " ", r.ModifyTime.UnixNano())
}

// Read returns the content of a file that is in force on this node, and its
// release. Where nothing is published the error is ErrAbsent.
func (c *Center) Read(name string) ([]byte, release.Release, error) {
	file, err := serverconfig.ParseConfigFile(name)
	if err != nil {
		return nil, release.Release{}, err
	}
	parts, err := c.opened()
	if err != nil {
		return nil, release.Release{}, err
	}
	r, err := c.activeRelease(parts, file)
	if err == nil && r == nil {
		if err = c.loadReleases(parts); err == nil {
			r, err = c.activeRelease(parts, file)
		}
	}
	switch {
	case err != nil:
		return nil, release.Release{}, err
	case r == nil:
		return nil, release.Release{}, absent("nothing is published under this name; publish it in the console (a gray release counts on the nodes that have its labels)")
	case r.IsEncrypted():
		return nil, release.Release{}, errors.New("is encrypted; publish it without encryption")
	}
	content, err := contentOf(parts, file, r)
	if err != nil {
		return nil, release.Release{}, err
	}
	return content, releaseOf(name, r.SimpleConfigFileRelease), nil
}

// contentOf returns the content of a release. The cache shows a release before
// it has the content: until then the file is unsettled.
func contentOf(parts *serverParts, file serverconfig.ConfigFile, r *model.ConfigFileRelease) ([]byte, error) {
	get := parts.releases.GetActiveRelease
	if r.ReleaseType == model.ReleaseTypeGray {
		get = parts.releases.GetActiveGrayRelease
	}
	full := get(file.Namespace, file.Group, file.File)
	if full == nil || stateOf(full) != stateOf(r) || md5Of(full.Content) != r.Md5 {
		return nil, fmt.Errorf("%w: the cache has not yet that of release %q", errUnsettled, r.Name)
	}
	return []byte(full.Content), nil
}

func md5Of(text string) string {
	sum := md5.Sum([]byte(text))
	return hex.EncodeToString(sum[:])
}

func releaseOf(name string, r *model.SimpleConfigFileRelease) release.Release {
	out := release.Release{File: name, Name: r.Name, Type: release.TypeFull, Version: r.Version, ID: r.Id, PublishedAt: r.ModifyTime.UTC()}
	if r.ReleaseType == model.ReleaseTypeGray {
		out.Type = release.TypeGray
	}
	return out
}
