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

// FuzzAnswer filters bodies that a stock listener could send. The filtered body can
// be parsed, and has no instance that the caller should not use. Filtered once
// more it stays the same.
func FuzzAnswer(f *testing.F) {
	for _, body := range bodies {
		f.Add(body.in, body.isXML, "/eureka/apps", "k", "v")
	}
	f.Add(stockBody("a:UP", "b:UP", "new:OUT_OF_SERVICE"), false, "/eureka/apps", "k", "<&>")
	f.Add(stockBody("a:UP"), false, "/eureka/vips/V", "internal-eureka-vip", "U,V")
	f.Add(stockBody("a:UP"), false, "/eureka/v2/apps/delta/", "", "")
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
		f := &front{defaultNamespace: "default", filter: filter{r}}
		q := query{namespace: "default", path: path}
		var filtered []byte
		var err error
		fuzztest.Bounded(t, len(body)+len(path)+len(value), func() { filtered, err = f.answer([]byte(body), isXML, q) })
		if err != nil && strings.HasPrefix(err.Error(), "panic") {
			t.Fatal(err)
		}
		if filtered == nil {
			return
		}
		checkAnswer(t, filtered, isXML, q)
		again, err := f.answer(filtered, isXML, q)
		if err != nil || again != nil && !bytes.Equal(again, filtered) && !q.isDelta() {
			t.Errorf("filtered again, %v:\n%s\nthen\n%s", err, filtered, again)
		}
	})
}

// checkAnswer checks a filtered body, in which APP may have the instances a and
// new.
func checkAnswer(t *testing.T, body []byte, isXML bool, q query) {
	d, err := parse(body, isXML)
	if err != nil {
		t.Fatalf("%v in\n%s", err, body)
	}
	if q.isDelta() && d.kind == kindApplications {
		if len(d.apps) > 0 || !strings.HasPrefix(d.hashcode, "ROUTED_") {
			t.Errorf("a delta of %s", body)
		}
		return
	}
	if d.kind == kindApplications && d.hashcode != hashcode(d.apps) {
		t.Errorf("hashcode %s, want %s", d.hashcode, hashcode(d.apps))
	}
	for _, a := range d.apps {
		for _, i := range a.instances {
			if a.name == "APP" && !slices.Contains([]string{"a", "new"}, i.id) {
				t.Errorf("instance %q of %s", i.id, a.name)
			}
		}
	}
}

// FuzzPath compares isDelta and asksFor with slower forms of them.
func FuzzPath(f *testing.F) {
	for _, path := range []string{"/eureka/apps/delta", "/eureka/v2/apps/delta/", "/eureka/vips/v", "/eureka/vips/delta", "/eureka/svips/a,b", "//apps//delta//", "/"} {
		f.Add(path, "V,W")
	}
	f.Fuzz(func(t *testing.T, path, vip string) {
		q := query{path: path}
		if want := regexp.MustCompile(`(?s)(^|/)apps/delta/*$`).MatchString(path); q.isDelta() != want {
			t.Errorf("%q is a delta: %t, want %t", path, !want, want)
		}
		info := &eurekaserver.InstanceInfo{VipAddress: vip, SecureVipAddress: "S"}
		if byVIP := (query{path: "/eureka/vips/" + vip}); vip != "" && vip == strings.ToUpper(vip) && !strings.ContainsAny(vip, "/,") && !byVIP.asksFor(info) {
			t.Errorf("%q does not ask for %q", byVIP.path, vip)
		}
		_ = q.asksFor(info)
	})
}
