package main

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/polaris-contrib/setrouter/internal/test/needs"
	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

var update = flag.Bool("update", false, "write the outputs in docs/ anew")

// What differs from run to run is compared by its shape.
var shapes = []struct {
	pattern *regexp.Regexp
	shape   string
}{
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT[0-9:.]+(Z|[+-]\d\d:\d\d)`), "TIME"},
	{regexp.MustCompile(`\b[0-9a-f]{8}\b`), "ID"},
	{regexp.MustCompile(`setrouter-[0-9a-f]{40}`), "REVISION"}, // times of registration are content, too
	{regexp.MustCompile(`\b[0-9a-f]{12}\b`), "DIGEST"},
	{regexp.MustCompile(`\b127\.0\.0\.1:\d+`), "NODE"},
	{regexp.MustCompile(`up for \S+,`), "up for D,"},
	{regexp.MustCompile(`loaded \S+ ago`), "loaded D ago"},
	{regexp.MustCompile(`\blast \S+ ago`), "last D ago"},
	{regexp.MustCompile(`callers of the last \S+`), "callers of the last D"},
}

func shape(s string) string {
	for _, x := range shapes {
		s = x.pattern.ReplaceAllString(s, x.shape)
	}
	return strings.Join(strings.Fields(s), " ")
}

// The commands of the operators' pages do what the pages say, in their order.
func TestOperatorsPages(t *testing.T) {
	for _, pages := range [][]string{{"faq", "operations"}, {"rollout"}} { // faq leaves all as it was
		t.Run(pages[0], func(t *testing.T) {
			server, console := start(t, polaristest.Options{Files: map[string]string{
				"conf/mapping/mapping.yaml": repoFile(t, "testdata/incident/mapping.yaml"),
				"conf/routing/routing.yaml": repoFile(t, "testdata/incident/routing.yaml"), "conf/routing/evacuate.yaml": repoFile(t, "build/conf/routing/evacuate.yaml"),
			}})
			incident(t, server, console)
			for _, page := range pages {
				runPage(t, "docs/"+page+".md", map[string]func(string) string{
					"console incident": func(block string) string { return runBlock(t, server, block) },
				})
				if *update && page != "rollout" {
					copyBlocks(t, "docs/"+page+".md", "docs/"+page+"-zh.md")
				}
			}
		})
	}
}

// The start page goes as printed, with the files of build/conf: the first rule, and
// then the stock server in the place of this one, and back.
func TestTour(t *testing.T) {
	needs.Program(t, "curl")
	const page, chinese = "docs/start.md", "docs/start-zh.md"
	files := map[string]string{ // those of other tests have nothing here
		"conf/mapping/mapping.yaml": "version: 1\nmappings: []\n",
		"conf/routing/routing.yaml": "version: 1\nrules: []\n",
	}
	for _, name := range []string{"conf/mapping/sample.yaml", "conf/routing/sample.yaml", "conf/routing/evacuate.yaml"} {
		files[name] = repoFile(t, "build/"+name)
	}
	for _, name := range []string{"mapping.yaml", "routing.yaml", "ask.sh", "register.sh"} {
		files["testdata/start/"+name] = repoFile(t, "testdata/start/"+name)
	}
	for _, name := range []string{"mapping.yaml", "routing.yaml"} {
		_, content, _ := strings.Cut(files["testdata/start/"+name], "version: 1")
		if !strings.Contains(repoFile(t, page), "version: 1"+content+"```") {
			t.Errorf("%s has another %s than testdata/start", page, name)
		}
	}
	server, _ := start(t, polaristest.Options{Files: files})
	here := strings.NewReplacer("bin/setctl", "setctl", "build/conf", "conf") // the page is read above build/
	swapped := func(binary string) {
		if err := server.Stop(); err != nil {
			t.Fatal(err)
		}
		server, _ = startBinary(t, binary, polaristest.Options{Replaces: server, Files: files})
	}
	run := func(block string) string { runBlock(t, server, here.Replace(block)); return block }
	runPage(t, page, map[string]func(string) string{
		"console tour":  run,
		"console stock": func(block string) string { swapped(stockServer(t)); return run(block) },
		"console back":  func(block string) string { swapped(serverBinary); return run(block) },
	})
	if *update {
		copyBlocks(t, page, chinese)
	}
}

