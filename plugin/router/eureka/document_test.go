package eureka

import (
	"encoding/xml"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestHashcode(t *testing.T) {
	withStatuses := func(statuses ...string) application {
		var a application
		for _, s := range statuses {
			a.instances = append(a.instances, instance{status: s})
		}
		return a
	}
	tests := []struct {
		apps []application
		want string
	}{
		{nil, ""},
		{[]application{withStatuses()}, ""},
		{[]application{withStatuses("UP", "UP")}, "UP_2_"},
		{[]application{withStatuses("UP", "OUT_OF_SERVICE"), withStatuses("DOWN", "UP", "UP")}, "DOWN_1_OUT_OF_SERVICE_1_UP_3_"},
	}
	for _, tt := range tests {
		if got := hashcode(tt.apps); got != tt.want {
			t.Errorf("%v: %q, want %q", tt.apps, got, tt.want)
		}
	}
}

// bodies are answers of the stock listener, and how this package writes them
// again.
var bodies = map[string]struct {
	in, out string
	isXML   bool
}{
	"JSON of applications": {
		in: `{
 "applications": {
  "versions__delta": "3",
  "apps__hashcode": "UP_2_",
  "application": [
   {"name": "A", "instance": [{"instanceId": "1", "app": "A", "status": "UP", "metadata": {"status": "x<&>", "1.10": "1.10"}}]},
   {"name": "B \"b\"", "instance": [{"instanceId": "2", "status": "UP"}]}
  ]
 }
}`,
		out: `{"applications":{"versions__delta":"3","apps__hashcode":"UP_2_","application":[` +
			`{"name":"A","instance":[{"instanceId": "1", "app": "A", "status": "UP", "metadata": {"status": "x<&>", "1.10": "1.10"}}]},` +
			`{"name":"B \"b\"","instance":[{"instanceId": "2", "status": "UP"}]}]}}`,
	},
	"JSON of no application": {
		in:  `{"applications": {"versions__delta": "", "apps__hashcode": "", "application": []}}`,
		out: `{"applications":{"versions__delta":"","apps__hashcode":"","application":[]}}`,
	},
	"JSON of an application": {
		in:  `{"application": {"name": "A", "instance": [{"instanceId": "1"},{"instanceId": "2"}]}}`,
		out: `{"application":{"name":"A","instance":[{"instanceId": "1"},{"instanceId": "2"}]}}`,
	},
	"JSON of an instance": {
		in:  `{"instance": {"instanceId": "1", "app": "A"}}`,
		out: `{"instance":{"instanceId": "1", "app": "A"}}`,
	},
	"XML of applications": {
		isXML: true,
		in: xml.Header + ` <applications>
  <versions__delta>3</versions__delta>
  <apps__hashcode>UP_2_</apps__hashcode>
  <application>
   <name>A</name>
   <instance><instanceId>1</instanceId><status>UP</status><metadata><instanceId>9</instanceId><v>1.10 &lt;&amp;</v></metadata></instance>
  </application>
  <application><name>B&amp;C</name><instance><instanceId>2</instanceId><status>UP</status></instance></application>
 </applications>`,
		out: xml.Header + `<applications><versions__delta>3</versions__delta><apps__hashcode>UP_2_</apps__hashcode>` +
			`<application><name>A</name><instance><instanceId>1</instanceId><status>UP</status><metadata><instanceId>9</instanceId><v>1.10 &lt;&amp;</v></metadata></instance></application>` +
			`<application><name>B&amp;C</name><instance><instanceId>2</instanceId><status>UP</status></instance></application></applications>`,
	},
	"XML of an application": {
		isXML: true,
		in:    `<application><name>A</name><instance><instanceId>1</instanceId></instance></application>`,
		out:   xml.Header + `<application><name>A</name><instance><instanceId>1</instanceId></instance></application>`,
	},
	"XML of an instance": {
		isXML: true,
		in:    `<instance><instanceId>1</instanceId><app>A</app></instance>`,
		out:   xml.Header + `<instance><instanceId>1</instanceId><app>A</app></instance>`,
	},
}

func TestDocumentsAreWrittenAsTheyWere(t *testing.T) {
	for name, tt := range bodies {
		d, err := parse([]byte(tt.in), tt.isXML)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(tt.out, string(d.bytes())); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", name, diff)
		}
		for _, a := range d.apps {
			for _, i := range a.instances {
				if i.id != "1" && i.id != "2" || a.name == "" {
					t.Errorf("%s: instance %q of %q", name, i.id, a.name)
				}
			}
		}
	}
}

func TestOtherBodiesAreRefused(t *testing.T) {
	for body, want := range map[string]string{
		`{}`:            "JSON without applications, application and instance",
		`{"applicatio`:  "unexpected end of JSON input",
		`<other/>`:      `XML of "other", expected applications, application or instance`,
		`<applications`: "XML syntax error on line 1: unexpected EOF",
	} {
		if _, err := parse([]byte(body), strings.HasPrefix(body, "<")); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", body, err, want)
		}
	}
}
