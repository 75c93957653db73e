package httpfiles

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/polaris-contrib/setrouter/internal/livefile"
	"github.com/polaris-contrib/setrouter/internal/serverconfig"
)

// cmdb answers as a CMDB of the plugin memory does. It has total hosts.
func cmdb(total int) http.HandlerFunc {
	return func(w http.ResponseWriter, q *http.Request) {
		var request pageRequest
		if err := json.NewDecoder(q.Body).Decode(&request); err != nil || q.Method != http.MethodPost || request.PageSize != 100 || len(request.RequestID) < 16 {
			http.Error(w, "not as the plugin asks", http.StatusBadRequest)
			return
		}
		answer := page{Total: total, Code: codeSuccess, Info: "ok"}
		for n := (request.PageNo - 1) * 100; n < min(request.PageNo*100, total); n++ {
			answer.Data = append(answer.Data, pageEntry{IP: fmt.Sprintf("10.0.%d.%d", n/256, n%256), Type: "host", Region: place{"r"}, Zone: place{fmt.Sprint("z", n%3)}})
		}
		answer.Size = len(answer.Data)
		_ = json.NewEncoder(w).Encode(answer)
	}
}

// All pages come, or nothing (docs/design.md, 3).
func TestPages(t *testing.T) {
	const head = "URL/ips#entries.csv=match,region,zone,campus\n"
	entry := func(ip, kind, region string) string {
		return fmt.Sprintf(`{"ip": %q, "type": %q, "region": {"name": %q, "metadata": {"id": 7}}, "zone": {}, "campus": {"name": ""}}`, ip, kind, region)
	}
	one := func(total, size int, entries ...string) string {
		return fmt.Sprintf(`{"total": %d, "size": %d, "code": 200000, "info": "ok", "priority": "", "data": [%s]}`, total, size, strings.Join(entries, ","))
	}
	for name, c := range map[string]struct{ answer, want string }{
		"hosts, networks and the backoff": {
			one(5, 5, entry("10.1.7.4", "host", "a"), entry("10.1.9.9/16", "mask", "b"), entry("", "backoff", "c"), entry("::ffff:10.1.7.5", "host", "d"), entry("fd00::/8", "mask", "e")),
			head + "10.1.7.4,a,,\n10.1.0.0/16,b,,\n10.1.7.5,d,,\nfd00::/8,e,,\n\nURL/ips#backoff.yaml=default:\n    region: c\nversion: 1\n\n",
		},
		"equal ones": {
			one(6, 6, entry("10.0.0.1", "host", "a"), entry("10.0.0.1", "host", "b"), entry("10.1.0.0/16", "mask", "c"), entry("10.1.2.3/16", "mask", "d"),
				entry("10.0.0.1/32", "mask", "e"), entry("10.0.0.2", "host", "")),
			head + "10.0.0.1,b,,\n10.1.0.0/16,c,,\n\n",
		},
		"a host that is a name": {one(1, 1, entry("db-1", "host", "a")), "! URL/ips: entry 1: the ip \"db-1\" of a host is no address\n"},
		"a host that is a net":  {one(1, 1, entry("10.0.0.0/8", "host", "a")), "! URL/ips: entry 1: the ip \"10.0.0.0/8\" of a host is no address\n"},
		"a mask that is none":   {one(1, 1, entry("10.0.0.1", "mask", "a")), "! URL/ips: entry 1: the ip \"10.0.0.1\" of a mask is no prefix, expected address/bits\n"},
		"a new type":            {one(1, 1, entry("10.0.0.1", "pod", "a")), "! URL/ips: entry 1: the type \"pod\" is not known, expected host, mask or backoff\n"},
		"no entries":            {one(0, 0), "! URL/ips: the CMDB has no entries\n"},
		"pages that end":        {one(3, 1, entry("10.0.0.1", "host", "a"))[:20] + "}", "! URL/ips: page 1: answered with what is not the JSON of a page: invalid character '}' looking for beginning of value\n"},
		"fewer than in total":   {one(2, 2, entry("10.0.0.1", "host", "a")), "! URL/ips: entries in the pages: 1, and the total is 2\n"},
		"a refusal":             {`{"code": 401000, "info": "no right"}`, "! URL/ips: page 1: answered code 401000 (\"no right\"), expected 200000\n"},
		"a login page":          {"<html>", "! URL/ips: page 1: answered with a page of HTML, expected JSON: it may be a login page or that of a proxy\n"},
		"another JSON":          {`[]`, "! URL/ips: page 1: answered with what is not the JSON of a page: json: cannot unmarshal array into Go value of type httpfiles.page\n"},
		"too much":              {one(5_000_001, 1, entry("10.0.0.1", "host", "a")), "! URL/ips: page 1: there is too much, expected at most 5000000 entries and 256 MiB\n"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, answers(c.answer), serverconfig.HTTP{CMDB: "/ips"})
			if diff := cmp.Diff(c.want, r.read(livefile.UrgencyNow)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A CMDB is asked for page after page, and with the token as it is.
func TestManyPages(t *testing.T) {
	for total, wantPages := range map[int]int32{1: 1, 99: 1, 100: 1, 101: 2, 1050: 11} {
		var asked atomic.Int32
		var token atomic.Value
		serve := cmdb(total)
		r := newRig(t, func(w http.ResponseWriter, q *http.Request) {
			asked.Add(1)
			token.Store(q.Header.Get("Authorization"))
			serve(w, q)
		}, serverconfig.HTTP{CMDB: "/ips", Token: "t1"})
		got := r.read(livefile.UrgencyNow)
		if lines := strings.Count(got, ",r,z"); lines != total || asked.Load() != wantPages || token.Load() != "t1" {
			t.Errorf("%d entries in %d pages with the token %v, want %d in %d:\n%s", lines, asked.Load(), token.Load(), total, wantPages, got[:min(len(got), 300)])
		}
	}
}

// A page that fails, that is empty, or that has another total costs the whole fetch: what
// was there stays.
func TestHalfOfThePages(t *testing.T) {
	r := newRig(t, cmdb(250), serverconfig.HTTP{CMDB: "/ips"})
	whole := r.read(livefile.UrgencyNow)
	for want, second := range map[string]http.HandlerFunc{
		"page 2: answered \"404 Not Found\", expected 200":                                                             http.NotFound,
		"page 2: has no entries, and of 250 in total 150 are missing":                                                  answers(`{"total": 250, "size": 100, "code": 200000}`),
		"page 2: the total is 249 and was 250: the CMDB changed meanwhile":                                             cmdb(249),
		"page 2: cannot be fetched: it is a redirect, expected an answer: a request with a body is not sent elsewhere": func(w http.ResponseWriter, q *http.Request) { http.Redirect(w, q, "/x", http.StatusFound) },
	} {
		var asked atomic.Int32
		r.answer(func(w http.ResponseWriter, q *http.Request) {
			if asked.Add(1) == 2 {
				second(w, q)
				return
			}
			cmdb(250)(w, q)
		})
		if diff := cmp.Diff(whole+"! URL/ips: "+want+"\n", r.read(livefile.UrgencyNow)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}
