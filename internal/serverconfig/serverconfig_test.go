package serverconfig

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func load(t *testing.T, text string) (*Config, string) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "s.yaml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(name)
	if err != nil {
		return nil, strings.ReplaceAll(err.Error(), name, "s.yaml")
	}
	return c, ""
}

func TestLoad(t *testing.T) {
	t.Setenv("MAPPING_DIR", "/m")
	c, fault := load(t, `
bootstrap: {logger: &x {a: b}, other: *x}
apiservers: [{name: api-http, option: {listenPort: 8090}}, {name: xds-v3}]
plugin:
  history: {entries: []}
  cmdb: {name: mapping, option: {files: ["${MAPPING_DIR}/*.yaml", b.csv], shrinkGuardPercent: 50}}
  location: {option: {sources: [registry, mapping], trustedProxies: [10.0.0.0/8, "::1"]}}
  router: {option: {files: r.yaml, failOpen: false}}
`)
	if fault != "" {
		t.Fatal(fault)
	}
	want := `mapping files ["/m/*.yaml" "b.csv"], sources ["registry" "mapping"], trusted proxies [10.0.0.0/8 ::1/128] by x-forwarded-for, routing files ["r.yaml"], failOpen false`
	if c.String() != want || c.ShrinkGuardPercent != 50 || strings.Join(c.Protocols, " ") != "api-http xds-v3" {
		t.Errorf("got %s, %+v", c, c)
	}
	c, fault = load(t, "plugin: {cmdb: {name: memory, option: {url: x}}}")
	if fault != "" || c.CMDB != "memory" || !c.FailOpen || len(c.Sources) != 3 || c.RoutingFiles != nil {
		t.Errorf("defaults: %s %+v", fault, c)
	}
}

