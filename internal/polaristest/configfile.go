package polaristest

import (
	"context"
	"net/http"
)

// ConfigFile is a file in the config center.
type ConfigFile struct {
	Namespace, Group, Name string
}

// Save saves a file in the config center without publishing it, a new one or
// one that is there.
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

// PublishGray saves a file and publishes it to the clients with an address only.
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

func (f ConfigFile) release(name string) map[string]any {
	return map[string]any{"name": name, "namespace": f.Namespace, "group": f.Group, "file_name": f.Name}
}
