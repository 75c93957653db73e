package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What a server refuses or does not know is said in words of the command line.
func TestServerRefuses(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Authorization") != "Bearer good":
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"code": "unauthorized", "message": "expected Authorization: Bearer"}`)
		case r.URL.Path == "/setrouter/v1/dump":
			_, _ = io.WriteString(w, `{"now": "2026-11-25T00:00:00Z", "services": [{"namespace": "default", "name": "s"}]}`)
		default:
			_, _ = io.WriteString(w, `{"service": "default/s"}`)
		}
	}))
	defer server.Close()
	for _, tt := range []struct {
		args         []string
		code         int
		stdout, errs string
	}{
		{[]string{"status", "--token", "bad"}, 1, "", "setctl: the token is missing or wrong, expected that of the set-admin listener at " + server.URL +
			" in SETROUTER_TOKEN or --token\n"},
		{[]string{"dump", "--token", "good", "--service", "default/t"}, 1, "", "setctl: the server has no service \"default/t\"\n"},
		{[]string{"dump", "--token", "good", "--service", "default/s"}, 0, "now: \"2026-11-25T00:00:00Z\"\nsources: []\nservices:\n  - default/s\n", ""},
		{[]string{"who", "--token", "good", "--service", "default/s", "--host", "10.9.9.9"}, 0, "\"default/s\"\n\nit has no instance at \"10.9.9.9\"\n", ""},
	} {
		code, stdout, errs := setctl(t, append(tt.args, "--server", server.URL)...)
		if code != tt.code || stdout != tt.stdout || errs != tt.errs {
			t.Errorf("%v: exit code %d, want %d; stdout and stderr (-want +got):\n%s%s", tt.args, code, tt.code, cmp.Diff(tt.stdout, stdout), cmp.Diff(tt.errs, errs))
		}
	}
}
