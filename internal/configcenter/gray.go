package configcenter

import (
	"errors"
	"fmt"

	"github.com/polarismesh/polaris/common/model"

	"github.com/polaris-contrib/setrouter/internal/livefile"
	"github.com/polaris-contrib/setrouter/internal/serverconfig"
)

// forThisNode is the release that is in force of a file for a client with this
// node's labels, without its content: the gray one if they match, else the full
// one. It is nil where there is neither.
func (c *Center) forThisNode(from *stock, file serverconfig.ConfigFile) (*model.ConfigFileRelease, error) {
	active, _ := from.releases.GetGroupActiveReleases(file.Namespace, file.Group)
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
	if err := c.settleRules(from.grays, gray); err != nil {
		return nil, fmt.Errorf("%w: the labels of gray release %q: %w", livefile.ErrUnsettled, gray.Name, err)
	}
	if from.grays.HitGrayRule(model.GetGrayConfigRealseKey(gray.SimpleConfigFileRelease), from.labels) {
		return gray, nil
	}
	return full, nil
}

// settleRules makes sure that the cache has the labels of a gray release. The
// server reads them apart from the releases, and keeps those of a file's last
// gray release: a new one would be matched by them. One update can be joined
// that began before the release; the next one cannot.
func (c *Center) settleRules(grays grayRules, r *model.ConfigFileRelease) error {
	about := fmt.Sprintf("labels of %s/%s/%s %s", r.Namespace, r.Group, r.FileName, stateOf(r))
	return c.ask(about, func() error { return errors.Join(grays.Update(), grays.Update()) })
}
