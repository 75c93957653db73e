package httpfiles

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/polaris-contrib/setrouter/internal/strict"
)

// limits bound a fetch.
type limits struct {
	header time.Duration // until an answer begins
	whole  time.Duration // until everything of one address is there
	bytes  int64         // of an answer
}

var defaultLimits = limits{header: 15 * time.Second, whole: 2 * time.Minute, bytes: strict.MaxFileSize}

// mostRedirects is how many redirects of a file are followed.
const mostRedirects = 5

// newClient returns a client that trusts the certificates of a file; of the system if
// the name is empty.
func newClient(caFile string) (*http.Client, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ResponseHeaderTimeout = defaultLimits.header
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	if caFile != "" {
		pem, err := os.ReadFile(caFile)
		if err != nil {
			return nil, fmt.Errorf("caFile: %w", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("caFile: %s has no certificate, expected PEM", caFile)
		}
		transport.TLSClientConfig.RootCAs = pool
	}
	return &http.Client{Transport: transport, CheckRedirect: checkRedirect}, nil
}

// checkRedirect follows redirects of files. The token goes to the host of the
// configuration only, and never over plain HTTP where that has HTTPS.
func checkRedirect(next *http.Request, before []*http.Request) error {
	first := before[0]
	switch {
	case first.Method != http.MethodGet:
		return errors.New("it is a redirect, expected an answer: a request with a body is not sent elsewhere")
	case len(before) > mostRedirects:
		return fmt.Errorf("there are more than %d redirects", mostRedirects)
	case first.URL.Scheme == "https" && next.URL.Scheme != "https":
		return errors.New("it is a redirect from https to http, which is not followed")
	}
	if next.URL.Host != first.URL.Host {
		next.Header.Del("Authorization")
	}
	next.Header.Del("Referer") // it would have the query
	return nil
}

// token returns the token of the configuration; "" if there is none.
func (s *Source) token() (string, error) {
	if s.config.TokenFile == "" {
		return s.config.Token, nil
	}
	data, err := os.ReadFile(s.config.TokenFile)
	if err != nil {
		return "", fmt.Errorf("tokenFile: %w", err)
	}
	token := strings.TrimSpace(string(data))
	if token == "" {
		return "", fmt.Errorf("tokenFile: %s is empty", s.config.TokenFile)
	}
	return token, nil
}

// getFile fetches a file. It asks only for what has changed.
func (s *Source) getFile(ctx context.Context, before *text) (found, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, before.address, nil)
	if err != nil {
		return found{}, errors.New("the address cannot be read") // the error would quote it
	}
	token, err := s.token()
	if err != nil {
		return found{}, err
	}
	if token != "" && !strings.Contains(token, " ") {
		token = "Bearer " + token // else the token has its scheme
	}
	if token != "" {
		request.Header.Set("Authorization", token)
	}
	if before.etag != "" {
		request.Header.Set("If-None-Match", before.etag)
	}
	response, err := s.client.Do(request)
	if err != nil {
		return found{}, cause(err)
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusNotModified && before.etag != "" {
		return found{same: true}, nil
	}
	if response.StatusCode != http.StatusOK {
		return found{}, fmt.Errorf("answered %q, expected 200", response.Status)
	}
	data, err := s.readBody(response)
	if err != nil {
		return found{}, err
	}
	if err := checkForm(before.name, response.Header.Get("Content-Type"), data); err != nil {
		return found{}, err
	}
	return found{files: []strict.File{{Name: before.name, Data: data}}, etag: response.Header.Get("ETag")}, nil
}

// readBody reads the body of an answer, whole or not at all.
func (s *Source) readBody(response *http.Response) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(response.Body, s.limits.bytes+1))
	if err != nil {
		return nil, cause(err)
	}
	if int64(len(data)) > s.limits.bytes {
		return nil, fmt.Errorf("the answer is larger than %d MiB, the limit", s.limits.bytes>>20)
	}
	return data, nil
}

// checkForm returns an error if an answer is no mapping file of the kind that its
// address says. A login page is an answer of status 200, too.
func checkForm(name, contentType string, data []byte) error {
	media, _, _ := mime.ParseMediaType(contentType)
	if start := bytes.TrimSpace(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))); media == "text/html" || bytes.HasPrefix(start, []byte("<")) {
		return errors.New("answered with a page of HTML, expected YAML or CSV: it may be a login page or that of a proxy")
	}
	if media == "text/csv" && !strings.EqualFold(filepath.Ext(name), ".csv") {
		return fmt.Errorf("answered with CSV, and the address ends otherwise; write %s#.csv", name)
	}
	return strict.CheckText(data)
}

// cause returns an error of the HTTP client without the address, and without what differs
// from try to try.
func cause(err error) error {
	if urlErr, ok := errors.AsType[*url.Error](err); ok {
		if urlErr.Timeout() {
			return errSlow
		}
		err = urlErr.Err
	}
	netErr, isNet := errors.AsType[net.Error](err)
	dnsErr, isDNS := errors.AsType[*net.DNSError](err)
	errno, isErrno := errors.AsType[syscall.Errno](err)
	switch {
	case isNet && netErr.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return errSlow
	case isDNS:
		return fmt.Errorf("cannot be fetched: %s: %s", dnsErr.Name, dnsErr.Err)
	case isErrno:
		return fmt.Errorf("cannot be fetched: %w", errno)
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return errors.New("cannot be fetched: the answer ended too early")
	}
	return fmt.Errorf("cannot be fetched: %w", err)
}

// errSlow is said in the same words, wherever the time was lost.
var errSlow = errors.New("cannot be fetched: there was no whole answer in time")

// panicked is a bug in a fetch.
type panicked struct{ value any }

func (p panicked) Error() string { return fmt.Sprintf("panic while fetching: %v", p.value) }
