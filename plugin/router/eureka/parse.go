package eureka

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
)

// parse returns the document in a body. A body without a root of one of the
// kinds is an error.
func parse(body []byte, isXML bool) (*document, error) {
	if isXML {
		return parseXML(body)
	}
	return parseJSON(body)
}

type jsonInstance struct{ InstanceID, App, Status string }

type jsonApplication struct {
	Name      string            `json:"name"`
	Instances []json.RawMessage `json:"instance"`
}

func parseJSON(body []byte) (*document, error) {
	var root struct {
		Applications *struct {
			Version  string            `json:"versions__delta"`
			Hashcode string            `json:"apps__hashcode"`
			Apps     []jsonApplication `json:"application"`
		} `json:"applications"`
		Application *jsonApplication `json:"application"`
		Instance    json.RawMessage  `json:"instance"`
	}
	if err := json.Unmarshal(body, &root); err != nil {
		return nil, err
	}
	d := &document{kind: kindApplications}
	var apps []jsonApplication
	switch {
	case root.Applications != nil:
		d.version, d.hashcode, apps = root.Applications.Version, root.Applications.Hashcode, root.Applications.Apps
	case root.Application != nil:
		d.kind, apps = kindApplication, []jsonApplication{*root.Application}
	case root.Instance != nil:
		var i jsonInstance
		if err := json.Unmarshal(root.Instance, &i); err != nil {
			return nil, err
		}
		d.kind, apps = kindInstance, []jsonApplication{{i.App, []json.RawMessage{root.Instance}}}
	default:
		return nil, fmt.Errorf("JSON without %s, %s and %s", kindApplications, kindApplication, kindInstance)
	}
	for _, a := range apps {
		app, err := a.parse()
		if err != nil {
			return nil, err
		}
		d.apps = append(d.apps, app)
	}
	return d, nil
}

func (a jsonApplication) parse() (application, error) {
	app := application{name: a.Name, instances: make([]instance, 0, len(a.Instances))}
	for _, raw := range a.Instances {
		var i jsonInstance
		if err := json.Unmarshal(raw, &i); err != nil {
			return app, err
		}
		app.instances = append(app.instances, instance{i.InstanceID, i.Status, raw})
	}
	return app, nil
}

type xmlInstance struct {
	ID     string `xml:"instanceId"`
	Status string `xml:"status"`
	Raw    []byte `xml:",innerxml"`
}

type xmlApplication struct {
	Name      string        `xml:"name"`
	Instances []xmlInstance `xml:"instance"`
}

func parseXML(body []byte) (*document, error) {
	var root struct {
		XMLName  xml.Name
		Version  string           `xml:"versions__delta"`
		Hashcode string           `xml:"apps__hashcode"`
		Apps     []xmlApplication `xml:"application"`
		xmlApplication
		App string `xml:"app"`
		xmlInstance
	}
	if err := xml.Unmarshal(body, &root); err != nil {
		return nil, err
	}
	d := &document{kind: kind(root.XMLName.Local), isXML: true, version: root.Version, hashcode: root.Hashcode}
	apps := root.Apps
	switch d.kind {
	case kindApplications:
	case kindApplication:
		apps = []xmlApplication{root.xmlApplication}
	case kindInstance:
		apps = []xmlApplication{{root.App, []xmlInstance{root.xmlInstance}}}
	default:
		return nil, fmt.Errorf("XML of %q, expected %s, %s or %s", d.kind, kindApplications, kindApplication, kindInstance)
	}
	for _, a := range apps {
		app := application{name: a.Name, instances: make([]instance, 0, len(a.Instances))}
		for _, i := range a.Instances {
			app.instances = append(app.instances, instance{i.ID, i.Status, i.Raw})
		}
		d.apps = append(d.apps, app)
	}
	return d, nil
}
