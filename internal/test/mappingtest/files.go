package mappingtest

import (
	"bytes"
	"fmt"
)

// CSV writes entries as a CSV mapping file.
func CSV(entries []Entry) []byte {
	var b bytes.Buffer
	b.WriteString("match,region,zone,campus,set,label.lane\n")
	for _, e := range entries {
		fmt.Fprintf(&b, "%s,%s,%s,%s,%s,%s\n", e.match(), e.Region, e.Zone, e.Campus, e.SET, e.Lane)
	}
	return b.Bytes()
}

// YAML writes entries as a YAML mapping file in block style.
func YAML(entries []Entry) []byte {
	var b bytes.Buffer
	b.WriteString("version: 1\nmappings:\n")
	for _, e := range entries {
		fmt.Fprintf(&b, "  - match: %q\n", e.match())
		for _, field := range [][2]string{{"region", e.Region}, {"zone", e.Zone}, {"campus", e.Campus}, {"set", e.SET}} {
			if field[1] != "" {
				fmt.Fprintf(&b, "    %s: %s\n", field[0], field[1])
			}
		}
		if e.Lane != "" {
			fmt.Fprintf(&b, "    labels: {lane: %s}\n", e.Lane)
		}
	}
	b.WriteString("default: {region: region-0}\n")
	return b.Bytes()
}

func (e Entry) match() string {
	if e.Prefix.IsSingleIP() {
		return e.Prefix.Addr().String()
	}
	return e.Prefix.String()
}
