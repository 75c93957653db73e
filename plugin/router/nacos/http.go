package nacos

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/netip"
	"strings"

	nacosmodel "github.com/polarismesh/polaris/apiserver/nacosserver/model"
	"github.com/polarismesh/polaris/common/utils"
	"go.uber.org/zap"

	"github.com/polaris-contrib/setrouter/internal/observe"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router"
)

// httpHandler answers Nacos 1. The front's own routes are those that have to do with
// instances, and the login. All others are the stock listener's.
type httpHandler struct {
	routing  routing
	registry func() (registry, error)
	services func(namespace string) []string // the names in Polaris
	login    func(token string) error
	stock    http.Handler
	pusher   *udpPusher // nil: nobody is pushed to
}

// newHandler returns the handler of Nacos 1.
func newHandler(stock http.Handler, routing routing) *httpHandler {
	return &httpHandler{routing: routing, registry: runningRegistry, services: runningServices, login: checkToken, stock: stock}
}

// response is an answer with status 200: a text is sent as it is, and all else as JSON.
type response any

// ownRoute answers a request of a route of the front.
type ownRoute func(*httpHandler, *http.Request, *params) (response, error)

// ownRoutes are the routes of the front, by method and path.
var ownRoutes = map[string]ownRoute{
	"GET /nacos/v1/ns/instance/list":    (*httpHandler).list,
	"POST /nacos/v1/ns/instance":        (*httpHandler).register,
	"PUT /nacos/v1/ns/instance":         (*httpHandler).update,
	"DELETE /nacos/v1/ns/instance":      (*httpHandler).deregister,
	"PUT /nacos/v1/ns/instance/beat":    (*httpHandler).beat,
	"GET /nacos/v1/ns/service/list":     (*httpHandler).serviceList,
	"GET /nacos/v1/ns/operator/metrics": (*httpHandler).metrics,
	"POST /nacos/v1/auth/login":         (*httpHandler).logIn,
	"POST /nacos/v1/auth/users/login":   (*httpHandler).logIn,
	"POST /v1/auth/login":               (*httpHandler).logIn,
	"POST /v1/auth/users/login":         (*httpHandler).logIn,
}

// stockRoutes are the routes of the stock listener.
var stockRoutes = map[string]bool{
	"GET /nacos/v1/cs/configs": true, "POST /nacos/v1/cs/configs": true, "DELETE /nacos/v1/cs/configs": true, "POST /nacos/v1/cs/configs/listener": true,
}

// isRoute reports whether requests of a method and a path have a route. All others are a
// client's to invent: they are in no metric.
func isRoute(method, path string) bool {
	name := method + " " + path
	return ownRoutes[name] != nil || stockRoutes[name]
}

// ServeHTTP implements http.Handler.
func (h *httpHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := "/" + strings.Trim(r.URL.Path, "/")
	own := ownRoutes[r.Method+" "+path]
	recorded := &statusWriter{ResponseWriter: w, status: http.StatusOK}
	if isRoute(r.Method, path) {
		defer reportCall(r.Method+":"+path, recorded)()
	}
	if err := h.serve(recorded, r, path, own); err != nil {
		writeError(recorded, err)
	}
}

// serve answers a request by a route of the front; by a stock route, where own is nil.
func (h *httpHandler) serve(w http.ResponseWriter, r *http.Request, path string, own ownRoute) (err error) {
	defer observe.Recovered(&err)
	if err := admit(h.routing.AddressOf(r), r.RemoteAddr, r.Method+":"+path); err != nil {
		return err
	}
	p, err := readParams(w, r)
	if err != nil {
		return err
	}
	if own == nil {
		h.stock.ServeHTTP(w, asStock(r, p))
		return nil
	}
	logChange(r, path)
	out, err := own(h, r, p)
	if err != nil {
		return err
	}
	return writeAnswer(w, out)
}

// list answers a request for a list.
func (h *httpHandler) list(r *http.Request, p *params) (response, error) {
	q, port := p.list()
	if p.err != nil {
		return nil, p.err
	}
	caller := h.routing.CallerOf(r)
	info, now, err := answer(h.routing, caller, q)
	if err != nil {
		return nil, err
	}
	if h.pusher != nil && port != 0 && isPeer(caller, r) {
		h.pusher.note(netip.AddrPortFrom(caller, port), q, now)
	}
	return newHTTPInfo(q, info), nil
}

