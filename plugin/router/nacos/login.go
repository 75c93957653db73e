package nacos

import (
	"context"
	"net/http"

	"github.com/polarismesh/polaris/auth"
	"github.com/polarismesh/polaris/common/model"
	"github.com/polarismesh/polaris/common/utils"
)

// tokenTTL is how many seconds clients go without a new login, as the stock listener says.
const tokenTTL = 120

// logIn answers a login. The password is a token of Polaris, and so is what the client
// sends with its requests from then on.
func (h *httpHandler) logIn(_ *http.Request, p *params) (response, error) {
	user, token := p.text("username"), p.text("password")
	if p.err != nil {
		return nil, p.err
	}
	if err := h.login(token); err != nil {
		return nil, &requestError{http.StatusForbidden, "the password is no token that Polaris knows"}
	}
	return map[string]any{"accessToken": token, "tokenTtl": tokenTTL, "globalAdmin": false, "username": user}, nil
}

// checkToken returns an error for a token that Polaris does not take from clients.
func checkToken(token string) error {
	strategies, err := auth.GetStrategyServer()
	if err != nil {
		return err
	}
	checker := strategies.GetAuthChecker()
	if !checker.IsOpenClientAuth() {
		return nil
	}
	ctx := context.WithValue(context.Background(), utils.ContextAuthTokenKey, token)
	return checker.VerifyCredential(model.NewAcquireContext(model.WithFromClient(), model.WithRequestContext(ctx)))
}
