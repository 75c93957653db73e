package configcenter

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/polarismesh/polaris/auth"
	"github.com/polarismesh/polaris/common/model"
	"github.com/polarismesh/polaris/common/utils"
	"github.com/polarismesh/polaris/config"
	apiconfig "github.com/polarismesh/specification/source/go/api/v1/config_manage"
	apimodel "github.com/polarismesh/specification/source/go/api/v1/model"
	apisecurity "github.com/polarismesh/specification/source/go/api/v1/security"

	"github.com/polaris-contrib/setrouter/internal/configcenter/release"
	"github.com/polaris-contrib/setrouter/internal/observe"
)

// Operator is the person or program that publishes.
type Operator struct {
	Token   string // for Polaris's auth
	Address string // of the peer of the connection
}

// Conflict is the error where a file cannot be published as it is now.
type Conflict string

// Error says what stands in the way.
func (c Conflict) Error() string { return string(c) }

// Denied is the error where Polaris's auth refuses an operator.
type Denied string

// Error gives the reason in the words of Polaris.
func (d Denied) Error() string { return string(d) }

// publisher is what a Center asks of the server's config center.
type publisher interface {
	// Allow asks Polaris's auth whether an operator may change the files of a
	// group. It returns a context that knows the user.
	Allow(ctx context.Context, namespace, group string) (context.Context, error)
	CasUpsertAndReleaseConfigFile(context.Context, *apiconfig.ConfigFilePublishInfo) *apiconfig.ConfigResponse
	CreateConfigFile(context.Context, *apiconfig.ConfigFile) *apiconfig.ConfigResponse
	UpdateConfigFile(context.Context, *apiconfig.ConfigFile) *apiconfig.ConfigResponse
	PublishConfigFile(context.Context, *apiconfig.ConfigFileRelease) *apiconfig.ConfigResponse
	RollbackConfigFileRelease(context.Context, *apiconfig.ConfigFileRelease) *apiconfig.ConfigResponse
	StopGrayConfigFileRelease(context.Context, *apiconfig.ConfigFileRelease) *apiconfig.ConfigResponse
}

// Publish publishes a file, in full or for the nodes of a gray release. Publish refuses
// where the release is no longer the one that was edited, and where a draft would be lost:
// the error can be a Denied, a Conflict or ErrAbsent, and nothing is changed.
func (c *Center) Publish(name string, e release.Edit, operator Operator) (release.Published, error) {
	parts, file, ctx, err := c.toPublish(name, operator)
	if err != nil {
		return release.Published{}, err
	}
	if err := file.conflict(e); err != nil {
		return release.Published{}, err
	}
	if len(e.Gray) > 0 {
		return parts.publishGray(ctx, file, e)
	}
	// The stock server compares the md5 with what is saved, in the transaction
	// that saves and publishes.
	saved := file.message(e.Content)
	resp := parts.server.CasUpsertAndReleaseConfigFile(ctx, &apiconfig.ConfigFilePublishInfo{
		Namespace: saved.Namespace, Group: saved.Group, FileName: saved.Name, Content: saved.Content, Md5: utils.NewStringValue(file.Md5),
		Format: saved.Format, Comment: saved.Comment, Tags: saved.Tags,
		ReleaseName: utils.NewStringValue(e.Release), ReleaseDescription: utils.NewStringValue(e.Description),
	})
	if err := file.answer(resp); err != nil {
		return release.Published{}, err
	}
	return parts.done(ctx, file, e.Release, "published"), nil
}

// toPublish reads a file, and asks whether an operator may publish it.
func (c *Center) toPublish(name string, operator Operator) (*serverParts, stored, context.Context, error) {
	parts, err := c.opened()
	if err != nil {
		return nil, stored{}, nil, err
	}
	// The cache may show for a second what was: a gray release that has just ended. An
	// update can join one that began before. An error is met in the store.
	_ = errors.Join(parts.releases.Update(), parts.releases.Update())
	file, err := readStored(parts, name)
	if err != nil {
		return nil, stored{}, nil, fmt.Errorf("%s: %w", name, err)
	}
	ctx, err := parts.server.Allow(contextOf(operator), file.id.Namespace, file.id.Group)
	return parts, file, ctx, err
}

// message returns the file with another content, as the console saves it.
func (f stored) message(content string) *apiconfig.ConfigFile {
	out := &apiconfig.ConfigFile{
		Namespace: utils.NewStringValue(f.id.Namespace), Group: utils.NewStringValue(f.id.Group), Name: utils.NewStringValue(f.id.File),
		Content: utils.NewStringValue(content), Format: utils.NewStringValue("yaml"),
	}
	switch {
	case f.row != nil:
		out.Format, out.Comment, out.Tags = utils.NewStringValue(f.row.Format), utils.NewStringValue(f.row.Comment), model.FromTagMap(f.row.Metadata)
	case strings.HasSuffix(f.id.File, ".csv"):
		out.Format = utils.NewStringValue("text")
	}
	return out
}

