package eureka

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"

	"github.com/polaris-contrib/setrouter/internal/observe"
)

// Content types of the stock listener.
const (
	typeJSON = "application/json"
	typeXML  = "application/xml"
)

// maxBody is the size of the largest answer that is filtered, in bytes: a
// namespace of some 50,000 instances. A larger answer passes as it is.
var maxBody int64 = 64 << 20

// modify filters an answer of the stock listener, before the proxy sends it. The
// headers of an answer change only where its body does.
func (f *front) modify(resp *http.Response) error {
	q, ok := resp.Request.Context().Value(queryKey{}).(query)
	if !ok || resp.StatusCode != http.StatusOK {
		return nil
	}
	mediaType, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if mediaType != typeJSON && mediaType != typeXML {
		return nil
	}
	if encoding := resp.Header.Get("Content-Encoding"); encoding != "" {
		q.reportFault(fmt.Errorf("the stock answer is encoded: %s", encoding))
		return nil
	}
	stock, ok, err := readBody(resp)
	if err != nil {
		return err
	}
	if !ok {
		q.reportFault(fmt.Errorf("the stock answer has more than %d bytes", maxBody))
		return nil
	}
	body, err := f.answer(stock, mediaType == typeXML, q)
	switch {
	case errors.Is(err, errNothingLeft):
		resp.StatusCode, resp.Status = http.StatusNotFound, "404 Not Found"
		resp.Header.Set("Content-Type", typeXML) // as the stock listener does
		replaceBody(resp, nil)
	case err != nil:
		q.reportFault(err)
	case body != nil:
		replaceBody(resp, body)
	}
	return nil
}

// readBody returns the body of an answer. It is not ok where the body has more
// than maxBody bytes. The answer still has its whole body afterwards.
func readBody(resp *http.Response) (body []byte, ok bool, err error) {
	stock := resp.Body
	body, err = io.ReadAll(io.LimitReader(stock, maxBody+1))
	if err != nil {
		return nil, false, err
	}
	if int64(len(body)) > maxBody {
		resp.Body = readCloser{io.MultiReader(bytes.NewReader(body), stock), stock}
		return nil, false, nil
	}
	_ = stock.Close()
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return body, true, nil
}

type readCloser struct {
	io.Reader
	io.Closer
}

func replaceBody(resp *http.Response, body []byte) {
	resp.Body = io.NopCloser(bytes.NewReader(body))
	resp.ContentLength, resp.TransferEncoding = int64(len(body)), nil
	resp.Header.Set("Content-Length", strconv.Itoa(len(body)))
	resp.Header.Del("Etag")
}

// errNothingLeft says that the caller gets nothing of the one application or
// instance that it asks for.
var errNothingLeft = errors.New("nothing is left")

// answer returns the body for a caller. It returns nil where the stock body is
// sent.
func (f *front) answer(stock []byte, isXML bool, q query) (body []byte, err error) {
	defer observe.Recovered(&err)
	d, err := f.documents.parse(stock, documentKey{q.namespace, q.path, isXML})
	if err != nil {
		return nil, err
	}
	if q.isDelta() && d.kind == kindApplications {
		if !f.filter.narrowsAny(q) {
			return nil, nil
		}
		return document{kind: d.kind, isXML: isXML, version: d.version, hashcode: unreachableHashcode()}.bytes(), nil
	}
	filtered, changed, err := f.filter.document(d, q)
	switch {
	case err != nil || !changed:
		return nil, err
	case len(filtered.apps) == 0 && filtered.kind != kindApplications:
		return nil, errNothingLeft
	}
	return filtered.bytes(), nil
}
