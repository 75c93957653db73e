package setrouter

import (
	"go/version"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/semver"
)

// leastVersion is the first version of a module without a known vulnerability.
type leastVersion struct {
	module, version string
	why             string // what this version mends, by its name in the Go vulnerability database or its CVE
}

// leastVersions has the modules of the server and of setctl in which vulnerabilities
// were found: by the Go vulnerability database as of 2026-08-21, and for what came
// later by the advisories of the module itself.
// docs/decisions/0013-dependencies.md says why this list stands in for govulncheck.
var leastVersions = []leastVersion{
	{"github.com/emicklei/go-restful/v3", "v3.8.0", "GO-2022-0619 (CVE-2022-1996): a CORS filter lets other origins in"},
	{"github.com/gogo/protobuf", "v1.3.2", "GO-2021-0053 (CVE-2021-3121): a message makes its reader panic"},
	{"github.com/prometheus/client_golang", "v1.11.1", "GO-2022-0322 (CVE-2022-21698): series without end by methods that do not exist"},
	{"golang.org/x/crypto", "v0.56.0", "GO-2026-6354, GO-2026-6355: a peer holds an SSH channel up"},
	{"golang.org/x/net", "v0.56.0", "GO-2026-5942 (CVE-2026-46600): a DNS record makes its reader panic; before it GO-2026-4559 and GO-2026-4918 in HTTP/2"},
	{"golang.org/x/oauth2", "v0.27.0", "GO-2025-3488 (CVE-2025-22868): a token takes memory"},
	{"golang.org/x/sys", "v0.44.0", "GO-2026-5024 (CVE-2026-39824): an overflow, on Windows"},
	{"golang.org/x/text", "v0.39.0", "GO-2026-5970 (CVE-2026-56852): a loop without end on invalid input"},
	{"google.golang.org/grpc", "v1.83.2", "CVE-2026-84445: a request without authority ends an xDS server; before it CVE-2026-33186, GO-2026-6061, GO-2026-6348"},
	{"google.golang.org/protobuf", "v1.33.0", "GO-2024-2611 (CVE-2024-24786): a loop without end on invalid JSON"},
	{"gopkg.in/yaml.v2", "v2.2.8", "GO-2020-0036 (CVE-2019-11254): a document takes minutes"},
	{"gopkg.in/yaml.v3", "v3.0.1", "GO-2022-0603 (CVE-2022-28948): a document makes its reader panic"},
}

// leastGo is the least patch release of Go, by minor release. The last ones mended
// GO-2026-6088 (encoding/xml), GO-2026-6089 (net/http), GO-2026-6090 (crypto/tls)
// and GO-2026-6218 (net/url), which all meet what clients send.
var leastGo = map[string]string{"go1.26": "go1.26.6", "go1.27": "go1.27.0"}

// No module of this build has a version with a vulnerability that the list knows.
func TestNoKnownVulnerabilities(t *testing.T) {
	out, err := exec.Command("go", "list", "-m", "all").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range tooOld(string(out), leastVersions) {
		t.Error(fault)
	}
	least, ok := leastGo[version.Lang(runtime.Version())]
	if ok && version.Compare(runtime.Version(), least) < 0 {
		t.Errorf("%s has known vulnerabilities; expected %s or newer", runtime.Version(), least)
	}
}

// tooOld returns what is wrong with a list of modules as go list -m prints it: modules
// below their least version, and modules of least that are not there any more.
func tooOld(modules string, least []leastVersion) []string {
	versions := map[string]string{}
	for line := range strings.Lines(modules) {
		if fields := strings.Fields(line); len(fields) > 1 { // the main module has no version
			versions[fields[0]] = fields[1]
		}
	}
	var faults []string
	for _, l := range least {
		switch chosen := versions[l.module]; {
		case chosen == "":
			faults = append(faults, l.module+" is no dependency: take it off the list")
		case semver.Compare(chosen, l.version) < 0:
			faults = append(faults, l.module+" "+chosen+" has known vulnerabilities; expected "+l.version+" or newer: "+l.why)
		}
	}
	return faults
}

func TestTooOld(t *testing.T) {
	least := []leastVersion{{"a.b/c", "v1.10.0", "CVE-1"}}
	for modules, want := range map[string][]string{
		"a.b/c v1.10.0\n":                               nil,
		"a.b/c v1.11.0 => ../c\n":                       nil,
		"main\na.b/c v1.9.9\n":                          {"a.b/c v1.9.9 has known vulnerabilities; expected v1.10.0 or newer: CVE-1"},
		"a.b/c v1.10.0-0.20260101000000-aaaaaaaaaaaa\n": {"a.b/c v1.10.0-0.20260101000000-aaaaaaaaaaaa has known vulnerabilities; expected v1.10.0 or newer: CVE-1"},
		"main\na.b/d v1.0.0\n":                          {"a.b/c is no dependency: take it off the list"},
	} {
		if got := tooOld(modules, least); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", modules, got, want)
		}
	}
}
