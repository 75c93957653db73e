package setrouter

import (
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// All that the stock server lists stays in, but for the proxy that plugin/router
// stands in for.
func TestEveryStockPluginIsIn(t *testing.T) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/polarismesh/polaris").Output()
	if err != nil {
		t.Fatal(err)
	}
	stock := imports(t, filepath.Join(strings.TrimSpace(string(dir)), "plugin.go"))
	ours := imports(t, "registry.go")
	const replaced = "github.com/polarismesh/polaris/service/interceptor"
	if len(stock) < 20 || !slices.Contains(stock, replaced) {
		t.Fatalf("the stock list is not as expected: %q", stock)
	}
	for _, path := range stock {
		if slices.Contains(ours, path) == (path == replaced) {
			t.Errorf("%s: in registry.go is %t", path, path != replaced)
		}
	}
}

func imports(t *testing.T, file string) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, i := range f.Imports {
		path, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, path)
	}
	return out
}
