package polaristest

import (
	"context"
	"fmt"
	"net/http"
)

// ConfigFile is a file in the config center.
type ConfigFile struct {
	Namespace, Group, Name string
}

// Save saves a file in the config center, and does not publish it. The file may be
// new or exist already.
func (c *Console) Save(ctx context.Context, f ConfigFile, content string) error {
	body := map[string]any{"namespace": f.Namespace, "group": f.Group, "name": f.Name, "format": "yaml", "content": content}
	if err := c.call(ctx, http.MethodPost, "/config/v1/configfiles", body, nil); err == nil {
		return nil
	}
	return c.call(ctx, http.MethodPut, "/config/v1/configfiles", body, nil)
}

// Publish saves a file and publishes it under the name of a release.
func (c *Console) Publish(ctx context.Context, f ConfigFile, release, content string) error {
	if err := c.Save(ctx, f, content); err != nil {
		return err
	}
	return c.call(ctx, http.MethodPost, "/config/v1/configfiles/release", f.release(release), nil)
}

// PublishGray saves a file and publishes it to the clients with one address only.
func (c *Console) PublishGray(ctx context.Context, f ConfigFile, release, content, client string) error {
	if err := c.Save(ctx, f, content); err != nil {
		return err
	}
	body := f.release(release)
	body["release_type"] = "gray"
	body["beta_labels"] = []map[string]any{{"key": "CLIENT_IP", "value": map[string]string{"type": "EXACT", "value": client}}}
	return c.call(ctx, http.MethodPost, "/config/v1/configfiles/release", body, nil)
}

// StopGray ends the gray release of a file.
func (c *Console) StopGray(ctx context.Context, f ConfigFile) error {
	return c.call(ctx, http.MethodPost, "/config/v1/configfiles/releases/stopbeta", []any{f.release("")}, nil)
}

// Rollback puts an earlier release in force again.
func (c *Console) Rollback(ctx context.Context, f ConfigFile, release string) error {
	return c.call(ctx, http.MethodPut, "/config/v1/configfiles/releases/rollback", []any{f.release(release)}, nil)
}

// Unpublish deletes releases of a file.
func (c *Console) Unpublish(ctx context.Context, f ConfigFile, releases ...string) error {
	var body []any
	for _, name := range releases {
		body = append(body, f.release(name))
	}
	return c.call(ctx, http.MethodPost, "/config/v1/configfiles/releases/delete", body, nil)
}

// Own makes a policy by which only the console's user may change the files of a
// group.
func (c *Console) Own(ctx context.Context, f ConfigFile) error {
	var reply struct {
		Groups []struct {
			ID string `json:"id"`
		} `json:"configFileGroups"`
	}
	path := fmt.Sprintf("/config/v1/configfilegroups?namespace=%s&group=%s&offset=0&limit=1", f.Namespace, f.Group)
	if err := c.call(ctx, http.MethodGet, path, nil, &reply); err != nil {
		return err
	}
	if len(reply.Groups) != 1 {
		return fmt.Errorf("the server has %d groups %s", len(reply.Groups), f.Group)
	}
	id := func(id string) []map[string]string { return []map[string]string{{"id": id}} }
	body := map[string]any{
		"name": "own-" + f.Group, "action": "READ_WRITE",
		"principals": map[string]any{"users": id(c.user)},
		"resources":  map[string]any{"config_groups": id(reply.Groups[0].ID)},
	}
	return c.call(ctx, http.MethodPost, "/core/v1/auth/strategy", body, nil)
}

func (f ConfigFile) release(name string) map[string]any {
	return map[string]any{"name": name, "namespace": f.Namespace, "group": f.Group, "file_name": f.Name}
}
