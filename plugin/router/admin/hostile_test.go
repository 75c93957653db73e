package admin

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/configcenter"
	"github.com/polaris-contrib/setrouter/internal/configcenter/release"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
)

// countingBackend counts the requests that change something.
type countingBackend struct {
	pageBackend
	count *int
}

func (b countingBackend) Reload(bool) []api.Reloaded {
	*b.count++
	return []api.Reloaded{}
}

func (b countingBackend) ReloadAll(context.Context, bool) api.ClusterReload {
	*b.count++
	return api.ClusterReload{}
}

func (b countingBackend) PublishConfigFile(string, release.Edit, configcenter.Operator) (release.Published, error) {
	*b.count++
	return release.Published{}, nil
}

func (b countingBackend) RollbackConfigFile(string, release.Switch, configcenter.Operator) (release.Published, error) {
	*b.count++
	return release.Published{}, nil
}

func (b countingBackend) StopGrayConfigFile(string, release.Switch, configcenter.Operator) (release.Published, error) {
	*b.count++
	return release.Published{}, nil
}

// call sends a request to a handler, without a network. The header is given as
// pairs of name and value.
func call(h http.Handler, method, host, path string, body io.Reader, header ...string) *httptest.ResponseRecorder {
	req := httptest.NewRequest(method, path, body)
	req.Host = host
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, req)
	return rec
}

// A page of another site runs in the browser of an operator who can reach the
// listener. The page changes nothing there. It reads nothing, not even by a name
// of its own site that leads to 127.0.0.1.
func TestPagesOfOtherSites(t *testing.T) {
	count := 0
	open, closed := newHandler(countingBackend{pageBackend{t: t}, &count}, ""), newHandler(countingBackend{pageBackend{t: t}, &count}, "secret")
	sameSite := []string{"Sec-Fetch-Site", "same-origin"}
	for _, tt := range []struct {
		name         string
		h            http.Handler
		method, host string
		header       []string
		want         int
	}{
		{"setctl", open, "POST", "127.0.0.1:8095", nil, 200},
		{"the page itself", open, "POST", "127.0.0.1:8095", sameSite, 200},
		{"the page by name", open, "POST", "LocalHost:8095", sameSite, 200},
		{"the page by IPv6", open, "GET", "[::1]:8095", sameSite, 200},
		{"an address without a port", open, "GET", "::1", sameSite, 200},
		{"a form of another site", open, "POST", "127.0.0.1:8095", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"a form of another port", open, "POST", "127.0.0.1:8095", []string{"Sec-Fetch-Site", "same-site"}, 403},
		{"an old browser's form", open, "POST", "127.0.0.1:8095", []string{"Origin", "http://evil.example"}, 403},
		{"a rebound name reloads", open, "POST", "evil.example:8095", sameSite, 403},
		{"a rebound name reads", open, "GET", "evil.example:8095", sameSite, 403},
		{"a rebound name without a port", open, "GET", "evil.example", sameSite, 403},
		{"a name that looks like an address", open, "GET", "127.0.0.1.evil.example:8095", sameSite, 403},
		{"no host", open, "GET", "", nil, 403},
		{"a rebound name has no token", closed, "GET", "evil.example:8095", sameSite, 401},
		{"a name, with the token", closed, "GET", "polaris.example:8095", []string{"Authorization", "Bearer secret"}, 200},
		{"the token in another case", closed, "GET", "polaris.example:8095", []string{"Authorization", "Bearer Secret"}, 401},
		{"no token", closed, "POST", "127.0.0.1:8095", nil, 401},
	} {
		path := map[string]string{"GET": "/setrouter/v1/services", "POST": "/setrouter/v1/reload"}[tt.method]
		before := count
		rec := call(tt.h, tt.method, tt.host, path, nil, tt.header...)
		if rec.Code != tt.want {
			t.Errorf("%s: %d, want %d: %s", tt.name, rec.Code, tt.want, rec.Body)
		}
		if done := count > before; done != (tt.method == "POST" && tt.want == 200) {
			t.Errorf("%s: reloaded: %t", tt.name, done)
		}
		if rec.Code != 200 && strings.Contains(rec.Body.String(), "novel") {
			t.Errorf("%s: learns %s", tt.name, rec.Body)
		}
		if rec.Header().Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: other sites may read the answer", tt.name)
		}
	}
}

