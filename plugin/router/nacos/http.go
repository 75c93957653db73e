package nacos

import "net/http"

// newHandler returns the handler of Nacos 1.
func newHandler(stock http.Handler, routing routing) http.Handler { return stock }
