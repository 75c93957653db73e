package admin

import (
	"net/http"
	"strconv"

	"github.com/polaris-contrib/setrouter/plugin/router/matrix"
)

func answerMatrix(b backend, r *http.Request) (any, error) {
	q, err := matrixQuery(r)
	if err != nil {
		return nil, err
	}
	return b.Matrix(r.Context(), q)
}

// matrixQuery reads what a matrix shows.
func matrixQuery(r *http.Request) (q matrix.Query, err error) {
	if r.FormValue("service") != "" {
		if q.Service, err = serviceParameter(r); err != nil {
			return q, err
		}
	}
	var faults [4]error
	q.Rows, faults[0] = matrix.ParseRows(r.FormValue("rows"))
	q.Columns, faults[1] = matrix.ParseColumns(r.FormValue("columns"))
	q.Callers, faults[2] = matrix.ParseFilter("callerSet", r.FormValue("callerSet"), "callerPlace", r.FormValue("callerPlace"))
	q.Callees, faults[3] = matrix.ParseFilter("set", r.FormValue("set"), "place", r.FormValue("place"))
	for _, fault := range faults {
		if fault != nil {
			return q, badRequest("%v", fault)
		}
	}
	if q.All, err = boolParameter("all", r.FormValue("all")); err != nil {
		return q, err
	}
	q.Limit, err = limitParameter(r.FormValue("limit"), matrix.DefaultRows, matrix.MaxRows)
	return q, err
}

// boolParameter reads true or false; an empty text is false.
func boolParameter(name, text string) (bool, error) {
	if text != "" && text != "true" && text != "false" {
		return false, badRequest("%s %q is not true or false", name, text)
	}
	return text == "true", nil
}

// limitParameter reads the parameter limit, from 1 to most; an empty text is the default.
func limitParameter(text string, byDefault, most int) (int, error) {
	if text == "" {
		return byDefault, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		return 0, badRequest("limit %q is not a number from 1 to %d", text, most)
	}
	return n, nil
}
