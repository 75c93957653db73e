package eureka

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"runtime/debug"
	"strconv"
	"sync"
)

// Content types of the stock listener.
const (
	typeJSON = "application/json"
	typeXML  = "application/xml"
)

// maxBody bounds an answer in memory, a namespace of some 50,000 instances. A
// larger one passes as it is.
var maxBody int64 = 64 << 20

// modify filters an answer of the stock listener. Headers change only with the
// body.
func (f *front) modify(resp *http.Response) error {
	q, ok := resp.Request.Context().Value(queryKey{}).(query)
	if !ok || resp.StatusCode != http.StatusOK {
		return nil
	}
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if kind != typeJSON && kind != typeXML {
		return nil
	}
	if encoding := resp.Header.Get("Content-Encoding"); encoding != "" {
		q.fault(fmt.Errorf("the stock answer is encoded: %s", encoding))
		return nil
	}
	stock := resp.Body
	body, err := io.ReadAll(io.LimitReader(stock, maxBody+1))
	if err != nil {
		return err
	}
	if int64(len(body)) > maxBody {
		resp.Body = readCloser{io.MultiReader(bytes.NewReader(body), stock), stock}
		q.fault(fmt.Errorf("the stock answer has more than %d bytes", maxBody))
		return nil
	}
	_ = stock.Close()
	resp.Body = io.NopCloser(bytes.NewReader(body))
	out, err := f.answer(body, kind == typeXML, q)
	switch {
	case errors.Is(err, errGone):
		resp.StatusCode, resp.Status = http.StatusNotFound, "404 Not Found"
		resp.Header.Set("Content-Type", typeXML) // as the stock listener does
		replace(resp, nil)
	case err != nil:
		q.fault(err)
	case out != nil:
		replace(resp, out)
	}
	return nil
}

type readCloser struct {
	io.Reader
	io.Closer
}

func replace(resp *http.Response, body []byte) {
	resp.Body = io.NopCloser(bytes.NewReader(body))
	resp.ContentLength, resp.TransferEncoding = int64(len(body)), nil
	resp.Header.Set("Content-Length", strconv.Itoa(len(body)))
	resp.Header.Del("Etag")
}

// errGone is for one application or instance of which nothing is left.
var errGone = errors.New("nothing is left")

// answer is the body for a caller, nil where the stock one is.
func (f *front) answer(body []byte, isXML bool, q query) (out []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			out, err = nil, fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	d, err := f.docs.parse(body, memoKey{q.namespace, q.path, isXML})
	if err != nil {
		return nil, err
	}
	if q.isDelta() && d.kind == kindApplications { // else it is an application of that name
		if !f.filter.narrows(q) {
			return nil, nil
		}
		return document{kind: d.kind, isXML: isXML, version: d.version, hash: fetchAll()}.bytes(), nil
	}
	kept, changed, err := f.filter.apply(d, q)
	switch {
	case err != nil || !changed:
		return nil, err
	case len(kept.apps) == 0 && kept.kind != kindApplications:
		return nil, errGone
	}
	return kept.bytes(), nil
}

// memo keeps large answers parsed: the stock listener sends the same bytes
// until it makes them anew.
type memo struct {
	mu   sync.Mutex
	docs map[memoKey]memoDoc
}

type memoKey struct {
	namespace, path string
	isXML           bool
}

type memoDoc struct {
	body []byte
	doc  *document
}

// What a memo keeps: clients choose namespaces and paths, so that it is few.
const (
	memoBytes = 64 << 10
	memoDocs  = 8
)

func (m *memo) parse(body []byte, key memoKey) (*document, error) {
	if len(body) < memoBytes {
		return parse(body, key.isXML)
	}
	m.mu.Lock()
	defer m.mu.Unlock() // while it parses, too: others wait for the same bytes
	if old := m.docs[key]; old.doc != nil && bytes.Equal(old.body, body) {
		return old.doc, nil
	}
	d, err := parse(body, key.isXML)
	if err != nil {
		return nil, err
	}
	if m.docs == nil || len(m.docs) >= memoDocs {
		m.docs = map[memoKey]memoDoc{}
	}
	m.docs[key] = memoDoc{body, d}
	return d, nil
}