// The listener publishes what setctl sends. It publishes nothing that a page of
// another site, a form, or a program without the listener's token can send.
func TestPublishingIsForSetctl(t *testing.T) {
	count := 0
	open, closed := newHandler(countingBackend{pageBackend{t: t}, &count}, ""), newHandler(countingBackend{pageBackend{t: t}, &count}, "secret")
	const path, fine = "/setrouter/v1/configfile?name=polaris://n/g/f", `{"base": "b", "content": "c", "release": "r"}`
	for _, tt := range []struct {
		name         string
		h            http.Handler
		method, host string
		body         string
		header       []string
		want         int
	}{
		{"setctl", open, "POST", "127.0.0.1:8095", fine, []string{"Content-Type", "application/json"}, 200},
		{"setctl, with the token", closed, "POST", "127.0.0.1:8095", fine, []string{"Content-Type", "application/json", "Authorization", "Bearer secret"}, 200},
		{"a Polaris token alone", closed, "POST", "127.0.0.1:8095", fine, []string{"Content-Type", "application/json", "x-polaris-token", "good"}, 401},
		{"another site", open, "POST", "127.0.0.1:8095", fine, []string{"Content-Type", "application/json", "Sec-Fetch-Site", "cross-site"}, 403},
		{"an old browser's site", open, "POST", "127.0.0.1:8095", fine, []string{"Content-Type", "application/json", "Origin", "http://evil.example"}, 403},
		{"a rebound name", open, "POST", "evil.example:8095", fine, []string{"Content-Type", "application/json", "Sec-Fetch-Site", "same-origin"}, 403},
		{"a form", open, "POST", "127.0.0.1:8095", "base=b", []string{"Content-Type", "application/x-www-form-urlencoded"}, 400},
		{"a form of plain text", open, "POST", "127.0.0.1:8095", fine, []string{"Content-Type", "text/plain"}, 400},
		{"no type", open, "POST", "127.0.0.1:8095", fine, nil, 400},
		{"no JSON", open, "POST", "127.0.0.1:8095", "base=b", []string{"Content-Type", "application/json"}, 400},
		{"fields that nobody knows", open, "POST", "127.0.0.1:8095", `{"file": "f"}`, []string{"Content-Type", "application/json"}, 400},
		{"two in one", open, "POST", "127.0.0.1:8095", fine + fine, []string{"Content-Type", "application/json"}, 400},
		{"half of a second", open, "POST", "127.0.0.1:8095", fine + "{", []string{"Content-Type", "application/json"}, 400},
		{"a PUT", open, "PUT", "127.0.0.1:8095", fine, []string{"Content-Type", "application/json"}, 404},
		{"a file that is too large", open, "POST", "127.0.0.1:8095", `{"content": "` + strings.Repeat("x", maxFile) + `"}`, []string{"Content-Type", "application/json"}, 413},
		{"a second that is too large", open, "POST", "127.0.0.1:8095", fine + strings.Repeat(" ", maxFile), []string{"Content-Type", "application/json"}, 413},
	} {
		before := count
		rec := call(tt.h, tt.method, tt.host, path, strings.NewReader(tt.body), tt.header...)
		if rec.Code != tt.want {
			t.Errorf("%s: %d, want %d: %s", tt.name, rec.Code, tt.want, rec.Body)
		}
		if done := count > before; done != (tt.want == 200) {
			t.Errorf("%s: published: %t", tt.name, done)
		}
	}
}

// A reload is a POST: a page cannot reload by a link or an image.
func TestReloadIsNoGet(t *testing.T) {
	count := 0
	h := newHandler(countingBackend{pageBackend{t: t}, &count}, "")
	for _, method := range []string{"GET", "HEAD", "OPTIONS", "PUT"} {
		if rec := call(h, method, "localhost", "/setrouter/v1/reload", nil); rec.Code != 404 || count != 0 {
			t.Errorf("%s: %d, reloads %d", method, rec.Code, count)
		}
	}
}

// An unknown path is quoted in the refusal: DEL moves cursors, and JSON leaves DEL
// as it is. FuzzQuery found it.
func TestUnknownPathsAreQuoted(t *testing.T) {
	rec := call(newHandler(pageBackend{t: t}, ""), "GET", "localhost", "/setrouter/v1/a%7fb%1b[2J", nil)
	if want := `GET \"/setrouter/v1/a\\x7fb\\x1b[2J\"`; rec.Code != 404 || !strings.Contains(rec.Body.String(), want) {
		t.Errorf("%d %q, want %s", rec.Code, rec.Body, want)
	}
}

// The page loads nothing, no other page frames it, and it makes no markup of a
// text.
func TestPageHeaders(t *testing.T) {
	h := newHandler(pageBackend{t: t}, "")
	policy := call(h, "GET", "localhost", "/", nil).Header().Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "style-src 'sha256-", "script-src 'sha256-", "connect-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'", "require-trusted-types-for 'script'", "trusted-types 'none'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("the policy has no %q", want)
		}
	}
	if strings.Contains(policy, "unsafe") {
		t.Errorf("the policy allows what is unsafe: %s", policy)
	}
	header := call(h, "GET", "localhost", "/setrouter/v1/explain?caller=<script>&service=a/b", nil).Header()
	if header.Get("Content-Type") != "application/json" || header.Get("X-Content-Type-Options") != "nosniff" || header.Get("Cache-Control") != "no-store" {
		t.Errorf("JSON has %v", header)
	}
}

// The listener reads only the beginning of a large body, and puts nothing on disk.
func TestBodiesAreBounded(t *testing.T) {
	t.Setenv("TMPDIR", "/nowhere") // where a large upload would go
	h := newHandler(pageBackend{t: t}, "")
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	file, err := form.CreateFormFile("file", "f")
	if err != nil {
		t.Fatal(err)
	}
	for range 40 {
		fmt.Fprint(file, strings.Repeat("x", 1<<20))
	}
	if err := form.Close(); err != nil {
		t.Fatal(err)
	}
	for _, method := range []string{"GET", "POST"} {
		path := map[string]string{"GET": "/setrouter/v1/explain?caller=10.2.7.9&service=default/novel", "POST": "/setrouter/v1/reload"}[method]
		counted := &counter{r: bytes.NewReader(body.Bytes())}
		call(h, method, "localhost", path, counted, "Content-Type", form.FormDataContentType())
		if counted.n > 2*maxBody {
			t.Errorf("%s: %d bytes of the body were read, want at most %d", method, counted.n, 2*maxBody)
		}
	}
}

// counter counts the bytes that are read from it.
type counter struct {
	r io.Reader
	n int
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += n
	return n, err
}