// isPeer reports whether a caller has connected itself, without a proxy between.
func isPeer(caller netip.Addr, r *http.Request) bool {
	peer, why := location.ParsePeer(r.RemoteAddr)
	return why == "" && peer == caller
}

// httpInfo is a list in the form of Nacos 1.
type httpInfo struct {
	*nacosmodel.ServiceInfo
	Name   string `json:"name"` // group@@name
	AllIPs bool   `json:"allIPs"`
	Valid  bool   `json:"valid"`
}

func newHTTPInfo(q query, info *nacosmodel.ServiceInfo) httpInfo {
	return httpInfo{ServiceInfo: info, Name: q.grouped(), Valid: true}
}

func (h *httpHandler) register(r *http.Request, p *params) (response, error) {
	q, i := p.instance()
	return h.change(r, p, func(ctx context.Context, r registry) error { return register(ctx, r, q, i) })
}

func (h *httpHandler) update(r *http.Request, p *params) (response, error) {
	q, i := p.instance()
	return h.change(r, p, func(ctx context.Context, r registry) error { return update(ctx, r, q, i) })
}

func (h *httpHandler) deregister(r *http.Request, p *params) (response, error) {
	q, i := p.place()
	return h.change(r, p, func(ctx context.Context, r registry) error { return deregister(ctx, r, q, i) })
}

// change changes what is registered.
func (h *httpHandler) change(r *http.Request, p *params, change func(context.Context, registry) error) (response, error) {
	if p.err != nil {
		return nil, p.err
	}
	registry, err := h.registry()
	if err != nil {
		return nil, err
	}
	return "ok", change(h.context(r, p), registry)
}

// Codes of the answer to a heartbeat.
const (
	beatTaken    = 10200
	beatNotFound = 20404 // the client registers the instance
)

func (h *httpHandler) beat(r *http.Request, p *params) (response, error) {
	q, i := p.beat()
	if p.err != nil {
		return nil, p.err
	}
	registry, err := h.registry()
	if err != nil {
		return nil, err
	}
	ok, err := beat(h.context(r, p), registry, q, i)
	code := beatTaken
	if !ok {
		code = beatNotFound
	}
	return map[string]any{"code": code, "clientBeatInterval": nacosmodel.ClientBeatIntervalMill, "lightBeatEnabled": true}, err
}

// metrics answers clients that ask whether the server is up.
func (h *httpHandler) metrics(*http.Request, *params) (response, error) {
	return map[string]any{"status": "UP"}, nil
}

// context returns the context of a request to Polaris: who asks, and with which token.
func (h *httpHandler) context(r *http.Request, p *params) context.Context {
	peer := r.RemoteAddr
	if caller := h.routing.AddressOf(r); caller.IsValid() {
		peer = netip.AddrPortFrom(caller, portOf(r.RemoteAddr)).String()
	}
	ctx := context.WithValue(r.Context(), utils.StringContext("request-id"), utils.NewUUID())
	ctx = context.WithValue(ctx, utils.StringContext("operator"), "HTTP:"+hostOf(peer))
	ctx = context.WithValue(ctx, utils.ContextClientAddress, peer)
	if token := p.token(r); token != "" {
		ctx = context.WithValue(ctx, utils.ContextAuthTokenKey, token)
	}
	return ctx
}

// token returns the token of a client: what the login gave, or a token of Polaris in the
// header.
func (p *params) token(r *http.Request) string {
	if token := p.long(nacosmodel.NacosClientAuthHeader); token != "" {
		return token
	}
	return r.Header.Get(utils.HeaderAuthTokenKey)
}

// writeAnswer sends an answer with status 200.
func writeAnswer(w http.ResponseWriter, out response) error {
	body, kind := []byte{}, "application/json;charset=UTF-8"
	if text, ok := out.(string); ok {
		body, kind = []byte(text), "text/plain;charset=UTF-8"
	} else {
		var err error
		if body, err = json.Marshal(out); err != nil {
			return err
		}
	}
	w.Header().Set("Content-Type", kind)
	_, _ = w.Write(body) // a client that is gone
	return nil
}

// writeError sends an error. On 503 clients keep the list that they have.
func writeError(w http.ResponseWriter, err error) {
	if request, ok := errors.AsType[*requestError](err); ok {
		http.Error(w, request.text, request.status)
		return
	}
	if errors.Is(err, router.ErrNoList) {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	observe.Fault("a Nacos request failed", zap.Error(err))
	http.Error(w, "the server failed, see its log", http.StatusInternalServerError)
}
