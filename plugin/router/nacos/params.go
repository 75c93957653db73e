package nacos

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	nacosmodel "github.com/polarismesh/polaris/apiserver/nacosserver/model"
)

// Bounds of what a request has, in bytes. Polaris bounds names and metadata itself when an
// instance registers.
const (
	maxBody   = 4 << 20
	maxText   = 1024 // of a parameter, except metadata and beats
	maxQuoted = 200  // of what an error quotes
)

// requestError is why a request is not answered, with the status of HTTP.
type requestError struct {
	status int
	text   string
}

func (e *requestError) Error() string { return e.text }

func badRequest(format string, args ...any) error {
	return &requestError{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

// quoted returns a text of a client for an error.
func quoted(text string) string {
	if len(text) > maxQuoted {
		return fmt.Sprintf("%q...", text[:maxQuoted])
	}
	return strconv.Quote(text)
}

// params are the parameters of a request over HTTP. Of a parameter that is there several
// times the first counts. The first parameter that cannot be read is the error; what is read
// after an error means nothing.
type params struct {
	values  url.Values
	hasForm bool // some of them come from the body
	err     error
}

// readParams returns the parameters of a request: those of its body, where there is one,
// before those of its URL. Clients write a form and often do not say so.
func readParams(w http.ResponseWriter, r *http.Request) (*params, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, badRequest("the query of the URL cannot be read, at %s", quoted(unreadable(err)))
	}
	if err := checkText(values); err != nil {
		return nil, err
	}
	if r.Body == nil || r.Body == http.NoBody || !mayBeForm(r.Header) {
		return &params{values: values}, nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if tooLong := (*http.MaxBytesError)(nil); errors.As(err, &tooLong) {
		return nil, &requestError{http.StatusRequestEntityTooLarge, fmt.Sprintf("the body has more than %d bytes", tooLong.Limit)}
	}
	if err != nil {
		return nil, badRequest("the body did not come")
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, badRequest("the form in the body cannot be read, at %s", quoted(unreadable(err)))
	}
	if err := checkText(form); err != nil {
		return nil, err
	}
	for key, list := range form {
		values[key] = append(list, values[key]...)
	}
	return &params{values: values, hasForm: true}, nil
}

// checkText refuses parameters that are no text in UTF-8. Polaris writes registrations to its
// store many at a time, and one that is no text makes all of them fail, also those of others.
func checkText(values url.Values) error {
	for key, list := range values {
		for _, value := range append(list, key) {
			if !utf8.ValidString(value) {
				return badRequest("parameter %s is no text in UTF-8", quoted(key))
			}
		}
	}
	return nil
}

// unreadable returns what of a query cannot be read, or what is wrong with it.
func unreadable(err error) string {
	if escape, ok := errors.AsType[url.EscapeError](err); ok {
		return string(escape)
	}
	return err.Error()
}

// mayBeForm reports whether a body is a form, or nobody says what it is.
func mayBeForm(header http.Header) bool {
	kind := header.Get("Content-Type")
	if kind == "" {
		return true
	}
	kind, _, err := mime.ParseMediaType(kind)
	return kind == nacosmodel.MIME && (err == nil || errors.Is(err, mime.ErrInvalidMediaParameter))
}

// fail makes the error of the parameters, unless there is one.
func (p *params) fail(format string, args ...any) {
	if p.err == nil {
		p.err = badRequest(format, args...)
	}
}

// long returns a parameter without blanks around it, empty where the client does not name it.
func (p *params) long(key string) string { return strings.TrimSpace(p.values.Get(key)) }

// text returns the first of the parameters that the client names. Its length is bounded.
func (p *params) text(keys ...string) string {
	for _, key := range keys {
		text := p.long(key)
		if len(text) > maxText {
			p.fail("%s has %d bytes, expected %d at most", key, len(text), maxText)
			return ""
		}
		if text != "" {
			return text
		}
	}
	return ""
}

// needed is text for a parameter that must be there.
func (p *params) needed(key string) string {
	text := p.text(key)
	if text == "" {
		p.fail("the parameter %s is missing", key)
	}
	return text
}

// flag returns the first of the parameters that the client names: true or false, or True and
// False as Python writes them.
func (p *params) flag(byDefault bool, keys ...string) bool {
	text := p.text(keys...)
	if text == "" {
		return byDefault
	}
	value, err := strconv.ParseBool(text)
	if err != nil {
		p.fail("%s is %s, expected true or false", keys[0], quoted(text))
	}
	return value
}

// number returns a parameter that is a whole number.
func (p *params) number(key string, byDefault, least, most int) int {
	text := p.text(key)
	if text == "" {
		return byDefault
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		p.fail("%s is %s, expected a whole number from %d to %d", key, quoted(text), least, most)
	}
	return n
}
