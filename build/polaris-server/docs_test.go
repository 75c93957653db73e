package main

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/polaris-contrib/setrouter/internal/test/needs"
	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
	"github.com/polaris-contrib/setrouter/internal/test/sandbox"
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

// The commands of the operators' pages do what the pages say, in their order, in the
// sandbox.
func TestOperatorsPages(t *testing.T) {
	for _, pages := range [][]string{{"faq", "operations"}, {"rollout"}} { // faq leaves all as it was
		t.Run(pages[0], func(t *testing.T) {
			s := startSandbox(t, sandbox.Shop)
			shopIsKnown(t, s)
			for _, page := range pages {
				runPage(t, "docs/"+page+".md", map[string]func(string) string{
					"console incident": func(block string) string { return runBlock(t, s.Server, block) },
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

// shopIsKnown waits until every caller has asked for its services, and has a list.
func shopIsKnown(t *testing.T, s *sandbox.Sandbox) {
	t.Helper()
	wait(t, func() error {
		lists, err := s.Lists()
		for _, list := range lists {
			if !list.OK {
				err = errorf("%s: %s", list.Service, list.Text)
			}
		}
		return err
	})
}

// asksServer tells a command that only looks at the running server.
var asksServer = regexp.MustCompile(`^(setctl (explain|who|status|plan|drill)|sh \S+/ask\.sh)\b`)

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
			settle(t, s, command)
		}
		out.WriteString("$ " + run + "\n" + got)
	}
	return strings.TrimSuffix(out.String(), "\n")
}

// settle loads the files now, for the next look. One that the page breaks is refused. SDKs
// have polled once more where a command moves callers.
func settle(t *testing.T, s *polaristest.Server, command string) {
	t.Helper()
	if code, out := setctl(t, s, "reload"); code != 0 && !strings.Contains(out, "carts.yaml") {
		t.Fatal(out)
	}
	switch {
	case strings.HasPrefix(command, "sandbox on"), strings.HasPrefix(command, "setctl evacuate --end"):
		time.Sleep(20 * time.Second) // the hold-down is over
	case strings.HasPrefix(command, "sandbox"), strings.HasPrefix(command, "setctl evacuate"):
		time.Sleep(7 * time.Second)
	}
}

func shell(s *polaristest.Server, command string) (string, error) {
	if _, err := os.Stat(filepath.Join(s.Dir, "env")); err == nil { // a sandbox
		command = ". ./env\n" + command
	}
	cmd := exec.Command("sh", "-c", command)
	cmd.Dir = s.Dir
	cmd.Env = append(os.Environ(), "SETROUTER_SERVER="+s.AdminURL, "POLARIS_HTTP="+s.HTTPAddr, "LC_ALL=C", "PATH="+filepath.Dir(setctlBinary)+string(os.PathListSeparator)+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	return string(out), err
}
