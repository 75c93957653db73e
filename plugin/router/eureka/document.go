package eureka

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/polarismesh/polaris/apiserver/eurekaserver"
)

// document is an answer with instances. It is immutable.
type document struct {
	kind              kind
	isXML             bool
	version, hashcode string // only of kindApplications
	apps              []application
}

// kind is the kind of a document: the name of its root.
type kind string

const (
	kindApplications kind = "applications"
	kindApplication  kind = "application"
	kindInstance     kind = "instance"
)

type application struct {
	name      string
	instances []instance
}

// instance is an instance as the stock listener writes it.
type instance struct {
	id, status string
	raw        []byte // the JSON object, or the content of the XML element
}

func (i instance) isUp() bool { return i.status == eurekaserver.StatusUp }

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

// hashcode returns Eureka's hashcode: instances counted by status, in the order
// of statuses.
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

// unreachableHashcode returns a hashcode that no client's own list has: clients
// then fetch all. It differs each time, since a client may skip a delta that is
// like the last one.
func unreachableHashcode() string {
	return "ROUTED_" + strconv.FormatInt(time.Now().UnixNano(), 10) + "_"
}
