package eureka

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/polarismesh/polaris/apiserver/eurekaserver"
)

// Kinds of documents: the names of their roots.
const (
	kindApplications = "applications"
	kindApplication  = "application"
	kindInstance     = "instance"
)

// fetchAll is a hashcode that no client's own list has: it makes them fetch
// all. It differs each time: a client may skip a delta like its last one.
func fetchAll() string { return "ROUTED_" + strconv.FormatInt(time.Now().UnixNano(), 10) + "_" }

// document is an answer with instances, each as the stock listener wrote it.
// It is immutable.
type document struct {
	kind          string
	isXML         bool
	version, hash string // of applications
	apps          []application
}

type application struct {
	name      string
	instances []instance
}

type instance struct {
	id, status string
	raw        []byte // the JSON object, or the content of the XML element
}

// hashcode is Eureka's: instances counted by status, in the order of statuses.
func hashcode(apps []application) string {
	counts := map[string]int{}
	for _, a := range apps {
		for _, i := range a.instances {
			counts[i.status]++
		}
	}
	statuses := make([]string, 0, len(counts))
	for status := range counts {
		statuses = append(statuses, status)
	}
	slices.Sort(statuses)
	var b strings.Builder
	for _, status := range statuses {
		b.WriteString(status + "_" + strconv.Itoa(counts[status]) + "_")
	}
	return b.String()
}

func parse(body []byte, isXML bool) (*document, error) {
	if isXML {
		return parseXML(body)
	}
	return parseJSON(body)
}

type jsonApp struct {
	Name     string            `json:"name"`
	Instance []json.RawMessage `json:"instance"`
}

func parseJSON(body []byte) (*document, error) {
	var root struct {
		Applications *struct {
			Version     string    `json:"versions__delta"`
			Hash        string    `json:"apps__hashcode"`
			Application []jsonApp `json:"application"`
		} `json:"applications"`
		Application *jsonApp        `json:"application"`
		Instance    json.RawMessage `json:"instance"`
	}
	if err := json.Unmarshal(body, &root); err != nil {
		return nil, err
	}
	d := &document{kind: kindApplications}
	var apps []jsonApp
	switch {
	case root.Applications != nil:
		d.version, d.hash, apps = root.Applications.Version, root.Applications.Hash, root.Applications.Application
	case root.Application != nil:
		d.kind, apps = kindApplication, []jsonApp{*root.Application}
	case root.Instance != nil:
		d.kind, apps = kindInstance, []jsonApp{{Instance: []json.RawMessage{root.Instance}}}
	default:
		return nil, fmt.Errorf("JSON without %s, %s and %s", kindApplications, kindApplication, kindInstance)
	}
	for _, a := range apps {
		app := application{name: a.Name, instances: make([]instance, 0, len(a.Instance))}
		for _, raw := range a.Instance {
			var of struct{ InstanceID, App, Status string }
			if err := json.Unmarshal(raw, &of); err != nil {
				return nil, err
			}
			if d.kind == kindInstance {
				app.name = of.App
			}
			app.instances = append(app.instances, instance{of.InstanceID, of.Status, raw})
		}
		d.apps = append(d.apps, app)
	}
	return d, nil
}

type xmlInstance struct {
	ID     string `xml:"instanceId"`
	Status string `xml:"status"`
	Raw    []byte `xml:",innerxml"`
}

type xmlApp struct {
	Name      string        `xml:"name"`
	Instances []xmlInstance `xml:"instance"`
}

func parseXML(body []byte) (*document, error) {
	var root struct {
		XMLName xml.Name
		Version string   `xml:"versions__delta"`
		Hash    string   `xml:"apps__hashcode"`
		Apps    []xmlApp `xml:"application"`
		xmlApp
		App string `xml:"app"`
		xmlInstance
	}
	if err := xml.Unmarshal(body, &root); err != nil {
		return nil, err
	}
	d := &document{kind: root.XMLName.Local, isXML: true, version: root.Version, hash: root.Hash}
	apps := root.Apps
	switch d.kind {
	case kindApplications:
	case kindApplication:
		apps = []xmlApp{root.xmlApp}
	case kindInstance:
		apps = []xmlApp{{root.App, []xmlInstance{root.xmlInstance}}}
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

// newInstance writes an instance as the stock listener does.
func newInstance(info *eurekaserver.InstanceInfo, isXML bool) (instance, error) {
	i := instance{id: info.InstanceId, status: info.Status}
	var err error
	if !isXML {
		i.raw, err = json.Marshal(info)
		return i, err
	}
	if i.raw, err = xml.Marshal(info); err != nil {
		return i, err
	}
	i.raw = bytes.TrimSuffix(bytes.TrimPrefix(i.raw, []byte("<instance>")), []byte("</instance>"))
	return i, nil
}
