package configcenter

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/polarismesh/polaris/common/model"
	"github.com/polarismesh/polaris/common/utils"

	"github.com/polaris-contrib/setrouter/internal/configcenter/release"
)

// eventsRead is how many events are read, and eventsShown how many of a file are returned.
// The store looks for names that contain that of the file.
const (
	eventsRead  = 200
	eventsShown = 50
)

// eventWords are the words for what the stock server calls the types of its history.
var eventWords = map[string]string{
	utils.ReleaseTypeNormal: release.WhatPublished, utils.ReleaseTypeGray: release.WhatGray, utils.ReleaseTypeRollback: release.WhatRolledBack,
	utils.ReleaseTypeCancelGray: release.WhatGrayEnded, utils.ReleaseTypeDelete: release.WhatDeleted,
}

// History returns the releases of a file, and what was done to it.
func (c *Center) History(name string) (release.History, error) {
	parts, err := c.opened()
	if err != nil {
		return release.History{}, err
	}
	file, err := readStored(parts, name)
	if err == nil && file.row == nil && len(file.releases) == 0 {
		err = errNothingSaved
	}
	if err != nil {
		return release.History{}, fmt.Errorf("%s: %w", name, err)
	}
	out := release.History{Name: name, Releases: []release.Entry{}, Events: []release.Event{}}
	for _, r := range file.releases {
		out.Releases = append(out.Releases, parts.entry(name, r))
	}
	slices.SortFunc(out.Releases, func(a, b release.Entry) int {
		return cmp.Or(cmp.Compare(b.Release.Version, a.Release.Version), cmp.Compare(b.Release.ID, a.Release.ID))
	})
	filter := map[string]string{"namespace": file.id.Namespace, "group": file.id.Group, "file_name": file.id.File}
	_, rows, err := parts.files.QueryConfigFileReleaseHistories(filter, 0, eventsRead)
	if err != nil {
		return release.History{}, fmt.Errorf("%s: %w", name, unreadable(err))
	}
	for _, row := range rows {
		if row.Group == file.id.Group && row.FileName == file.id.File && len(out.Events) < eventsShown {
			out.Events = append(out.Events, event(row))
		}
	}
	return out, nil
}

func event(row *model.ConfigFileReleaseHistory) release.Event {
	return release.Event{At: row.CreateTime.UTC(), What: cmp.Or(eventWords[row.Type], row.Type), Release: row.Name, By: row.CreateBy, Why: row.ReleaseDescription}
}

// entry returns a release as an entry of a history.
func (p *serverParts) entry(name string, r *model.SimpleConfigFileRelease) release.Entry {
	e := release.Entry{
		Release: releaseOf(name, r), Active: r.Active, CreatedAt: r.CreateTime.UTC(), CreatedBy: r.CreateBy, Description: r.ReleaseDescription, Md5: r.Md5,
	}
	e.Tag = e.Release.Tag()
	if r.Active && r.ReleaseType == model.ReleaseTypeGray {
		for _, label := range p.grays.GetGrayRule(model.GetGrayConfigRealseKey(r)) {
			if label.GetKey() == model.ClientLabel_IP {
				e.Gray = append(e.Gray, strings.Split(label.GetValue().GetValue().GetValue(), ",")...)
			}
		}
	}
	return e
}
