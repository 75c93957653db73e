package cluster

import (
	"fmt"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// Any node lists the callers of all nodes, with those whose forwarded header is not read,
// and the names that nobody asks any of them for; an explanation says that a caller has
// never asked.
func TestCallersCommand(t *testing.T) {
	t.Parallel()
	c := cluster(t)
	rules := routing + "  - {name: old, service: default/old*, set: {}}\naddresses:\n  - {service: default/novel.lane, target: default/novel, set: {callee: qb.novel.z, unknown: none}}\n" +
		"  - {service: default/novel.quiet, target: default/novel, set: {callee: qb.novel.z, unknown: none}}\n"
	o := polaristest.Options{AdminToken: "a long secret", Files: filesWith(rules)}
	one, two := join(t, c, o), join(t, c, o)
	old := novel()[0]
	old.Service = "old"
	done(t, one.Register(t.Context(), append(novel(), old)...))
	done(t, one.Alias(t.Context(), "default", "novel-alias", "novel"))
	gets(t, one, shanghai, "10.11.0.1")
	gets(t, two, shanghai, "10.11.0.1")
	gets(t, two, netip.MustParseAddr("127.2.0.1"), "10.12.0.1")
	ask := func(n node, service string, header http.Header, want ...string) {
		t.Helper()
		wait(t, func() error {
			got, err := polaristest.Discover(t.Context(), n.HTTPAddr, polaristest.Request{Source: shanghai, Namespace: "default", Service: service, Header: header})
			if err != nil || !slices.Equal(hostsOf(got.Instances), want) {
				return fmt.Errorf("%v: %s gives %v for %s", err, n.IP, hostsOf(got.Instances), service)
			}
			return nil
		})
	}
	ask(two, "novel.lane", nil, "10.12.0.1")
	ask(one, "novel", http.Header{"X-Forwarded-For": {"127.2.0.9"}}, "10.11.0.1")

	for _, n := range []node{one, two} {
		wait(t, func() error { // the alias comes to each node by its cache
			if _, out := setctl(t, n, "a long secret", "callers"); !strings.Contains(out, "novel-alias") {
				return fmt.Errorf("%s does not know the alias", n.IP)
			}
			return nil
		})
		code, out := setctl(t, n, "a long secret", "callers")
		out = regexp.MustCompile(`last \d+m?\d*s ago|never since [^,]*`).ReplaceAllString(out, "SOME TIME")
		out = regexp.MustCompile(`\d+ requests?`).ReplaceAllString(out, "REQUESTS")
		out = regexp.MustCompile(` +\n`).ReplaceAllString(regexp.MustCompile(`\S {2,}`).ReplaceAllStringFunc(out, func(s string) string { return s[:1] + "  " }), "\n")
		_, out, _ = strings.Cut(out, "\n")
		const want = `
default/novel
  qb.novel.h in -  1 caller  rule novel  first  SOME TIME
    127.1.0.1  REQUESTS  SOME TIME
  qb.novel.z in -  1 caller  rule novel  first  SOME TIME
    127.2.0.1  REQUESTS  SOME TIME

default/novel.lane
  qb.novel.z in -  1 caller  rule default/novel.lane  first  SOME TIME
    127.1.0.1  REQUESTS  SOME TIME

a header of proxies that is not read: these peers are not in trustedProxies, and count as the callers themselves
  127.1.0.1  REQUESTS

nobody asks for
  default/novel-alias  alias  for default/novel  SOME TIME, when the youngest node started
  default/novel.quiet  lane address  for default/novel  SOME TIME, when the youngest node started
  default/old  service  SOME TIME, when the youngest node started
`
		if code != 0 || out != want {
			t.Errorf("at %s, exit code %d:\n%s\nwant\n%s", n.IP, code, out, want)
		}
		if _, out := setctl(t, n, "a long secret", "callers", "--service", "default/novel.lane"); !strings.Contains(out, "127.1.0.1") || strings.Contains(out, "nobody asks") || strings.Contains(out, "default/novel\n") {
			t.Errorf("of one name: %s", out)
		}
		for caller, want := range map[string]string{
			"127.1.0.1": "instances\n\nwho\n", "127.2.0.1": "instances\n\nwho\n",
			"127.2.0.9": "instances\nthis address has asked for nothing here since ",
		} {
			if _, out := setctl(t, n, "a long secret", "explain", "--caller", caller, "--service", "default/novel"); !strings.Contains(out, want) {
				t.Errorf("explain of %s at %s: %s\nwant %q", caller, n.IP, out, want)
			}
		}
		if _, out := setctl(t, n, "a long secret", "explain", "--caller", "127.2.0.1", "--service", "default/old"); !regexp.MustCompile(`this address has not asked for it since \S+, but for default/novel; the nodes remember no longer\n`).MatchString(out) {
			t.Errorf("explain of another service at %s: %s", n.IP, out)
		}
	}
}
