package admin

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/polaris-contrib/setrouter/internal/configcenter"
	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/router"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
)

// httpError is an error as the listener answers it.
type httpError struct {
	status int
	body   api.Error
}

// Error implements error.
func (e httpError) Error() string { return e.body.Message }

func newHTTPError(status int, code, format string, args ...any) httpError {
	return httpError{status, api.Error{Code: code, Message: fmt.Sprintf(format, args...)}}
}

func badRequest(format string, args ...any) httpError {
	return newHTTPError(http.StatusBadRequest, "bad-request", format, args...)
}

func sendError(w http.ResponseWriter, err error) {
	e := toHTTPError(err)
	sendJSON(w, e.status, e.body)
}

// toHTTPError returns an error of any package as the listener answers it.
func toHTTPError(err error) httpError {
	if e, ok := errors.AsType[httpError](err); ok {
		return e
	}
	if conflict, ok := errors.AsType[configcenter.Conflict](err); ok {
		return newHTTPError(http.StatusConflict, "conflict", "%v", conflict)
	}
	if denied, ok := errors.AsType[configcenter.Denied](err); ok {
		return newHTTPError(http.StatusForbidden, "refused", "%v", denied)
	}
	if problems, ok := errors.AsType[strict.Error](err); ok {
		return badRequest("%s", strings.Join(problems.Lines(), "; "))
	}
	if large, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return newHTTPError(http.StatusRequestEntityTooLarge, "too-large", "the body is too large, expected at most %d bytes", large.Limit)
	}
	if errors.Is(err, configcenter.ErrAbsent) {
		return newHTTPError(http.StatusNotFound, "not-found", "%v", err)
	}
	if missing, ok := errors.AsType[router.NotFound](err); ok {
		return newHTTPError(http.StatusNotFound, "not-found", "%v", missing)
	}
	return newHTTPError(http.StatusInternalServerError, "internal", "%v", err)
}
