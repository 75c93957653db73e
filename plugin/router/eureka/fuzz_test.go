package eureka

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/polarismesh/polaris/apiserver/eurekaserver"

	"github.com/polaris-contrib/setrouter/internal/test/fuzztest"
)

var xmlName = regexp.MustCompile(`^[A-Za-z_][-.\w]*$`)

// FuzzAnswer filters bodies as a stock listener could send them. What comes out
// is read again and has no instance that the caller should not use; filtered
// once more it is the same.
func FuzzAnswer(f *testing.F) {
	for _, body := range bodies {
		f.Add(body.in, body.isXML, "/eureka/apps", "k", "v")
	}
	f.Add(shown("a:UP", "b:UP", "new:OUT_OF_SERVICE"), false, "/eureka/apps", "k", "<&>")
	f.Add(shown("a:UP"), false, "/eureka/vips/V", "internal-eureka-vip", "U,V")
	f.Add(shown("a:UP"), false, "/eureka/v2/apps/delta/", "", "")
	f.Add(`{"instance":{"instanceId":"b","app":"APP","status":"UP"}}`, false, "/eureka/instances/b", "", "")
	f.Add(`<?xml version="1.0"?><applications><apps__hashcode>UP_2_</apps__hashcode><application><name>APP</name><instance><instanceId>a</instanceId><status>UP</status></instance>`+
		`<instance><instanceId>b</instanceId><status>UP</status><metadata><k>&lt;</k></metadata></instance></application></applications>`, true, "/eureka/apps/", "k", "\x1b]]>")
	f.Add(`<applications><application><name>APP</name><instance><instanceId>b</instanceId></instance></application><application><name>A&amp;B &lt;</name>`+
		`<instance><instanceId>c</instanceId><status>&lt;UP</status></instance></application></applications>`, true, "/eureka/apps", "k", "")
	f.Fuzz(func(t *testing.T, body string, isXML bool, path, key, value string) {
		if isXML && !xmlName.MatchString(key) {
			key = "k" // the stock listener writes an element of any name
		}
		r := newRegistry(t, map[string][]string{"App": {"a", "new", "sick"}}, "App", "Other")
		r.add("a", true, false, nil)
		r.add("sick", false, false, nil)
		r.add("new", true, false, map[string]string{key: value})
		server := &front{namespace: "default", filter: filter{r}}
		q := query{namespace: "default", path: path}
		var out []byte
		var err error
		fuzztest.Bounded(t, len(body)+len(path)+len(value), func() { out, err = server.answer([]byte(body), isXML, q) })
		if err != nil && strings.HasPrefix(err.Error(), "panic") {
			t.Fatal(err)
		}
		if out == nil {
			return
		}
		checkAnswer(t, out, isXML, q)
		again, err := server.answer(out, isXML, q)
		if err != nil || again != nil && !bytes.Equal(again, out) && !q.isDelta() {
			t.Errorf("filtered again, %v:\n%s\nthen\n%s", err, out, again)
		}
	})
}

// checkAnswer checks a list of which APP may have the instances a and new.
func checkAnswer(t *testing.T, out []byte, isXML bool, q query) {
	d, err := parse(out, isXML)
	if err != nil {
		t.Fatalf("%v in\n%s", err, out)
	}
	if q.isDelta() && d.kind == kindApplications {
		if len(d.apps) > 0 || !strings.HasPrefix(d.hash, "ROUTED_") {
			t.Errorf("a delta of %s", out)
		}
		return
	}
	if d.kind == kindApplications && d.hash != hashcode(d.apps) {
		t.Errorf("hashcode %s, want %s", d.hash, hashcode(d.apps))
	}
	for _, a := range d.apps {
		for _, i := range a.instances {
			if a.name == "APP" && !slices.Contains([]string{"a", "new"}, i.id) {
				t.Errorf("instance %q of %s", i.id, a.name)
			}
		}
	}
}

// FuzzPath reads the paths of requests.
func FuzzPath(f *testing.F) {
	for _, path := range []string{"/eureka/apps/delta", "/eureka/v2/apps/delta/", "/eureka/vips/v", "/eureka/vips/delta", "/eureka/svips/a,b", "//apps//delta//", "/"} {
		f.Add(path, "V,W")
	}
	f.Fuzz(func(t *testing.T, path, vip string) {
		q := query{path: path}
		if want := regexp.MustCompile(`(?s)(^|/)apps/delta/*$`).MatchString(path); q.isDelta() != want {
			t.Errorf("%q is a delta: %t, want %t", path, !want, want)
		}
		of := &eurekaserver.InstanceInfo{VipAddress: vip, SecureVipAddress: "S"}
		if escaped := (query{path: "/eureka/vips/" + vip}); vip != "" && vip == strings.ToUpper(vip) && !strings.ContainsAny(vip, "/,") && !escaped.asksFor(of) {
			t.Errorf("%q does not ask for %q", escaped.path, vip)
		}
		_ = q.asksFor(of)
	})
}
