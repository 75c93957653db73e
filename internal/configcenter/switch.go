package configcenter

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/polarismesh/polaris/common/model"
	"github.com/polarismesh/polaris/common/utils"
	apimodel "github.com/polarismesh/specification/source/go/api/v1/model"

	"github.com/polaris-contrib/setrouter/internal/configcenter/release"
)

// publishGray publishes a file for some nodes. The stock server publishes what is saved, and
// compares nothing: where somebody saves something else at the same moment, the gray release
// is ended at once.
func (p *serverParts) publishGray(ctx context.Context, f stored, e release.Edit) (release.Published, error) {
	labels, err := grayLabels(e.Gray)
	if err != nil {
		return release.Published{}, err
	}
	saved := f.message(e.Content)
	if f.row == nil {
		err = f.answer(p.server.CreateConfigFile(ctx, saved))
	} else if f.Content != e.Content {
		err = f.answer(p.server.UpdateConfigFile(ctx, saved))
	}
	if err != nil {
		return release.Published{}, err
	}
	message := f.releaseMessage(e.Release)
	message.ReleaseDescription, message.ReleaseType, message.BetaLabels = utils.NewStringValue(e.Description), utils.NewStringValue(model.ReleaseTypeGray), labels
	if err := f.answer(p.server.PublishConfigFile(ctx, message)); err != nil {
		return release.Published{}, fmt.Errorf("%w; the text is saved in the console, and not published", err)
	}
	row, err := p.files.GetConfigFileRelease(releaseKey(f.id, e.Release))
	if err == nil && row != nil && row.Content != e.Content {
		_ = p.server.StopGrayConfigFileRelease(ctx, f.releaseMessage(e.Release))
		return release.Published{}, changed(f.Name)
	}
	return p.done(ctx, f, e.Release, "published gray for "+strings.Join(e.Gray, " ")), nil
}

// grayLabels returns the labels of the nodes at addresses. All labels of a release must
// match a client: several nodes are one label.
func grayLabels(addresses []string) ([]*apimodel.ClientLabel, error) {
	for _, text := range addresses {
		if _, err := netip.ParseAddr(text); err != nil {
			return nil, Conflict(fmt.Sprintf("%q is not the address of a server node", text))
		}
	}
	match := &apimodel.MatchString{Type: apimodel.MatchString_EXACT, Value: utils.NewStringValue(addresses[0])}
	if len(addresses) > 1 {
		match = &apimodel.MatchString{Type: apimodel.MatchString_IN, Value: utils.NewStringValue(strings.Join(addresses, ","))}
	}
	return []*apimodel.ClientLabel{{Key: model.ClientLabel_IP, Value: match}}, nil
}

// StopGray ends the gray release of a file: its nodes go back to the full one. Its errors
// are those of Publish.
func (c *Center) StopGray(name string, s release.Switch, operator Operator) (release.Published, error) {
	parts, file, ctx, err := c.toPublish(name, operator)
	switch {
	case err != nil:
		return release.Published{}, err
	case file.Gray == nil:
		return release.Published{}, Conflict(name + ": no gray release is active, nothing was ended")
	case file.Gray.Name != s.Release:
		return release.Published{}, Conflict(fmt.Sprintf("%s: the gray release that is active is %q, and not %q; nothing was ended, try again", name, file.Gray.Name, s.Release))
	}
	if err := file.answer(parts.server.StopGrayConfigFileRelease(ctx, file.releaseMessage(s.Release))); err != nil {
		return release.Published{}, err
	}
	out := parts.done(ctx, file, s.Release, "ended")
	out.Tag = ""
	if file.Released != nil {
		out.Tag = file.Released.Release.Tag()
	}
	return out, nil
}

// Rollback puts an earlier full release in force again. Its errors are those of Publish.
func (c *Center) Rollback(name string, s release.Switch, operator Operator) (release.Published, error) {
	parts, file, ctx, err := c.toPublish(name, operator)
	if err == nil {
		err = file.cannotGoBack(s)
	}
	if err != nil {
		return release.Published{}, err
	}
	if err := file.answer(parts.server.RollbackConfigFileRelease(ctx, file.releaseMessage(s.Release))); err != nil {
		return release.Published{}, err
	}
	return parts.done(ctx, file, s.Release, "put in force again"), nil
}

// cannotGoBack returns why an earlier release cannot be put in force.
func (f stored) cannotGoBack(s release.Switch) error {
	n := slices.IndexFunc(f.releases, func(r *model.SimpleConfigFileRelease) bool { return r.Name == s.Release })
	switch {
	case f.Gray != nil:
		return f.isGray()
	case f.Released == nil || f.Released.Md5 != s.Base:
		return changed(f.Name)
	case n < 0:
		return fmt.Errorf("%s: %w", f.Name, absent(fmt.Sprintf("there is no release %q, see setctl history", s.Release)))
	case f.releases[n].ReleaseType == model.ReleaseTypeGray:
		return Conflict(fmt.Sprintf("%s: release %q was a gray one; publish its text anew", f.Name, s.Release))
	case f.Released.Release.Name == s.Release:
		return Conflict(fmt.Sprintf("%s: release %q is in force, nothing was changed", f.Name, s.Release))
	}
	return nil
}
