package admin

import (
	"encoding/json"
	"net/http"

	"github.com/polaris-contrib/setrouter/internal/chinese"
	"github.com/polaris-contrib/setrouter/internal/serverconfig"
)

// handlerFor returns the handler of the API and the page. The page holds no data:
// it asks the API, with the token that its user types in.
func handlerFor(b backend, options serverconfig.Admin) http.Handler {
	mux := http.NewServeMux()
	guarded := requireKnownHost(options.Token, requireToken(options, limitBody(apiHandler(b))))
	mux.Handle("/setrouter/", requireSameSite(guarded))
	mux.Handle("GET /{$}", page)
	return mux
}

// apiHandler returns the handler of the paths in docs/openapi.yaml.
func apiHandler(b backend) http.Handler {
	mux := http.NewServeMux()
	get := func(path string, answer answerer) { mux.Handle("GET /setrouter/v1/"+path, jsonHandler(answer)) }
	get("status", func(r *http.Request) (any, error) { return b.Status(r.Context()), nil })
	get("nodes", func(r *http.Request) (any, error) { return b.Nodes(r.Context()), nil })
	get("callers", func(r *http.Request) (any, error) { return answerCallers(b, r) })
	mux.Handle("GET /setrouter/v1/dump", dumpHandler(b))
	get("explain", func(r *http.Request) (any, error) { return answerExplain(b, r) })
	get("who", func(r *http.Request) (any, error) { return answerWho(b, r) })
	get("lookup", func(r *http.Request) (any, error) { return answerLookup(b, r) })
	get("services", func(*http.Request) (any, error) { return serviceNames(b.World()), nil })
	get("matrix", func(r *http.Request) (any, error) { return answerMatrix(b, r) })
	get("drill", func(r *http.Request) (any, error) { return answerDrill(b, r) })
	get("servicestates", func(r *http.Request) (any, error) { return answerServiceStates(b, r) })
	get("timeline", func(r *http.Request) (any, error) { return answerTimeline(b, r) })
	get("changes", func(r *http.Request) (any, error) { return answerChanges(b, r) })
	get("configfile", func(r *http.Request) (any, error) { return b.ConfigFile(r.FormValue("name")) })
	get("configfile/release", func(r *http.Request) (any, error) {
		return b.ConfigRelease(r.FormValue("name"), r.FormValue("release"))
	})
	get("configfile/history", func(r *http.Request) (any, error) { return b.ConfigHistory(r.FormValue("name")) })
	mux.Handle("POST /setrouter/v1/reload", jsonHandler(func(r *http.Request) (any, error) { return answerReload(b, r) }))
	mux.Handle("POST /setrouter/v1/nodes/reload", jsonHandler(func(r *http.Request) (any, error) { return answerReloadAll(b, r) }))
	mux.Handle("POST /setrouter/v1/configfile", jsonHandler(func(r *http.Request) (any, error) { return answerPublish(b, r) }))
	mux.Handle("POST /setrouter/v1/configfile/rollback", jsonHandler(func(r *http.Request) (any, error) { return answerSwitch(b.RollbackConfigFile, r) }))
	mux.Handle("POST /setrouter/v1/configfile/stop-gray", jsonHandler(func(r *http.Request) (any, error) { return answerSwitch(b.StopGrayConfigFile, r) }))
	mux.Handle("POST /setrouter/v1/matrix", limitWithFiles(jsonHandler(func(r *http.Request) (any, error) { return answerMatrixOfFiles(b, r) })))
	mux.Handle("/setrouter/", jsonHandler(func(r *http.Request) (any, error) {
		return nil, newHTTPError(http.StatusNotFound, "not-found", "there is nothing at %s %q, see docs/openapi.yaml", r.Method, r.URL.Path)
	}))
	return mux
}

// answerer returns the answer to a request, a value that is sent as JSON.
type answerer func(*http.Request) (any, error)

func jsonHandler(answer answerer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status := http.StatusOK
		value, err := answer(r)
		if err != nil {
			e := toHTTPError(err)
			status, value = e.status, e.body
		}
		if r.URL.Query().Get("lang") == "zh" { // the page asks so, and not setctl
			if zh, err := chinese.JSON(value); err == nil {
				value = zh
			}
		}
		sendJSON(w, status, value)
	})
}

// setHeaders sets the headers of every answer in JSON.
func setHeaders(h http.Header) {
	h.Set("Content-Type", "application/json")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
}

func sendJSON(w http.ResponseWriter, status int, value any) {
	setHeaders(w.Header())
	w.WriteHeader(status)
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(value)
}
