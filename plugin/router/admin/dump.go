package admin

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"strings"
)

// dumpHandler answers with the dump. It is megabytes for a large company, so that it goes
// out without indentation, and compressed for clients that read that.
func dumpHandler(b backend) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		dump := b.Dump(r.Context())
		setHeaders(w.Header())
		w.Header().Set("Vary", "Accept-Encoding")
		var out io.Writer = w
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			w.Header().Set("Content-Encoding", "gzip")
			compressed, _ := gzip.NewWriterLevel(w, gzip.BestSpeed) // the level is one that there is
			defer compressed.Close()
			out = compressed
		}
		_ = json.NewEncoder(out).Encode(dump)
	})
}