// releaseMessage returns a release of the file, as the console publishes it.
func (f stored) releaseMessage(name string) *apiconfig.ConfigFileRelease {
	return &apiconfig.ConfigFileRelease{
		Namespace: utils.NewStringValue(f.id.Namespace), Group: utils.NewStringValue(f.id.Group), FileName: utils.NewStringValue(f.id.File),
		Name: utils.NewStringValue(name),
	}
}

// answer returns what the stock server's answer means.
func (f stored) answer(resp *apiconfig.ConfigResponse) error {
	switch code := apimodel.Code(resp.GetCode().GetValue()); code {
	case apimodel.Code_ExecuteSuccess:
		return nil
	case apimodel.Code_DataConflict, apimodel.Code_ExistedResource:
		return changed(f.Name)
	default:
		return fmt.Errorf("%s: the config center answers with code %d: %s", f.Name, uint32(code), resp.GetInfo().GetValue())
	}
}

// done logs what was done, and returns the release as it is now.
func (p *serverParts) done(ctx context.Context, f stored, releaseName, what string) release.Published {
	observe.Log.Info(fmt.Sprintf("[SetRouter] %s: release %q, %s by %q", f.Name, releaseName, what, utils.ParseUserName(ctx)))
	out := release.Published{Name: f.Name, Release: releaseName}
	row, err := p.files.GetConfigFileRelease(releaseKey(f.id, releaseName))
	if err == nil && row != nil {
		out.Tag = releaseOf(f.Name, row.SimpleConfigFileRelease).Tag()
	}
	return out
}

func changed(name string) Conflict {
	return Conflict(name + ": was changed in the config center in the meantime; nothing was published, try again")
}

// conflict returns why an edit cannot be published.
func (f stored) conflict(e release.Edit) error {
	sameName := func(r *model.SimpleConfigFileRelease) bool { return r.Name == e.Release }
	switch {
	case !release.IsName(e.Release):
		return Conflict(fmt.Sprintf("release name %q is not one of %s", e.Release, release.NameForm))
	case f.Gray != nil:
		return f.isGray()
	case f.row == nil && e.Base != "":
		return fmt.Errorf("%s: %w", f.Name, errNothingSaved)
	case f.Released == nil && e.Base != "":
		return Conflict(f.Name + ": nothing is published under this name any more; nothing was published, try again")
	case f.Released != nil && f.Released.Md5 != e.Base:
		return changed(f.Name)
	case f.Draft && f.Md5 != e.Draft:
		return Conflict(f.Name + ": what is saved in the console is not published, and would be lost; publish it there, or keep it elsewhere")
	case slices.ContainsFunc(f.releases, sameName): // the stock server would put that one's content in force
		return Conflict(fmt.Sprintf("%s: there is a release %q already; nothing was published, try again", f.Name, e.Release))
	}
	return nil
}

// isGray is the conflict with an active gray release.
func (f stored) isGray() Conflict {
	return Conflict(fmt.Sprintf("%s: the gray release %q is active, and Polaris publishes nothing beside one: end it first: setctl publish --to %[1]s --stop-gray", f.Name, f.Gray.Name))
}

// contextOf describes an operator as the stock HTTP listener does.
func contextOf(operator Operator) context.Context {
	ctx := context.WithValue(context.Background(), utils.ContextClientAddress, operator.Address)
	ctx = context.WithValue(ctx, utils.ContextAuthTokenKey, operator.Token)
	return context.WithValue(ctx, utils.ContextOperator, "setrouter:"+operator.Address)
}

// console is the server's config center for users of the console. The stock auth
// proxy offers compare-and-set to clients only, and refuses clients without a
// token only with clientOpen and clientStrict. So Allow asks for the permission of a console user.
type console struct {
	*config.Server
	strategies auth.StrategyServer
}

// Allow implements publisher.
func (c console) Allow(ctx context.Context, namespace, group string) (context.Context, error) {
	resources := map[apisecurity.ResourceType][]model.ResourceEntry{}
	if cached := c.GroupCache().GetGroupByName(namespace, group); cached != nil { // else it is made by the first file
		resources[apisecurity.ResourceType_ConfigGroups] = []model.ResourceEntry{{ID: strconv.FormatUint(cached.Id, 10), Owner: cached.Owner}}
	}
	asked := model.NewAcquireContext(
		model.WithRequestContext(ctx), model.WithModule(model.ConfigModule), model.WithOperation(model.Modify),
		model.WithMethod("UpsertAndReleaseConfigFile"), model.WithAccessResources(resources),
	)
	if _, err := c.strategies.GetAuthChecker().CheckConsolePermission(asked); err != nil {
		return nil, Denied(fmt.Sprintf("Polaris refuses to have %s/%s changed: %v; expected the token of a user who may, as x-polaris-token", namespace, group, err))
	}
	return context.WithValue(asked.GetRequestContext(), utils.ContextAuthContextKey, asked), nil
}
