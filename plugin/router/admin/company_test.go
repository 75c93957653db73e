package admin

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// object is a JSON object as the API sends it.
type object = map[string]any

// withAnswers answers paths of the API with values. A value that is a function is
// called with the request.
func withAnswers(next http.Handler, answers object) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		value, ok := answers[strings.TrimPrefix(r.URL.Path, "/setrouter/v1/")]
		if !ok {
			next.ServeHTTP(w, r)
			return
		}
		if answer, ok := value.(func(*http.Request) any); ok {
			value = answer(r)
		}
		sendJSON(w, http.StatusOK, value)
	})
}

// darkCompany is what the API says of a company whose Shenzhen is dark, and whose
// Beijing is evacuated.
func darkCompany() object {
	return object{"matrix": darkMatrix, "timeline": darkTimeline(), "servicestates": darkServices, "drill": demoDrill}
}

func matrixCell(column int, state string, callers, sent, usable int) object {
	return object{"column": column, "state": state, "states": object{state: callers}, "callers": callers, "services": 9, "sent": sent, "usable": usable, "stillSent": 0, "evacuated": 0}
}

func matrixRow(set, place, state string, home int, states map[string]int, cells ...object) object {
	callers := 0
	for _, n := range states {
		callers += n
	}
	return object{"set": set, "place": place, "state": state, "states": states, "home": home, "callers": callers, "services": 40, "kinds": 3, "worst": []object{}, "cells": append([]object{}, cells...)}
}

func darkMatrix(r *http.Request) any {
	m := object{"now": pageNow, "rowsBy": "business", "columnsBy": "zone", "counts": object{"empty": 3}, "services": 40, "more": 0, "moreColumns": 0, "complete": true, "notes": []string{}}
	column := func(set, place string, instances, usable, evacuated int) object {
		return object{"set": set, "place": place, "instances": instances, "usable": usable, "evacuated": evacuated, "services": 40}
	}
	m["columns"] = []object{column("", "华东/ap-nanjing", 40, 40, 0), column("", "华东/ap-shanghai", 120, 118, 0), column("", "华北/ap-beijing", 60, 60, 60),
		column("", "华南/ap-guangzhou", 80, 80, 0), column("", "华南/ap-shenzhen", 120, 0, 0)}
	out := matrixCell(2, "evacuated", 0, 0, 0)
	out["evacuated"] = 30
	still := matrixCell(2, "still-sent", 4, 6, 6)
	still["stillSent"] = 6
	rows := []object{
		matrixRow("qb", "华南/ap-shenzhen", "empty", 4, map[string]int{"empty": 3, "widened": 40, "first": 4}, matrixCell(3, "widened", 40, 30, 30), matrixCell(1, "first", 4, 2, 2)),
		matrixRow("ams", "华南/ap-shenzhen", "unusable", 4, map[string]int{"unusable": 2}, matrixCell(4, "unusable", 2, 3, 0)),
		matrixRow("epp", "华北/ap-beijing", "widened", 2, map[string]int{"widened": 12}, out, matrixCell(0, "widened", 12, 8, 8)),
		matrixRow("", "华北/ap-beijing", "stock", 2, map[string]int{"stock": 4}, still),
		matrixRow("qb", "华东/ap-shanghai", "first", 1, map[string]int{"first": 210}, matrixCell(1, "first", 210, 60, 60)),
		matrixRow("ams", "华东/ap-shanghai", "first", 1, map[string]int{"first": 80}, matrixCell(1, "first", 80, 40, 38)),
		matrixRow("qb", "华南/ap-guangzhou", "first", 3, map[string]int{"first": 120}, matrixCell(3, "first", 120, 50, 50)),
	}
	if r.FormValue("callerSet") == "qb" {
		rows = []object{
			matrixRow("qb.novel.z", "华南/ap-shenzhen/ap-shenzhen-2", "empty", 4, map[string]int{"empty": 3}),
			matrixRow("qb.comic.z", "华南/ap-shenzhen/ap-shenzhen-2", "widened", 4, map[string]int{"widened": 40, "first": 4}, matrixCell(3, "widened", 40, 30, 30), matrixCell(1, "first", 4, 2, 2)),
		}
	}
	if r.FormValue("columns") == "set" && r.FormValue("place") != "" {
		m["columns"] = []object{column("qb.novel.g", r.FormValue("place"), 50, 50, 0), column("qb.novel.*", r.FormValue("place"), 30, 30, 0)}
		for _, row := range rows {
			row["cells"] = []object{}
		}
		rows[0]["cells"] = []object{matrixCell(1, "widened", 40, 30, 30)}
	}
	if r.FormValue("kinds") != "" {
		m["kinds"] = []object{{"service": "default/novel", "rule": "novel", "kind": "qb.novel.z in 华南/ap-shenzhen", "state": "empty", "usable": 0, "sent": 0, "callers": 3, "example": "10.1.7.4", "last": pageNow}}
	}
	if lost := r.Form["lost"]; len(lost) > 0 || r.Method == "POST" {
		m["whatIf"] = suppose(r, rows, lost)
	}
	m["rows"] = rows
	return m
}

