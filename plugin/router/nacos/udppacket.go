package nacos

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"strconv"

	nacosmodel "github.com/polarismesh/polaris/apiserver/nacosserver/model"
)

// Bounds of packets, in bytes.
const (
	// maxPacket is for a list. Longer lists are not pushed.
	maxPacket = 60_000
	// maxPlainPacket is for a list that is not compressed: some clients read no more than
	// 4 KB.
	maxPlainPacket = 1024
	// maxAck is how much of an acknowledgement is read.
	maxAck = 1024
)

// parseAck reads an acknowledgement: the stamp of a push, as a text or a number.
func parseAck(packet []byte) (stamp int64, ok bool) {
	var ack struct {
		Type        string          `json:"type"`
		LastRefTime json.RawMessage `json:"lastRefTime"`
	}
	if json.Unmarshal(packet, &ack) != nil || ack.Type != "push-ack" {
		return 0, false
	}
	stamp, err := strconv.ParseInt(string(bytes.Trim(ack.LastRefTime, `"`)), 10, 64)
	return stamp, err == nil && stamp > 0
}

// udpPacket returns the packet that pushes a list: the list as a text of JSON in an object.
func udpPacket(q query, info *nacosmodel.ServiceInfo) ([]byte, error) {
	data, err := json.Marshal(newHTTPInfo(q, info))
	if err != nil {
		return nil, err
	}
	packet, err := json.Marshal(map[string]any{"type": "dom", "data": string(data), "lastRefTime": info.LastRefTime})
	if err != nil || len(packet) <= maxPlainPacket {
		return packet, err
	}
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	_, _ = zipped.Write(packet) // a buffer takes all
	err = zipped.Close()
	return out.Bytes(), err
}
