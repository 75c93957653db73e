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

	"github.com/polaris-contrib/setrouter/internal/observe"
)

// Edit is a new text for a file in the config center.
type Edit struct {
	Base    string `json:"base"` // the md5 of the release that was edited
	Content string `json:"content"`
	Release string `json:"release"` // the name of the new release
	// Description is for those who look at the releases.
	Description string `json:"description,omitempty"`
	// Draft is the md5 of a draft that may be overwritten.
	Draft string `json:"draft,omitempty"`
}

// Operator is who publishes.
type Operator struct {
	Token   string // of Polaris
	Address string // the peer of the connection
}

// Published says what was published.
type Published struct {
	Name    string `json:"name"`
	Release string `json:"release"`
}

// Conflict says why a file cannot be published as it is now.
type Conflict string

func (c Conflict) Error() string { return string(c) }

// Denied says that Polaris's auth refuses an operator.
type Denied string

func (d Denied) Error() string { return string(d) }

// publisher is what is asked of the server's config center.
type publisher interface {
	// Allow asks Polaris's auth whether an operator may change the files of a
	// group. The context that it returns knows the user.
	Allow(ctx context.Context, namespace, group string) (context.Context, error)
	CasUpsertAndReleaseConfigFile(context.Context, *apiconfig.ConfigFilePublishInfo) *apiconfig.ConfigResponse
}

// releaseName is the form of the names of releases that this package makes.
var releaseName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// Publish publishes a file in full if what is released is still what was edited,
// and what is saved would not be lost. Its error can be a Denied, a Conflict or
// livefile.ErrAbsent; nothing is changed then.
func (c *Center) Publish(name string, e Edit, by Operator) (Published, error) {
	from, err := c.opened()
	if err != nil {
		return Published{}, err
	}
	is, err := look(from, name)
	if err != nil {
		return Published{}, fmt.Errorf("%s: %w", name, err)
	}
	ctx, err := from.server.Allow(contextOf(by), is.of.Namespace, is.of.Group)
	if err != nil {
		return Published{}, err
	}
	if err := is.conflict(e); err != nil {
		return Published{}, err
	}
	// The stock server compares with what is saved, in the transaction that
	// saves and publishes.
	resp := from.server.CasUpsertAndReleaseConfigFile(ctx, &apiconfig.ConfigFilePublishInfo{
		Namespace: utils.NewStringValue(is.of.Namespace), Group: utils.NewStringValue(is.of.Group), FileName: utils.NewStringValue(is.of.File),
		Content: utils.NewStringValue(e.Content), Md5: utils.NewStringValue(is.Md5),
		Format: utils.NewStringValue(is.file.Format), Comment: utils.NewStringValue(is.file.Comment), Tags: model.FromTagMap(is.file.Metadata),
		ReleaseName: utils.NewStringValue(e.Release), ReleaseDescription: utils.NewStringValue(e.Description),
	})
	switch code := apimodel.Code(resp.GetCode().GetValue()); code {
	case apimodel.Code_ExecuteSuccess:
		observe.Log.Info(fmt.Sprintf("[SetRouter] %s: release %q, published by %q", name, e.Release, utils.ParseUserName(ctx)))
		return Published{name, e.Release}, nil
	case apimodel.Code_DataConflict:
		return Published{}, changed(name)
	default:
		return Published{}, fmt.Errorf("%s: the config center answers with code %d: %s", name, uint32(code), resp.GetInfo().GetValue())
	}
}

func changed(name string) Conflict {
	return Conflict(name + ": was changed in the config center in the meantime; nothing was published, try again")
}

// conflict says why an edit cannot be published.
func (l looked) conflict(e Edit) error {
	sameName := func(r *model.SimpleConfigFileRelease) bool { return r.Name == e.Release }
	switch {
	case !releaseName.MatchString(e.Release):
		return Conflict(fmt.Sprintf("release name %q is not one of 1 to 64 letters, digits, dots, hyphens and underscores", e.Release))
	case l.Gray != nil:
		return Conflict(fmt.Sprintf("%s: the gray release %q is active, and Polaris publishes nothing beside one: stop it in the console first", l.Name, l.Gray.Name))
	case l.Released == nil:
		return Conflict(l.Name + ": nothing is published under this name; publish it in the console")
	case l.Released.Md5 != e.Base:
		return changed(l.Name)
	case l.Draft && l.Md5 != e.Draft:
		return Conflict(l.Name + ": what is saved in the console is not published, and would be lost; publish it there, or keep it elsewhere")
	case slices.ContainsFunc(l.releases, sameName): // the stock server would put that one's content in force
		return Conflict(fmt.Sprintf("%s: there is a release %q already; nothing was published, try again", l.Name, e.Release))
	}
	return nil
}

// contextOf is an operator as the stock HTTP listener describes one.
func contextOf(by Operator) context.Context {
	ctx := context.WithValue(context.Background(), utils.ContextClientAddress, by.Address)
	ctx = context.WithValue(ctx, utils.ContextAuthTokenKey, by.Token)
	return context.WithValue(ctx, utils.ContextOperator, "setrouter:"+by.Address)
}

// console is the server's config center for users of the console. The stock auth
// proxy has compare-and-set for clients only, which it does not ask for a token
// unless clientOpen is set: so it is asked here as for the publication of a file.
type console struct {
	*config.Server
	strategies auth.StrategyServer
}

// Allow implements publisher.
func (c console) Allow(ctx context.Context, namespace, group string) (context.Context, error) {
	of := c.GroupCache().GetGroupByName(namespace, group)
	if of == nil {
		return nil, fmt.Errorf("the server does not know the group %s/%s yet, try again", namespace, group)
	}
	asked := model.NewAcquireContext(
		model.WithRequestContext(ctx), model.WithModule(model.ConfigModule), model.WithOperation(model.Modify),
		model.WithMethod("UpsertAndReleaseConfigFile"),
		model.WithAccessResources(map[apisecurity.ResourceType][]model.ResourceEntry{
			apisecurity.ResourceType_ConfigGroups: {{ID: strconv.FormatUint(of.Id, 10), Owner: of.Owner}},
		}),
	)
	if _, err := c.strategies.GetAuthChecker().CheckConsolePermission(asked); err != nil {
		return nil, Denied(fmt.Sprintf("Polaris refuses to have %s/%s changed: %v; expected the token of a user who may, as x-polaris-token", namespace, group, err))
	}
	return context.WithValue(asked.GetRequestContext(), utils.ContextAuthContextKey, asked), nil
}
