package configcenter

import (
	"errors"
	"fmt"

	"github.com/polarismesh/polaris/common/model"

	"github.com/polaris-contrib/setrouter/internal/serverconfig"
)

// activeRelease returns the release of a file that is in force for a client with
// the labels of this node: the gray release if its labels match, else the full
// one. The release is without its content; it is nil where nothing is published.
func (c *Center) activeRelease(parts *serverParts, file serverconfig.ConfigFile) (*model.ConfigFileRelease, error) {
	active, _ := parts.releases.GetGroupActiveReleases(file.Namespace, file.Group)
	var full, gray *model.ConfigFileRelease
	for _, r := range active {
		switch {
		case r.FileName != file.File:
		case r.ReleaseType == model.ReleaseTypeGray:
			gray = r
		case r.ReleaseType == model.ReleaseTypeFull:
			full = r
		}
	}
	if gray == nil {
		return full, nil
	}
	if err := c.loadLabels(parts.grays, gray); err != nil {
		return nil, fmt.Errorf("%w: the labels of gray release %q: %w", errUnsettled, gray.Name, err)
	}
	if parts.grays.HitGrayRule(model.GetGrayConfigRealseKey(gray.SimpleConfigFileRelease), parts.labels) {
		return gray, nil
	}
	return full, nil
}

// loadLabels makes sure that the cache has the labels of a gray release. The
// server reads labels apart from releases, and keeps the labels of the last gray
// release of a file: a new release would be matched by the labels of the last
// one. An update may join one that began before the release; the next update
// cannot. So there are two.
func (c *Center) loadLabels(grays grayRules, r *model.ConfigFileRelease) error {
	about := fmt.Sprintf("labels of %s/%s/%s %s", r.Namespace, r.Group, r.FileName, stateOf(r))
	return c.ask(about, func() error { return errors.Join(grays.Update(), grays.Update()) })
}
