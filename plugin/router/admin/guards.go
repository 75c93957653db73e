package admin

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/polaris-contrib/setrouter/internal/serverconfig"
)

// requireSameSite refuses requests from a page of another site: the page must not
// reach the listener of an operator who visits it.
func requireSameSite(next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		sendError(w, newHTTPError(http.StatusForbidden, "refused", "the request comes from a page of another site"))
	}))
	return protection.Handler(next)
}

// requireKnownHost refuses requests to a name, other than localhost, where the
// listener has no token. A site whose name has just become 127.0.0.1 (DNS
// rebinding) is to a browser the site of the listener.
func requireKnownHost(token string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		_, err := netip.ParseAddr(strings.Trim(host, "[]"))
		if token != "" || err == nil || strings.EqualFold(host, "localhost") {
			next.ServeHTTP(w, r)
			return
		}
		sendError(w, newHTTPError(http.StatusForbidden, "refused", "the listener has no token and is asked as %q, expected localhost or an address", r.Host))
	})
}

// requireToken refuses requests without a bearer token of the options. The readToken is
// for requests that change nothing. Without a token in the options requireToken refuses
// nothing.
func requireToken(options serverconfig.Admin, next http.Handler) http.Handler {
	if options.Token == "" {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case hasToken(r, options.Token), hasToken(r, options.ReadToken) && isReading(r):
			next.ServeHTTP(w, r)
		case hasToken(r, options.ReadToken):
			sendError(w, newHTTPError(http.StatusForbidden, "refused", "the token is the readToken of the set-admin listener, which may change nothing, expected its token"))
		default:
			w.Header().Set("WWW-Authenticate", "Bearer")
			sendError(w, newHTTPError(http.StatusUnauthorized, "unauthorized", "the token is missing or wrong, expected Authorization: Bearer and the token of the set-admin listener"))
		}
	})
}

// hasToken reports whether a request carries a token. No request carries an empty one.
func hasToken(r *http.Request, token string) bool {
	want, got := sha256.Sum256([]byte("Bearer "+token)), sha256.Sum256([]byte(r.Header.Get("Authorization")))
	return subtle.ConstantTimeCompare(got[:], want[:]) == 1 && token != ""
}

// computing are the paths of POST requests that change nothing: they send files to compute
// with. The readToken is for them, too.
var computing = map[string]bool{"/setrouter/v1/matrix": true}

// isReading reports whether a request changes nothing.
func isReading(r *http.Request) bool {
	return r.Method == http.MethodGet || r.Method == http.MethodPost && computing[r.URL.Path]
}

// How much of a request's body is read, in bytes. Only requests that publish files, or
// suppose so, have something to send in their bodies.
const (
	maxBody = 1 << 12
	maxFile = 16 << 20
)

// maxWithFiles is how many requests with files to compute with are there at once. Each may
// hold a body of maxFile, and what is made of the body.
const maxWithFiles = 4

// limitWithFiles refuses requests, before their bodies are read, while maxWithFiles others
// are there.
func limitWithFiles(next http.Handler) http.Handler {
	slots := make(chan struct{}, maxWithFiles)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
			next.ServeHTTP(w, r)
		default:
			sendError(w, newHTTPError(http.StatusServiceUnavailable, "busy", "%d other requests with files are under way, try again", maxWithFiles))
		}
	})
}

// limitBody ends the reading of a body that is too large with an error.
func limitBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		limit := int64(maxBody)
		if r.Method == http.MethodPost && (r.URL.Path == "/setrouter/v1/configfile" || computing[r.URL.Path]) {
			limit = maxFile
		}
		r.Body = http.MaxBytesReader(w, r.Body, limit)
		next.ServeHTTP(w, r)
	})
}