// What other nodes are asked by stands in sections of Polaris, which judges them.
func TestHowNodesAreAsked(t *testing.T) {
	for text, want := range map[string]string{
		"{}": "polaris.checker false",
		"healthcheck: {service: a.b}\napiservers: [{name: service-grpc, option: {tls: {certFile: c}}}]":                          "a.b true",
		"healthcheck: {open: &x true, other: *x, service: a.b}\napiservers: [{name: service-grpc, option: {tls: {keyFile: c}}}]": "a.b false",
		"healthcheck: [service]\napiservers: [{name: service-grpc, option: {tls: off}}]":                                         "polaris.checker false",
		"healthcheck: {service: }\napiservers: [{name: service-grpc}, {name: api-http, option: {tls: {certFile: c}}}]":           "polaris.checker false",
	} {
		c, fault := load(t, text)
		if fault != "" {
			t.Errorf("%s: %s", text, fault)
		} else if got := fmt.Sprint(c.NodesService, " ", c.GRPCTLS); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestAnswersKept(t *testing.T) {
	for option, want := range map[string]int{
		"":                            0,
		"option: {sizeCacheProto: 9}": 0,
		"option: {enableCacheProto: true, sizeCacheProto: 9}": 9,
		"option: {enableCacheProto: true}":                    defaultAnswersKept,
	} {
		c, fault := load(t, "apiservers: [{name: service-grpc, "+option+"}]")
		if fault != "" || c.AnswersKept != want {
			t.Errorf("%s: %s %+v, want %d", option, fault, c, want)
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"plugin: {router: {option: {files: [polaris://a/b]}}, x: {}}":                    "s.yaml:1:1: polaris://a/b is in the config center, which is off, expected config: {open: true}\ns.yaml:1:36: \"polaris://a/b\" is no name in the config center, expected as polaris://Polaris/setrouter/routing.yaml: namespace, group and file",
		"{config: {open: true}, plugin: {router: {option: {files: polaris://a/b/*}}}}":   `s.yaml:1:58: "polaris://a/b/*" is a pattern, and in the config center each file is named: expected as polaris://Polaris/setrouter/routing.yaml`,
		"{config: {open: true}, plugin: {router: {option: {files: http://a/b/c}}}}":      `s.yaml:1:58: routing files are not fetched over HTTP, expected files on disk, or as polaris://Polaris/setrouter/routing.yaml`,
		"plugin: {cmdb: {name: mapping}}":                                                `s.yaml:1:16: the CMDB "mapping" has no option, expected option: {files: [conf/mapping/*.yaml]}`,
		"plugin: {cmdb: {name: mapping, option: {}}}":                                    `s.yaml:1:16: the CMDB "mapping" has no files, expected option: {files: [conf/mapping/*.yaml]}`,
		"plugin: {cmdb: {name: mapping, option: {file: a}}}":                             "s.yaml:1:16: the CMDB \"mapping\" has no files, expected option: {files: [conf/mapping/*.yaml]}\ns.yaml:1:41: unknown key \"file\"; did you mean \"files\"?",
		"plugin: {router: {option: {files: [a], viewsMB: 1}}}":                           `s.yaml:1:49: found "1", expected a whole number from 16 to 1048576`,
		"plugin: {router: {option: {failOpen: yes please}}}":                             "s.yaml:1:18: plugin.router has no files, expected option: {files: [conf/routing/*.yaml]}\ns.yaml:1:38: found \"yes please\", expected true or false",
		"plugins: {router: {option: {files: [a]}}}":                                      "s.yaml:1:1: unknown key \"plugins\"; did you mean \"plugin\"?",
		"plugin: {routr: {option: {files: [a]}}}":                                        "s.yaml:1:10: unknown key \"routr\"; did you mean \"router\"?",
		"plugin: {locatoin: {option: {}}, history: {}}":                                  "s.yaml:1:10: unknown key \"locatoin\"; did you mean \"location\"?",
		"plugin: {router: {files: [a]}}":                                                 "s.yaml:1:18: plugin.router has no files, expected option: {files: [conf/routing/*.yaml]}\ns.yaml:1:19: unknown key \"files\", expected one of name, option",
		"plugin: {location: {option: {sources: [mapping, reports]}}}":                    `s.yaml:1:49: found "reports"; did you mean "report"?`,
		"apiservers: [{name: set-admin, option: {listenIP: 0.0.0.0}}]":                   `s.yaml:1:51: listenIP "0.0.0.0" can be reached from other machines, expected a token beside it, or 127.0.0.1`,
		"apiservers: [{name: set-admin, option: {listenIP: here, token: x}}]":            `s.yaml:1:51: listenIP "here" is not an address`,
		"apiservers: [{name: set-admin, option: {port: 1}}]":                             `s.yaml:1:41: unknown key "port", expected one of listenIP, listenPort, token, readToken`,
		"apiservers: [{name: set-admin, option: {readToken: a}}]":                        `s.yaml:1:52: there is a readToken and no token: then everybody may change everything, expected a token beside it`,
		"apiservers: [{name: set-admin, option: {token: a, readToken: a}}]":              `s.yaml:1:62: readToken is the same as token, and who has it may change everything, expected another one`,
		"apiservers: [{name: set-admin, option: {listenPort: 70000}}]":                   `s.yaml:1:53: found "70000", expected a whole number from 1 to 65535`,
		"plugin: {location: {option: {sources: [mapping, mapping]}}}":                    `s.yaml:1:49: source "mapping" is given twice, expected each once`,
		"plugin: {location: {option: {trustedProxies: [10.0.0.1/8]}}}":                   `s.yaml:1:47: prefix "10.0.0.1/8" has host bits set; did you mean "10.0.0.0/8"?`,
		"plugin: {location: {option: {forwardedHeader: x-forwarded-to}}}":                `s.yaml:1:47: found "x-forwarded-to"; did you mean "x-forwarded-for"?`,
		"plugin: {location: {option: {forwardedHeader: Forwarded}}}":                     `s.yaml:1:47: found "Forwarded", expected one of x-forwarded-for, x-real-ip`,
		"apiservers: [{name: service-grpc, option: {proxyProtocol: true}}]":              `s.yaml:1:59: proxyProtocol is true and nobody's PROXY header is read, expected the addresses of the proxies in plugin.location.option.trustedProxies`,
		"apiservers: [{name: service-grpc, option: {proxyProtocol: v2}}]":                `s.yaml:1:59: found "v2", expected true or false`,
		"apiservers: [{name: service-nacos, option: {listenPort: 64536}}]":               `s.yaml:1:57: found 64536, expected a port of at most 64535: gRPC is at the port 1000 above it`,
		"apiservers: [{name: service-l5, option: {proxyProtocol: true}}]":                `s.yaml:1:57: the listener "service-l5" reads no PROXY headers, expected proxyProtocol at service-grpc, api-http, service-eureka, service-nacos, xds-v3 alone`,
		"plugin: {cmdb: {name: mapping, option: {files: [a], shrinkGuardPercent: 101}}}": `s.yaml:1:73: found "101", expected a whole number from 0 to 100`,
	} {
		if _, got := load(t, text); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", text, got, want)
		}
	}
}

// A Nacos listener needs a port for each of its protocols.
func TestNacosPorts(t *testing.T) {
	c, fault := load(t, "apiservers: [{name: service-nacos, option: {listenIP: 127.0.0.1, listenPort: 8848}}, {name: api-http, option: {listenPort: 8090}}]")
	if fault != "" {
		t.Fatal(fault)
	}
	var got []string
	for _, l := range c.Listeners {
		got = append(got, l.Name+" "+l.Addr+" "+filepath.Base(l.Origin))
	}
	want := []string{"service-nacos 127.0.0.1:8848 s.yaml:1:78", "service-nacos 127.0.0.1:9848 s.yaml:1:78", "api-http :8090 s.yaml:1:124"}
	if !slices.Equal(got, want) {
		t.Errorf("listeners %q, want %q", got, want)
	}
}

func TestCheckListeners(t *testing.T) {
	known := []string{"api-http", "service-grpc", "set-admin"}
	for text, want := range map[string]string{
		"apiservers: [{name: set-admin}, {name: service-grpc}]": "",
		"apiservers: []": "",
		"apiservers: [{name: setadmin}, {name: service-grpc}]": `s.yaml:1:21: this server has no listener "setadmin"; did you mean "set-admin"?`,
		"apiservers:\n- name: api-http\n- name: mine":          `s.yaml:3:9: this server has no listener "mine", expected one of api-http, service-grpc, set-admin`,
	} {
		c, fault := load(t, text)
		if fault != "" {
			t.Fatal(fault)
		}
		got := ""
		if err := c.CheckListeners(known); err != nil {
			got = filepath.Base(err.Error())
		}
		if got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", text, got, want)
		}
	}
}

func TestAdminAddress(t *testing.T) {
	for text, want := range map[string]string{"'::'": "::", "'[::]'": "::", "'::1'": "::1", "0.0.0.0": "0.0.0.0"} {
		c, fault := load(t, "apiservers: [{name: set-admin, option: {listenIP: "+text+", token: x}}]")
		if fault != "" || c.Admin.ListenIP != want {
			t.Errorf("%s: %q, %s, want %q", text, c.Admin.ListenIP, fault, want)
		}
	}
}

func TestConfigFiles(t *testing.T) {
	c, fault := load(t, "config: {open: true}\nplugin: {cmdb: {name: mapping, option: {files: [a, polaris://n/g/m.csv]}}, router: {option: {files: [polaris://n/g/d/r.yaml]}}}")
	if diff := cmp.Diff([]string{"polaris://n/g/m.csv", "polaris://n/g/d/r.yaml"}, c.ConfigFiles()); diff != "" || fault != "" {
		t.Error(fault, diff)
	}
	if f, err := ParseConfigFile("polaris://n/g/d/r.yaml"); err != nil || f != (ConfigFile{"n", "g", "d/r.yaml"}) {
		t.Error(f, err)
	}
}

// Where clients can publish the rules, a server that serves clients without a token
// says so.
func TestPublishedByClients(t *testing.T) {
	const said = "every client can publish polaris://n/g/r.yaml by the listener config-grpc: set clientOpen: true and clientStrict: true under auth.strategy.option, " +
		"or leave the listener out"
	for _, tt := range []struct{ listener, files, want string }{
		{"config-grpc", "polaris://n/g/r.yaml", said},
		{"service-nacos", "polaris://n/g/r.yaml", strings.Replace(said, "config-grpc", "service-nacos", 1)},
		{"config-grpc", "r.yaml", ""},
		{"service-grpc", "polaris://n/g/r.yaml", ""},
	} {
		c, fault := load(t, "config: {open: true}\napiservers: [{name: "+tt.listener+"}]\nplugin: {router: {option: {files: ["+tt.files+"]}}}")
		if fault != "" || c.PublishedByClients() != tt.want {
			t.Errorf("%+v: %s %q", tt, fault, c.PublishedByClients())
		}
	}
}