// repoFile is the text of a file of this repository.
func repoFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// runPage runs the fenced blocks of a page, each by what is for its kind, and
// with -update puts into the page what they return.
func runPage(t *testing.T, page string, run map[string]func(block string) string) {
	t.Helper()
	parts := strings.Split(repoFile(t, page), "\n```")
	for i, part := range parts {
		if info, block, _ := strings.Cut(part, "\n"); i%2 == 1 && run[info] != nil {
			parts[i] = info + "\n" + run[info](block)
		}
	}
	if *update {
		if err := os.WriteFile(filepath.Join("../..", page), []byte(strings.Join(parts, "\n```")), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// incident registers the company's instances, and takes Shenzhen's orders down.
func incident(t *testing.T, server *polaristest.Server, console *polaristest.Console) {
	t.Helper()
	register(t, console,
		instance("orders", "10.1.20.1", "shop.order.sz"), instance("orders", "10.1.20.2", "shop.order.sz"), instance("orders", "10.2.20.1", "shop.order.gz"),
		instance("orders", "10.2.30.1", ""), instance("orders", "10.3.30.1", ""),
		instance("payments", "10.1.40.1", ""), instance("payments", "10.1.40.2", ""), instance("payments", "10.2.40.1", ""), instance("payments", "10.3.40.1", ""),
		instance("reports", "10.1.50.1", "shop.order.sz"), instance("reports", "10.2.50.1", "shop.order.gz"))
	for _, host := range []string{"10.1.20.1", "10.1.20.2"} {
		if err := console.Isolate(t.Context(), "default", "orders", host, true); err != nil {
			t.Fatal(err)
		}
	}
	wait(t, func() error {
		for service, n := range map[string]int{"orders": 5, "payments": 4, "reports": 2} {
			if code, out := setctl(t, server, "explain", "--caller", "10.1.10.7", "--service", "default/"+service); code != 0 || !strings.Contains(strings.SplitN(out, "\n", 2)[0], "of "+string(rune('0'+n))+" instances") {
				return errorf("%s: %s", service, out)
			}
		}
		if e := explained(t, server, "10.1.10.7", "orders"); e.Tier != "pool" {
			return errorf("tier %s", e.Tier)
		}
		return nil
	})
}

// asksServer tells a command that only looks at the running server.
var asksServer = regexp.MustCompile(`^(setctl (explain|who|status|plan)|sh \S+/ask\.sh)\b`)

// runBlock runs a block's commands and returns it with their output. One that
// only looks is asked until it says what the page says: servers follow a file
// within seconds.
func runBlock(t *testing.T, s *polaristest.Server, block string) string {
	t.Helper()
	var out strings.Builder
	for _, part := range strings.Split("\n"+block, "\n$ ")[1:] {
		command, want, _ := strings.Cut(part, "\n")
		run := command
		if strings.Contains(command, "--end ") {
			_, status := setctl(t, s, "status")
			id := regexp.MustCompile(`\b[0-9a-f]{8}\b`).FindString(status)
			run = regexp.MustCompile(`--end \S+`).ReplaceAllString(command, "--end "+id)
		}
		got, err := shell(s, run)
		looks := asksServer.MatchString(command)
		if looks {
			wait(t, func() error {
				if got, err = shell(s, run); err != nil || shape(got) != shape(want) && !*update {
					return errorf("$ %s: %v (-page +now):\n%s", command, err, cmp.Diff(strings.TrimSpace(want), strings.TrimSpace(got)))
				}
				return nil
			})
		} else if err != nil {
			t.Errorf("$ %s: %v\n%s", run, err, got)
		} else if shape(got) != shape(want) && !*update {
			t.Errorf("$ %s (-page +now):\n%s", command, cmp.Diff(strings.TrimSpace(want), strings.TrimSpace(got)))
		}
		if !looks && *update {
			settle(t, s)
		}
		out.WriteString("$ " + run + "\n" + got)
	}
	return strings.TrimSuffix(out.String(), "\n")
}

// settle loads the files now, for the next look. One that the page breaks is refused.
func settle(t *testing.T, s *polaristest.Server) {
	t.Helper()
	if code, out := setctl(t, s, "reload"); code != 0 && !strings.Contains(out, "carts.yaml") {
		t.Fatal(out)
	}
}

func shell(s *polaristest.Server, command string) (string, error) {
	cmd := exec.Command("sh", "-c", command)
	cmd.Dir = s.Dir
	cmd.Env = append(os.Environ(), "SETROUTER_SERVER="+s.AdminURL, "POLARIS_HTTP="+s.HTTPAddr, "LC_ALL=C", "PATH="+filepath.Dir(setctlBinary)+string(os.PathListSeparator)+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	return string(out), err
}
