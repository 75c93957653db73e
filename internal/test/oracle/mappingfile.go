package oracle

import (
	"encoding/csv"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"go4.org/netipx"
	"gopkg.in/yaml.v3"
)

// File is a mapping or routing file.
type File struct {
	Name    string `json:"name"`
	Content string `json:"content"`
}

// list is one text or several, in a YAML file.
type list []string

// UnmarshalYAML reads a scalar or a list.
func (l *list) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*l = list{n.Value}
		return nil
	}
	return n.Decode((*[]string)(l))
}

// mappingText is a mapping entry as it is written.
type mappingText struct {
	Match                     list
	Region, Zone, Campus, SET string
	Labels                    map[string]string
	Shared                    bool
}

func (t mappingText) identity() Identity {
	id := Identity{Place: Place{t.Region, t.Zone, t.Campus}, Labels: t.Labels, Shared: t.Shared}
	if t.SET != "" {
		id.SETs = []string{t.SET}
	}
	return id
}

// readMapping reads mapping files.
func readMapping(files []File) (entries []Entry, fallback Identity, err error) {
	add := func(t mappingText) error {
		for _, match := range t.Match {
			first, last, err := readSpan(match)
			if err != nil {
				return err
			}
			entries = append(entries, Entry{first, last, t.identity()})
		}
		return nil
	}
	for _, f := range files {
		var file struct {
			Mappings []mappingText
			Default  mappingText
		}
		if strings.HasSuffix(f.Name, ".csv") {
			file.Mappings, err = readCSV(f.Content)
		} else {
			err = yaml.Unmarshal([]byte(f.Content), &file)
		}
		if err != nil {
			return nil, fallback, fmt.Errorf("%s: %w", f.Name, err)
		}
		for _, t := range file.Mappings {
			if err := add(t); err != nil {
				return nil, fallback, fmt.Errorf("%s: %w", f.Name, err)
			}
		}
		fallback.join(file.Default.identity()) // one file has it
	}
	return entries, fallback, nil
}

// readSpan returns the first and the last address of a match.
func readSpan(s string) (first, last netip.Addr, err error) {
	if from, to, ok := strings.Cut(s, "-"); ok {
		first, err = netip.ParseAddr(from)
		last, errLast := netip.ParseAddr(to)
		return first, last, errors.Join(err, errLast)
	}
	prefix, err := readPrefix(s)
	return prefix.Addr(), netipx.PrefixLastIP(prefix), err
}

func readPrefix(s string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(s); err == nil {
		return addr.Prefix(addr.BitLen())
	}
	return netip.ParsePrefix(s)
}

func readCSV(content string) (out []mappingText, err error) {
	rows, err := csv.NewReader(strings.NewReader(content)).ReadAll()
	if err != nil || len(rows) == 0 {
		return nil, errors.Join(err, errors.New("no header"))
	}
	for _, row := range rows[1:] {
		var t mappingText
		for n, column := range rows[0] {
			field := map[string]*string{"region": &t.Region, "zone": &t.Zone, "campus": &t.Campus, "set": &t.SET}[column]
			if column == "shared" {
				t.Shared = row[n] == "true"
				continue
			}
			if field == nil {
				t.Match = list{row[n]}
				continue
			}
			*field = row[n]
		}
		out = append(out, t)
	}
	return out, nil
}
