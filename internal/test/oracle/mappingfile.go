package oracle

import (
	"encoding/csv"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"gopkg.in/yaml.v3"
)

// File is a mapping or routing file.
type File struct {
	Name    string `json:"name"`
	Content string `json:"content"`
}

// list is one text, or several.
type list []string

// UnmarshalYAML reads either form.
func (l *list) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*l = list{n.Value}
		return nil
	}
	return n.Decode((*[]string)(l))
}

// says is what a mapping entry says.
type says struct {
	Match                     list
	Region, Zone, Campus, SET string
	Labels                    map[string]string
}

func (s says) identity() Identity {
	return Identity{Place{s.Region, s.Zone, s.Campus}, s.SET, s.Labels}
}

// readMapping reads prefixes and addresses, but no ranges.
func readMapping(files []File) (entries []Entry, fallback Identity, err error) {
	add := func(s says) error {
		for _, match := range s.Match {
			prefix, err := readPrefix(match)
			if err != nil {
				return err
			}
			entries = append(entries, Entry{prefix, s.identity()})
		}
		return nil
	}
	for _, f := range files {
		var text struct {
			Mappings []says
			Default  says
		}
		if strings.HasSuffix(f.Name, ".csv") {
			text.Mappings, err = readCSV(f.Content)
		} else {
			err = yaml.Unmarshal([]byte(f.Content), &text)
		}
		if err != nil {
			return nil, fallback, fmt.Errorf("%s: %w", f.Name, err)
		}
		for _, s := range text.Mappings {
			if err := add(s); err != nil {
				return nil, fallback, fmt.Errorf("%s: %w", f.Name, err)
			}
		}
		if text.Default.Region != "" {
			fallback = text.Default.identity()
		}
	}
	return entries, fallback, nil
}

func readPrefix(s string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(s); err == nil {
		return addr.Prefix(addr.BitLen())
	}
	return netip.ParsePrefix(s)
}

func readCSV(content string) (out []says, err error) {
	rows, err := csv.NewReader(strings.NewReader(content)).ReadAll()
	if err != nil || len(rows) == 0 {
		return nil, errors.Join(err, errors.New("no header"))
	}
	for _, row := range rows[1:] {
		var s says
		for n, column := range rows[0] {
			into := map[string]*string{"region": &s.Region, "zone": &s.Zone, "campus": &s.Campus, "set": &s.SET}[column]
			if into == nil {
				s.Match = list{row[n]}
				continue
			}
			*into = row[n]
		}
		out = append(out, s)
	}
	return out, nil
}
