package admin

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"net/http"
)

// pageFiles are the parts of the page: its markup, its style, and its scripts.
//
//go:embed page
var pageFiles embed.FS

// pageScripts are the scripts of the page, in the order in which they run.
var pageScripts = []string{"texts.js", "basics.js", "status.js", "headline.js", "matrix.js", "whatif.js", "drill.js", "timeline.js", "services.js", "explain.js", "main.js"}

// document is the page as it is sent: one document, so that a browser never has parts
// of two versions, and the policy under which the document runs.
type document struct {
	html   []byte
	policy string
}

// page is the page of operators.
var page = newDocument(pageFiles)

// newDocument puts the parts of the page together. The policy allows the style and the
// script of the document by their hashes, and nothing else.
func newDocument(files embed.FS) document {
	read := func(name string) []byte {
		data, err := files.ReadFile("page/" + name)
		if err != nil {
			panic(err) // the parts are compiled in
		}
		return data
	}
	style, script := read("page.css"), []byte("\"use strict\";\n")
	for _, name := range pageScripts {
		script = append(script, read(name)...)
	}
	html := bytes.Replace(read("page.html"), []byte("<style></style>"), fmt.Appendf(nil, "<style>%s</style>", style), 1)
	html = bytes.Replace(html, []byte("<script></script>"), fmt.Appendf(nil, "<script>%s</script>", script), 1)
	return document{html, fmt.Sprintf("default-src 'none'; style-src %s; script-src %s; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; "+
		"form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'", hashSource(style), hashSource(script))}
}

// hashSource returns the word of a Content-Security-Policy for an inline text.
func hashSource(text []byte) string {
	sum := sha256.Sum256(text)
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

func (d document) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", d.policy)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(d.html)
}
