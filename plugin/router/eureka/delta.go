package eureka

import (
	"net/http"
	"strconv"
	"time"

	"github.com/emicklei/go-restful/v3"
)

// serveDelta sends the stock delta to a caller whose lists are whole applications.
// Any other caller gets a delta without instances and with a hashcode at which no
// client arrives, so that the client fetches all.
func (f *front) serveDelta(q query, req *restful.Request, rsp *restful.Response, chain *restful.FilterChain) {
	if len(f.servicesByApp(q)) == 0 { // as in applications
		f.send(q, nil, "", req, rsp)
		return
	}
	w := &heldWriter{ResponseWriter: rsp.ResponseWriter, passes: func() (bool, error) { return f.deltaPasses(q) }}
	rsp.ResponseWriter = w
	chain.ProcessFilter(req, rsp)
	rsp.ResponseWriter = w.ResponseWriter
	passes := w.open() // the stock listener may have written nothing
	switch {
	case w.err != nil:
		refuse(rsp, w.err)
	case !passes:
		f.send(q, nil, unreachableHashcode(), req, rsp)
	}
}

// deltaPasses reports whether the stock delta may be sent. An error says that the
// caller gets no delta.
func (f *front) deltaPasses(q query) (bool, error) {
	whole, err := f.isWhole(q)
	if err != nil {
		err = f.noList(err)
		return err == nil, err
	}
	return whole, nil
}

// heldWriter lets an answer pass, or holds all of it back. A heldWriter decides at
// the first write: the stock listener has taken its answer by then, and the answer
// lacks what is registered later.
type heldWriter struct {
	http.ResponseWriter
	passes func() (bool, error)
	state  heldState
	err    error // of passes
}

type heldState int

const (
	heldUndecided heldState = iota
	heldPasses
	heldBack
)

func (w *heldWriter) open() bool {
	if w.state == heldUndecided {
		w.state = heldBack
		var ok bool
		if ok, w.err = w.passes(); ok {
			w.state = heldPasses
		}
	}
	return w.state == heldPasses
}

// WriteHeader implements http.ResponseWriter.
func (w *heldWriter) WriteHeader(status int) {
	if w.open() {
		w.ResponseWriter.WriteHeader(status)
	}
}

// Write implements http.ResponseWriter.
func (w *heldWriter) Write(b []byte) (int, error) {
	if w.open() {
		return w.ResponseWriter.Write(b)
	}
	return len(b), nil
}

// unreachableHashcode returns a hashcode that no client's own list has: clients
// then fetch all. It differs each time, since a client may skip a delta that is
// like the last one.
func unreachableHashcode() string {
	return "ROUTED_" + strconv.FormatInt(time.Now().UnixNano(), 10) + "_"
}
