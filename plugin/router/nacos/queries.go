package nacos

import (
	"cmp"
	"encoding/json"
	"strconv"
	"strings"

	nacosmodel "github.com/polarismesh/polaris/apiserver/nacosserver/model"
)

// Parameters that the stock listener has no names for.
const (
	paramHealthyOnly = "healthyOnly"
	paramUDPPort     = "udpPort"
)

const maxPort = 1<<16 - 1

// service returns the service that a request is about.
func (p *params) service() query {
	service := p.needed(nacosmodel.ParamServiceName)
	q := newQuery(p.text(nacosmodel.ParamNamespaceID), p.text(nacosmodel.ParamGroupName), service)
	if q.service == "" {
		p.fail("%s is %s, expected the name of a service behind the group", nacosmodel.ParamServiceName, quoted(service))
	}
	return q
}

// list reads a request for a list, and the port at which the client waits for pushes, 0 where
// it does not. What a client says of its own address does not count.
func (p *params) list() (q query, udpPort uint16) {
	q = p.service()
	q.clusters = p.text(nacosmodel.ParamClusterList)
	q.healthyOnly = p.flag(false, paramHealthyOnly)
	udpPort = uint16(p.number(paramUDPPort, 0, 0, maxPort))
	return q, udpPort
}

// instance reads the instance that a request registers or changes.
func (p *params) instance() (query, nacosmodel.Instance) {
	q, i := p.place()
	i.Weight = p.weight()
	i.Healthy = p.flag(true, nacosmodel.ParamInstanceHealthy)
	i.Enabled = p.flag(true, nacosmodel.ParamInstanceEnabled, nacosmodel.ParamInstanceEnable)
	i.Ephemeral = p.flag(true, nacosmodel.ParamInstanceEphemeral)
	i.Metadata = p.metadata()
	return q, i
}

// place reads where an instance is: its service, host, port and cluster.
func (p *params) place() (query, nacosmodel.Instance) {
	q := p.service()
	i := nacosmodel.Instance{
		IP:          p.needed(nacosmodel.ParamInstanceIP),
		ClusterName: cmp.Or(p.text(nacosmodel.ParamClusterName, nacosmodel.ParamCluster), nacosmodel.DefaultServiceClusterName),
	}
	p.needed(nacosmodel.ParamInstancePort)
	i.Port = int32(p.number(nacosmodel.ParamInstancePort, 0, 0, maxPort))
	return q, i
}

// weight returns the weight of an instance, 1 where the client names none.
func (p *params) weight() float64 {
	text := p.text(nacosmodel.ParamInstanceWeight)
	if text == "" {
		return nacosmodel.InstanceDefaultWeight
	}
	weight, err := strconv.ParseFloat(text, 64)
	if err != nil || checkWeight(weight) != nil {
		p.fail("%s is %s, expected a number from 0 to %d", nacosmodel.ParamInstanceWeight, quoted(text), maxWeight)
	}
	return weight
}

// metadata returns the metadata of an instance: an object of JSON, or `key=value` with
// commas between; a colon does as well, as the stock listener has it.
func (p *params) metadata() map[string]string {
	text := p.long(nacosmodel.ParamInstanceMetadata)
	if strings.HasPrefix(text, "{") {
		return p.jsonMetadata(text)
	}
	out := map[string]string{}
	if text == "" || text == "null" {
		return out
	}
	for pair := range strings.SplitSeq(text, ",") {
		n := strings.IndexAny(pair, "=:")
		if n < 0 {
			p.fail("metadata has %s, expected an object of JSON, or key=value with commas between", quoted(pair))
			break
		}
		out[strings.TrimSpace(pair[:n])] = strings.TrimSpace(pair[n+1:])
	}
	return out
}

// jsonMetadata reads an object whose values are texts, numbers, true, false or null.
func (p *params) jsonMetadata(text string) map[string]string {
	var values map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &values); err != nil {
		p.fail("metadata is %s, expected an object of JSON", quoted(text))
	}
	out := make(map[string]string, len(values))
	for key, value := range values {
		var s string // of null the empty text
		if json.Unmarshal(value, &s) != nil {
			if s = string(value); s[0] == '{' || s[0] == '[' {
				p.fail("metadata has %s for %s, expected a text", quoted(s), quoted(key))
			}
		}
		out[key] = s
	}
	return out
}

// beat reads a heartbeat: an object of JSON, or parameters.
func (p *params) beat() (query, nacosmodel.Instance) {
	var beat nacosmodel.ClientBeat
	if text := p.long(nacosmodel.ParamInstanceBeat); text != "" {
		if err := json.Unmarshal([]byte(text), &beat); err != nil {
			p.fail("beat is %s, expected an object of JSON", quoted(text))
		}
	}
	if beat.Ip == "" || beat.Port == 0 {
		return p.place()
	}
	if beat.Port < 0 || beat.Port > maxPort || len(beat.Ip) > maxText {
		p.fail("beat is of %s, port %d, expected the address of an instance", quoted(beat.Ip), beat.Port)
	}
	return p.service(), nacosmodel.Instance{IP: beat.Ip, Port: int32(beat.Port)}
}

// maxPage bounds numbers and sizes of pages.
const maxPage = 1 << 30

// pages reads a request for the names of services of a group: the number of a page, and its
// size.
func (p *params) pages() (q query, number, size int) {
	p.needed(nacosmodel.ParamPageNo)
	p.needed(nacosmodel.ParamPageSize)
	q = newQuery(p.text(nacosmodel.ParamNamespaceID), p.text(nacosmodel.ParamGroupName), "")
	return q, p.number(nacosmodel.ParamPageNo, 0, 0, maxPage), p.number(nacosmodel.ParamPageSize, 0, 0, maxPage)
}
