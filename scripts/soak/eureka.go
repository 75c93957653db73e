package main

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	apimodel "github.com/polarismesh/specification/source/go/api/v1/model"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// application is an application in an answer over Eureka.
type application struct {
	Name     string `json:"name" xml:"name"`
	Instance []struct {
		ID       string   `json:"instanceId" xml:"instanceId"`
		Metadata metadata `json:"metadata" xml:"metadata"`
		Action   string   `json:"actionType" xml:"actionType"`
	} `json:"instance" xml:"instance"`
}

// metadata are those of an instance.
type metadata map[string]string

// UnmarshalXML reads an element for each key.
func (m *metadata) UnmarshalXML(d *xml.Decoder, start xml.StartElement) error {
	var elements struct {
		List []struct {
			XMLName xml.Name
			Text    string `xml:",chardata"`
		} `xml:",any"`
	}
	err := d.DecodeElement(&elements, &start)
	*m = metadata{}
	for _, e := range elements.List {
		(*m)[e.XMLName.Local] = e.Text
	}
	return err
}

// readApplications reads an answer with one application or with all.
func readApplications(body []byte, isJSON bool) ([]application, error) {
	var all struct {
		Applications struct {
			Application []application `json:"application"`
		} `json:"applications"`
		Application *application `json:"application"`
	}
	if isJSON {
		err := json.Unmarshal(body, &all)
		if all.Application != nil {
			return []application{*all.Application}, err
		}
		return all.Applications.Application, err
	}
	var root struct {
		XMLName     xml.Name
		Application []application `xml:"application"`
	}
	if err := xml.Unmarshal(body, &root); err != nil || root.XMLName.Local == "applications" {
		return root.Application, err
	}
	var one application
	err := xml.Unmarshal(body, &one)
	return []application{one}, err
}

// overEureka asks a node's Eureka listener from the address of a caller, until the context
// ends. Of these answers only leaks are checked.
func (s *soak) overEureka(ctx context.Context, n *node, addr netip.Addr, forged map[string]string) {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: addr.AsSlice()}}
	client := http.Client{Transport: &http.Transport{DialContext: dialer.DialContext}, Timeout: 20 * time.Second}
	defer client.CloseIdleConnections()
	c := &caller{name: fmt.Sprintf("a caller at %s over Eureka, headers %v", addr, forged), addr: addr, node: n}
	paths := []string{"/apps", "/apps/NOVEL", "/apps/delta", "/apps/MIXED", "/vips/feed", "/apps/ams", "/svips/epp", "/apps/OLD", "/apps/novel-alias"}
	for round := 0; ctx.Err() == nil; round++ {
		path, accept := paths[round%len(paths)], []string{"application/json", "application/xml"}[round/len(paths)%2]
		if _, life := n.current(); life.up {
			a := answer{caller: c, node: n, life: life.number, begin: time.Now(), onlyLeak: true}
			if body, err := getEureka(ctx, &client, "http://"+n.eureka+"/eureka"+path, accept, forged); err == nil {
				a.end = time.Now()
				s.takeEureka(a, path, body, accept)
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(besides * s.plan.interval):
		}
	}
}

func getEureka(ctx context.Context, client *http.Client, url, accept string, headers map[string]string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	for key, value := range headers {
		req.Header.Set(key, value)
	}
	req.Header.Set("Accept", accept)
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", url, resp.Status)
	}
	return io.ReadAll(resp.Body)
}

// takeEureka gives the checker each application of an answer that has a name which
// callers ask for.
func (s *soak) takeEureka(a answer, path string, body []byte, accept string) {
	applications, err := readApplications(body, accept == "application/json")
	if err != nil {
		s.check.violate(a, fmt.Sprintf("%s as %s cannot be read: %v: %.300s", path, accept, err, body))
		return
	}
	for _, app := range applications {
		for _, name := range names {
			if strings.EqualFold(name.asked, app.Name) {
				a.asked, a.resp = name.asked, app.answer()
				s.check.takeLeak(a)
			}
		}
	}
}

// answer returns the application as a routed answer of the Polaris protocol, as far as
// leaks can be seen in it. What a delta deletes, the address had before.
func (app application) answer() *apiservice.DiscoverResponse {
	resp := &apiservice.DiscoverResponse{Service: &apiservice.Service{Revision: wrapperspb.String(revisionPrefix + "eureka")}}
	for _, i := range app.Instance {
		if i.Action == "DELETED" {
			continue
		}
		resp.Instances = append(resp.Instances, &apiservice.Instance{
			Id: wrapperspb.String(i.ID), Metadata: i.Metadata, Location: &apimodel.Location{},
		})
	}
	return resp
}
