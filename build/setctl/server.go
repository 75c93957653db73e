package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/polaris-contrib/setrouter/plugin/router/api"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// failure is an error that is not the fault of the command line: the exit code is 1.
type failure struct{ error }

func (f failure) Unwrap() error { return f.error }

// refusal is an error that the server answered, with its HTTP status code.
type refusal struct {
	error
	status int
}

// remote is a running server's admin listener.
type remote struct {
	url, token string
	patience   time.Duration // the longest that a request may take; 0: patience
}

// addServerFlags adds the flags --server and --token to a command.
func addServerFlags(cmd *cobra.Command, r *remote) {
	url := os.Getenv("SETROUTER_SERVER")
	if url == "" {
		url = "http://127.0.0.1:8095"
	}
	cmd.Flags().StringVar(&r.url, "server", url, "URL of the server's set-admin listener; its default can be put into the environment variable SETROUTER_SERVER")
	cmd.Flags().StringVar(&r.token, "token", "", "its token; better in the environment variable SETROUTER_TOKEN")
}

// get requests a path and decodes the answer.
func (r remote) get(path string, query url.Values, into any) error {
	return r.do(http.MethodGet, path, query, into)
}

// patience is the longest that a request may take: a status looks at every instance.
const patience = time.Minute

// do requests a path with a method, and decodes the answer.
func (r remote) do(method, path string, query url.Values, into any) error {
	req, err := r.request(method, path, query, nil)
	if err != nil {
		return err
	}
	return r.send(req, into)
}

// request returns a request to the listener, without its token.
func (r remote) request(method, path string, query url.Values, body io.Reader) (*http.Request, error) {
	req, err := http.NewRequest(method, strings.TrimSuffix(r.url, "/")+"/setrouter/v1/"+path+"?"+query.Encode(), body)
	if err != nil || req.URL.Scheme != "http" && req.URL.Scheme != "https" || req.URL.Host == "" { // localhost:8095 has the scheme localhost
		return nil, fmt.Errorf("--server %q is not a URL, expected as http://127.0.0.1:8095", r.url)
	}
	return req, nil
}

// send sends a request with the listener's token, and decodes the answer.
func (r remote) send(req *http.Request, into any) error {
	token := r.token
	if token == "" {
		token = os.Getenv("SETROUTER_TOKEN")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := (&http.Client{Timeout: cmp.Or(r.patience, patience)}).Do(req)
	if err != nil {
		if wrapped, ok := errors.AsType[*url.Error](err); ok {
			err = wrapped.Err
		}
		return failure{fmt.Errorf("the server at %s does not answer: %w", r.url, err)}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return failure{fmt.Errorf("the server at %s broke off its answer: %w", r.url, err)}
	}
	if resp.StatusCode == http.StatusUnauthorized {
		return failure{fmt.Errorf("the token is missing or wrong, expected that of the set-admin listener at %s in SETROUTER_TOKEN or --token", r.url)}
	}
	if resp.StatusCode != http.StatusOK {
		return failure{refusal{r.refusal(resp.Status, body), resp.StatusCode}}
	}
	if err := json.Unmarshal(body, into); err != nil {
		return failure{fmt.Errorf("the server at %s does not answer as set-admin does: %w", r.url, err)}
	}
	return nil
}

// refusal returns the error that an answer with an HTTP error has in its body.
func (r remote) refusal(status string, body []byte) error {
	var fault api.Error
	if json.Unmarshal(body, &fault) != nil || fault.Message == "" {
		return fmt.Errorf("the server at %s answers %s, which is not the set-admin listener", r.url, status)
	}
	return errors.New(fault.Message)
}

// parseService checks a --service flag, and returns it as a query.
func parseService(s string) (url.Values, error) {
	if _, err := route.ParseService(s); err != nil {
		return nil, fmt.Errorf("--service: %w", err)
	}
	return url.Values{"service": {s}}, nil
}
