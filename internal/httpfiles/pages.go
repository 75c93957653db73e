package httpfiles

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

// The protocol of Polaris's CMDB plugin memory (v1.18.1): a POST for each page.
const (
	pageSize    = 100
	codeSuccess = 200000
	mostEntries = 5_000_000
)

type pageRequest struct {
	RequestID string `json:"request_id"`
	PageNo    int    `json:"page_no"`
	PageSize  int    `json:"page_size"`
}

type page struct {
	Total int         `json:"total"`
	Size  int         `json:"size"`
	Code  int         `json:"code"`
	Info  string      `json:"info"`
	Data  []pageEntry `json:"data"`
}

type pageEntry struct {
	IP     string `json:"ip"`
	Type   string `json:"type"` // host, mask or backoff
	Region place  `json:"region"`
	Zone   place  `json:"zone"`
	Campus place  `json:"campus"`
}

type place struct {
	Name string `json:"name"`
}

// location returns the place of an entry. Names are trimmed, as in CSV.
func (e pageEntry) location() location.Location {
	return location.Location{
		Region: strings.TrimSpace(e.Region.Name), Zone: strings.TrimSpace(e.Zone.Name), Campus: strings.TrimSpace(e.Campus.Name),
	}
}

// getPages fetches the entries of a CMDB: all pages, or nothing.
func (s *Source) getPages(ctx context.Context, before *text) (found, error) {
	token, err := s.token()
	if err != nil {
		return found{}, err
	}
	request := pageRequest{RequestID: rand.Text(), PageSize: pageSize}
	var entries []pageEntry
	total, size, bytesLeft := 0, 0, s.limits.bytes
	for request.PageNo == 0 || size < total {
		request.PageNo++
		answer, length, err := s.getPage(ctx, before.address, token, request)
		if err != nil {
			return found{}, fmt.Errorf("page %d: %w", request.PageNo, err)
		}
		if request.PageNo == 1 {
			total = answer.Total
		}
		bytesLeft -= length
		switch {
		case answer.Total != total:
			return found{}, fmt.Errorf("page %d: the total is %d and was %d: the CMDB changed meanwhile", request.PageNo, answer.Total, total)
		case total > mostEntries || bytesLeft < 0:
			return found{}, fmt.Errorf("page %d: there is too much, expected at most %d entries and %d MiB", request.PageNo, mostEntries, s.limits.bytes>>20)
		case size < total && len(answer.Data) == 0:
			return found{}, fmt.Errorf("page %d: has no entries, and of %d in total %d are missing", request.PageNo, total, total-len(entries))
		}
		size += max(answer.Size, 0)
		entries = append(entries, answer.Data...)
		if answer.Size <= 0 { // the plugin would ask for ever
			size = len(entries)
		}
	}
	if len(entries) != total {
		return found{}, fmt.Errorf("entries in the pages: %d, and the total is %d", len(entries), total)
	}
	files, err := convert(before.name, entries)
	return found{files: files}, err
}

// getPage fetches one page, and returns its length in bytes.
func (s *Source) getPage(ctx context.Context, address, token string, request pageRequest) (answer page, length int64, err error) {
	body, err := json.Marshal(request)
	if err != nil {
		return page{}, 0, err
	}
	post, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return page{}, 0, errors.New("the address cannot be read")
	}
	post.Header.Set("Authorization", token) // as it is: the plugin adds no scheme
	post.Header.Set("Content-Type", "application/json")
	response, err := s.client.Do(post)
	if err != nil {
		return page{}, 0, cause(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return page{}, 0, fmt.Errorf("answered %q, expected 200", response.Status)
	}
	data, err := s.readBody(response)
	if err != nil {
		return page{}, 0, err
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		if bytes.HasPrefix(bytes.TrimSpace(data), []byte("<")) {
			return page{}, 0, errors.New("answered with a page of HTML, expected JSON: it may be a login page or that of a proxy")
		}
		return page{}, 0, fmt.Errorf("answered with what is not the JSON of a page: %w", err)
	}
	if answer.Code != codeSuccess {
		return page{}, 0, fmt.Errorf("answered code %d (%q), expected %d", answer.Code, answer.Info, codeSuccess)
	}
	return answer, int64(len(data)), nil
}

// convert returns the entries of a CMDB as mapping files: hosts and networks in CSV, and
// the backoff as the default in YAML. As in the plugin, the last of equal hosts counts,
// the first of equal networks, and the last backoff.
func convert(name string, entries []pageEntry) ([]strict.File, error) {
	var order []string
	places := map[string]location.Location{}
	var backoff location.Location
	for n, e := range entries {
		match, err := e.match()
		if err != nil {
			return nil, fmt.Errorf("entry %d: %w", n+1, err)
		}
		if match == "" {
			backoff = e.location()
			continue
		}
		_, ok := places[match]
		if !ok {
			order = append(order, match)
		}
		if !ok || e.Type == "host" {
			places[match] = e.location()
		}
	}
	if len(entries) == 0 {
		return nil, errors.New("the CMDB has no entries")
	}
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	_ = w.Write([]string{"match", "region", "zone", "campus"})
	for _, match := range order {
		if l := places[match]; l != (location.Location{}) {
			_ = w.Write([]string{match, l.Region, l.Zone, l.Campus})
		}
	}
	w.Flush() // to memory: no error
	files := []strict.File{{Name: name + "#entries.csv", Data: out.Bytes()}}
	if backoff == (location.Location{}) {
		return files, nil
	}
	file, err := backoffFile(name, backoff)
	return append(files, file), err
}

// match returns the address or the prefix of an entry; "" for the backoff.
func (e pageEntry) match() (string, error) {
	switch e.Type {
	case "host":
		addr, err := netip.ParseAddr(e.IP)
		if err != nil {
			return "", fmt.Errorf("the ip %q of a host is no address", e.IP)
		}
		return location.Normalize(addr).String(), nil
	case "mask":
		prefix, err := netip.ParsePrefix(e.IP)
		if err != nil {
			return "", fmt.Errorf("the ip %q of a mask is no prefix, expected address/bits", e.IP)
		}
		if prefix.IsSingleIP() {
			return location.Normalize(prefix.Addr()).String(), nil
		}
		return prefix.Masked().String(), nil
	case "backoff":
		return "", nil
	}
	return "", fmt.Errorf("the type %q is not known, expected host, mask or backoff", e.Type)
}

// backoffFile returns the file with the default.
func backoffFile(name string, l location.Location) (strict.File, error) {
	fields := map[string]string{}
	for key, value := range map[string]string{"region": l.Region, "zone": l.Zone, "campus": l.Campus} {
		if value != "" {
			fields[key] = value
		}
	}
	data, err := yaml.Marshal(map[string]any{"version": 1, "default": fields})
	return strict.File{Name: name + "#backoff.yaml", Data: data}, err
}
