package configcenter

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"

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
}

// releaseName is the form of a release's name.
var releaseName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// Publish publishes a file in full. Publish refuses where the release is no
// longer the one that was edited, and where a draft would be lost: the error can
// be a Denied, a Conflict or ErrAbsent, and nothing is changed.
func (c *Center) Publish(name string, e release.Edit, operator Operator) (release.Published, error) {
	parts, err := c.opened()
	if err != nil {
		return release.Published{}, err
	}
	file, err := readStored(parts, name)
	if err != nil {
		return release.Published{}, fmt.Errorf("%s: %w", name, err)
	}
	ctx, err := parts.server.Allow(contextOf(operator), file.id.Namespace, file.id.Group)
	if err != nil {
		return release.Published{}, err
	}
	if err := file.conflict(e); err != nil {
		return release.Published{}, err
	}
	// The stock server compares the md5 with what is saved, in the transaction
	// that saves and publishes.
	resp := parts.server.CasUpsertAndReleaseConfigFile(ctx, &apiconfig.ConfigFilePublishInfo{
		Namespace: utils.NewStringValue(file.id.Namespace), Group: utils.NewStringValue(file.id.Group), FileName: utils.NewStringValue(file.id.File),
		Content: utils.NewStringValue(e.Content), Md5: utils.NewStringValue(file.Md5),
		Format: utils.NewStringValue(file.row.Format), Comment: utils.NewStringValue(file.row.Comment), Tags: model.FromTagMap(file.row.Metadata),
		ReleaseName: utils.NewStringValue(e.Release), ReleaseDescription: utils.NewStringValue(e.Description),
	})
	switch code := apimodel.Code(resp.GetCode().GetValue()); code {
	case apimodel.Code_ExecuteSuccess:
		observe.Log.Info(fmt.Sprintf("[SetRouter] %s: release %q, published by %q", name, e.Release, utils.ParseUserName(ctx)))
		return release.Published{Name: name, Release: e.Release}, nil
	case apimodel.Code_DataConflict:
		return release.Published{}, changed(name)
	default:
		return release.Published{}, fmt.Errorf("%s: the config center answers with code %d: %s", name, uint32(code), resp.GetInfo().GetValue())
	}
}

func changed(name string) Conflict {
	return Conflict(name + ": was changed in the config center in the meantime; nothing was published, try again")
}

// conflict returns why an edit cannot be published.
func (f stored) conflict(e release.Edit) error {
	sameName := func(r *model.SimpleConfigFileRelease) bool { return r.Name == e.Release }
	switch {
	case !releaseName.MatchString(e.Release):
		return Conflict(fmt.Sprintf("release name %q is not one of 1 to 64 letters, digits, dots, hyphens and underscores", e.Release))
	case f.Gray != nil:
		return Conflict(fmt.Sprintf("%s: the gray release %q is active, and Polaris publishes nothing beside one: stop it in the console first", f.Name, f.Gray.Name))
	case f.Released == nil:
		return Conflict(f.Name + ": nothing is published under this name; publish it in the console")
	case f.Released.Md5 != e.Base:
		return changed(f.Name)
	case f.Draft && f.Md5 != e.Draft:
		return Conflict(f.Name + ": what is saved in the console is not published, and would be lost; publish it there, or keep it elsewhere")
	case slices.ContainsFunc(f.releases, sameName): // the stock server would put that one's content in force
		return Conflict(fmt.Sprintf("%s: there is a release %q already; nothing was published, try again", f.Name, e.Release))
	}
	return nil
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
	cached := c.GroupCache().GetGroupByName(namespace, group)
	if cached == nil {
		return nil, fmt.Errorf("the server does not know the group %s/%s yet, try again", namespace, group)
	}
	asked := model.NewAcquireContext(
		model.WithRequestContext(ctx), model.WithModule(model.ConfigModule), model.WithOperation(model.Modify),
		model.WithMethod("UpsertAndReleaseConfigFile"),
		model.WithAccessResources(map[apisecurity.ResourceType][]model.ResourceEntry{
			apisecurity.ResourceType_ConfigGroups: {{ID: strconv.FormatUint(cached.Id, 10), Owner: cached.Owner}},
		}),
	)
	if _, err := c.strategies.GetAuthChecker().CheckConsolePermission(asked); err != nil {
		return nil, Denied(fmt.Sprintf("Polaris refuses to have %s/%s changed: %v; expected the token of a user who may, as x-polaris-token", namespace, group, err))
	}
	return context.WithValue(asked.GetRequestContext(), utils.ContextAuthContextKey, asked), nil
}
