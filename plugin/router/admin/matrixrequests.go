package admin

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/polaris-contrib/setrouter/plugin/router/api"
	"github.com/polaris-contrib/setrouter/plugin/router/matrix"
	"github.com/polaris-contrib/setrouter/plugin/router/timeline"
)

func answerMatrix(b backend, r *http.Request) (any, error) {
	q, err := readMatrixRequest(r)
	if err != nil {
		return nil, err
	}
	return b.Matrix(r.Context(), q)
}

// answerMatrixOfFiles takes nothing but JSON: no form of another site can send JSON.
func answerMatrixOfFiles(b backend, r *http.Request) (any, error) {
	q, err := readMatrixRequest(r)
	if err == nil {
		err = readJSON(r, &q.files)
	}
	if err == nil {
		err = checkMatrixFiles(q.files)
	}
	if err != nil {
		return nil, err
	}
	return b.Matrix(r.Context(), q)
}

// maxTargets is how many places and SETs a what-if may lose, or evacuate.
const maxTargets = 10

// readMatrixRequest reads the parameters of a matrix.
func readMatrixRequest(r *http.Request) (q matrixRequest, err error) {
	if r.URL.Query().Get("service") != "" {
		if q.Service, err = serviceParameter(r); err != nil {
			return q, err
		}
	}
	if q.Query, err = matrixQuery(r, q.Query); err != nil {
		return q, err
	}
	if q.suppose.Lost, err = targetParameters(r, "lost"); err != nil {
		return q, err
	}
	q.suppose.Evacuate, err = targetParameters(r, "evacuate")
	return q, err
}

// matrixQuery reads what a matrix shows, besides the service.
func matrixQuery(r *http.Request, q matrix.Query) (matrix.Query, error) {
	var faults [7]error
	q.Rows, faults[0] = matrix.ParseRows(r.FormValue("rows"))
	q.Columns, faults[1] = matrix.ParseColumns(r.FormValue("columns"))
	q.Callers, faults[2] = matrix.ParseFilter("callerSet", r.FormValue("callerSet"), "callerPlace", r.FormValue("callerPlace"))
	q.Callees, faults[3] = matrix.ParseFilter("set", r.FormValue("set"), "place", r.FormValue("place"))
	q.All, faults[4] = boolParameter("all", r.FormValue("all"))
	q.Limit, faults[5] = numberParameter("limit", r.FormValue("limit"), 1, matrix.MaxRows, matrix.DefaultRows)
	q.Kinds, faults[6] = numberParameter("kinds", r.FormValue("kinds"), 1, matrix.MaxKinds, 0)
	for _, fault := range faults {
		if fault != nil {
			return q, badRequest("%v", fault)
		}
	}
	return q, nil
}

// targetParameters reads the places and SETs under a name, each once.
func targetParameters(r *http.Request, name string) (out []matrix.Target, err error) {
	list := r.URL.Query()[name]
	if len(list) > maxTargets {
		return nil, badRequest("%s is there %d times, expected %d at most", name, len(list), maxTargets)
	}
	for _, text := range list {
		t, err := matrix.ParseTarget(name, strings.TrimSpace(text))
		if err != nil {
			return nil, badRequest("%v", err)
		}
		if !slices.ContainsFunc(out, func(o matrix.Target) bool { return o.String() == t.String() }) {
			out = append(out, t)
		}
	}
	return out, nil
}

// How files can stand in the place of others.
const (
	replaceAll   = "all"
	replaceNamed = "named"
)

// maxMatrixFiles is how many files a what-if may have.
const maxMatrixFiles = 100

// checkMatrixFiles returns an error for files that no request may have.
func checkMatrixFiles(m api.MatrixFiles) error {
	switch {
	case len(m.Files) == 0 || len(m.Files) > maxMatrixFiles:
		return badRequest("the body has %d files, expected 1 to %d", len(m.Files), maxMatrixFiles)
	case !slices.Contains([]string{"", replaceAll, replaceNamed}, m.Replace):
		return badRequest("replace %q is not %s or %s", m.Replace, replaceAll, replaceNamed)
	}
	names := map[[2]string]bool{}
	for n, f := range m.Files {
		switch {
		case f.Kind != api.KindMapping && f.Kind != api.KindRouting:
			return badRequest("files[%d] is of kind %q, expected %s or %s", n, f.Kind, api.KindMapping, api.KindRouting)
		case f.Name == "":
			return badRequest("files[%d] has no name", n)
		case names[[2]string{f.Kind, f.Name}]:
			return badRequest("files[%d] has the name of an earlier one, %q", n, f.Name)
		}
		names[[2]string{f.Kind, f.Name}] = true
	}
	return nil
}

// readJSON reads a body of one JSON object.
func readJSON(r *http.Request, into any) error {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return badRequest("the body is %q, expected application/json", r.Header.Get("Content-Type"))
	}
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	read := decoder.Decode(into)
	end := read
	if read == nil {
		_, end = decoder.Token()
	}
	if large, ok := errors.AsType[*http.MaxBytesError](end); ok {
		return large
	}
	if read != nil {
		return badRequest("the body is not as in docs/openapi.yaml: %v", read)
	}
	if end != io.EOF {
		return badRequest("the body goes on after its JSON object")
	}
	return nil
}

// maxFilterText bounds the text by which services are looked for, in bytes.
const maxFilterText = 1000

func answerServiceStates(b backend, r *http.Request) (any, error) {
	q := matrix.ServiceQuery{Filter: strings.TrimSpace(r.FormValue("filter")), State: r.FormValue("state")}
	states := append(slices.Clone(api.States), api.StateNone)
	switch {
	case len(q.Filter) > maxFilterText:
		return nil, badRequest("filter has %d bytes, expected %d at most", len(q.Filter), maxFilterText)
	case q.State != "" && !slices.Contains(states, q.State):
		return nil, badRequest("state %q is not one of %s", q.State, strings.Join(states, ", "))
	}
	var err error
	if q.Offset, err = numberParameter("offset", r.FormValue("offset"), 0, 1<<30, 0); err != nil {
		return nil, err
	}
	if q.Limit, err = numberParameter("limit", r.FormValue("limit"), 1, matrix.MaxServices, matrix.DefaultServices); err != nil {
		return nil, err
	}
	return b.ServiceStates(r.Context(), q)
}

func answerTimeline(b backend, r *http.Request) (any, error) {
	limit, err := numberParameter("limit", r.FormValue("limit"), 1, timeline.MaxEvents, timeline.DefaultEvents)
	if err != nil {
		return nil, err
	}
	t := b.Timeline(r.Context())
	timeline.Cut(&t, limit)
	return t, nil
}

// boolParameter reads true or false; an empty text is false.
func boolParameter(name, text string) (bool, error) {
	if text != "" && text != "true" && text != "false" {
		return false, badRequest("%s %q is not true or false", name, text)
	}
	return text == "true", nil
}

// numberParameter reads a number within bounds; an empty text is the default.
func numberParameter(name, text string, least, most, byDefault int) (int, error) {
	if text == "" {
		return byDefault, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return 0, badRequest("%s %q is not a number from %d to %d", name, text, least, most)
	}
	return n, nil
}