// suppose puts into the rows what they are now, and returns what would differ.
func suppose(r *http.Request, rows []object, lost []string) object {
	for n, row := range rows {
		row["before"] = object{"state": row["state"], "states": row["states"]}
		for _, cell := range row["cells"].([]object) {
			before := matrixCell(0, cell["state"].(string), cell["callers"].(int), 1, 1)
			if n == 4 {
				before["state"], before["callers"] = "widened", 190
			}
			cell["before"] = before
		}
	}
	files := struct {
		Files []struct{ Kind, Name, Content string }
	}{}
	names := []string{}
	if r.Method == "POST" {
		if err := json.NewDecoder(r.Body).Decode(&files); err != nil {
			panic(err)
		}
		for _, f := range files.Files {
			names = append(names, f.Kind+" "+f.Name)
		}
	}
	state := func(word string, sent int) object {
		return object{"state": word, "rule": "novel", "tier": "own", "level": "zone", "sent": sent, "usable": sent}
	}
	return object{"lost": lost, "evacuate": []string{}, "files": names, "before": object{"first": 5}, "callers": 12, "services": 3, "emptied": 5, "unusable": 0, "widened": 28, "leaveCity": 12, "healed": 0,
		"changes":     []object{{"service": "default/novel", "set": "qb.novel.h", "place": "华东/ap-shanghai", "callers": 5, "example": "10.2.7.9", "before": state("first", 3), "after": state("empty", 0)}},
		"moreChanges": 0, "warnings": []string{fmt.Sprint("files: ", names)}}
}

func darkTimeline() object {
	at := func(minutes int) time.Time { return pageNow.Add(time.Duration(-minutes) * time.Minute) }
	return object{"now": pageNow, "since": at(50), "more": 0, "notes": []string{}, "events": []object{
		{"at": at(3), "nodes": []string{"10.0.0.1:8091"}, "code": "emptied", "severity": "red", "text": "1 kind of callers of 1 service emptied: instances changed; in 华南/ap-shenzhen",
			"args": object{"why": "instances changed", "kinds": "1", "services": "1", "place": "华南/ap-shenzhen"}, "services": []string{"default/novel"}, "callers": []string{"qb.novel.z in 华南/ap-shenzhen"}},
		{"at": at(4), "until": at(3), "nodes": []string{"10.0.0.1:8091", "10.0.0.2:8091"}, "code": "widened", "severity": "amber", "text": "12 kinds of callers of 8 services widened: instances changed; in 华南/ap-shenzhen",
			"args": object{"why": "instances changed", "kinds": "12", "services": "8", "place": "华南/ap-shenzhen"}, "services": []string{"default/a", "default/b"}, "moreServices": 6, "callers": []string{"qb.comic.z in 华南/ap-shenzhen"}, "moreCallers": 11},
		{"at": at(20), "nodes": []string{"10.0.0.1:8091"}, "code": "files-loaded", "severity": "info", "text": "routing files are in force", "args": object{"kind": "routing", "entries": "4", "release": "", "by": "", "digest": "ab"}},
	}}
}

func darkServices(r *http.Request) any {
	service := func(name, state string, states map[string]int) object {
		return object{"service": name, "rules": []string{}, "state": state, "states": states, "callers": 12, "kinds": 4, "instances": 20, "usable": 15, "evacuated": 0, "load": 3.25}
	}
	return object{"counts": object{"empty": 1, "first": 1}, "total": 2, "matched": 2, "offset": 0, "complete": true, "notes": []string{},
		"services": []object{service("default/novel", "empty", map[string]int{"empty": 3, "first": 9}), service("default/plain", "first", map[string]int{"first": 12})}}
}

// demoDrill is the answer to a drill.
func demoDrill(r *http.Request) any {
	none := object{"pairs": 0, "kinds": 0, "services": 0, "callers": 0}
	hit := object{"pairs": 6, "kinds": 2, "services": 3, "callers": 54}
	loss := func(place string, nothing, zone object, load float64) object {
		return object{"place": place, "instances": 41, "services": 9, "nothing": nothing, "counts": object{"cross-region": none, "cross-zone": zone}, "load": load, "rows": []object{}, "roads": []object{}}
	}
	return object{"each": r.FormValue("each"), "gone": false, "kinds": 25, "services": 12, "callers": 300, "losses": []object{
		loss("华南/ap-shenzhen", hit, hit, 4.25), loss("华东/ap-nanjing", none, hit, 2), loss("华北/ap-beijing", none, none, 0)}}
}

// withServices answers which services there are, in the place of an answer that is
// there already.
func withServices(next http.Handler, names ...string) http.Handler {
	return withAnswers(next, object{"servicestates": func(*http.Request) any {
		list := []object{}
		for _, name := range names {
			list = append(list, object{"service": name, "rules": []string{}, "state": "none", "states": object{}, "callers": 0, "kinds": 0, "instances": 1, "usable": 1, "evacuated": 0})
		}
		return object{"counts": object{"none": len(list)}, "total": len(list), "matched": len(list), "offset": 0, "complete": true, "notes": []string{}, "services": list}
	}})
}

// hostileMatrix has names that clients chose.
func hostileMatrix(r *http.Request) any {
	m := darkMatrix(r).(object)
	m["columns"] = []object{{"set": hostileSET, "place": hostileRegion, "instances": 1, "usable": 1, "evacuated": 0, "services": 1}}
	row := matrixRow(hostileSET, hostileRegion+"\u202e", "first", 0, map[string]int{"first": 1}, matrixCell(0, "first", 1, 1, 1))
	row["before"] = object{"state": "first", "states": object{"first": 1}}
	m["rows"] = []object{row}
	m["kinds"] = []object{{"service": hostileService, "rule": "novel", "kind": hostileSET, "state": "first", "usable": 1, "sent": 1, "callers": 3, "example": "10.1.7.4", "last": pageNow}}
	m["notes"] = []string{hostileService}
	return m
}

func hostileTimeline() object {
	return object{"now": pageNow, "since": pageNow, "more": 0, "notes": []string{}, "events": []object{
		{"at": pageNow, "nodes": []string{}, "code": "widened", "severity": "amber", "text": "1 kind widened in " + hostileRegion + "\u202e", "services": []string{hostileService}, "callers": []string{hostileSET}}}}
}
