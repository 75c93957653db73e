package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/polaris-contrib/setrouter/internal/test/needs"
	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// polarisJava is the version of the SDK that make test runs.
const polarisJava = "2.1.0.0"

var javaRows = []javaRow{
	{"own", "A caller: its own group; the group is isolated: the pool; the group is back: the group again", javaOwn},
	{"fault", "A fault in routing, `failOpen: false`: the list stays. The fault ends: the list of now", javaKeeps},
	{"first-ask", "A new process under the fault: no instance, and nothing on its disk. The fault ends: the list", javaFirstAsk},
	{"restart", "A new process under the fault, with a list on its disk: that list, which also stays on the disk, over a second restart, too. The fault ends: the list of now", javaRestart},
}

// TestClientsJava runs the unmodified polaris-java against a real server.
func TestClientsJava(t *testing.T) {
	runJava(t, polarisJava)
	if t.Failed() {
		return
	}
	table := "| polaris-java | |\n|---|---|\n"
	for _, row := range javaRows {
		table += "| " + row.says + " | `" + row.key + "` |\n"
	}
	compareTable(t, "<!-- by go test ./build/polaris-server -run TestClientsJava -update -->\n", table)
}

// javaRow is a row of the table of polaris-java. Each row has a service of its own.
type javaRow struct {
	key  string
	says string
	test func(t *testing.T, j *java, service string)
}

// java is what the rows need: a server, and how to start a program with the SDK.
type java struct {
	*faulty
	relay   *polaristest.Relay // the caller's
	program []string           // the command
}

func runJava(t *testing.T, version string) {
	needs.Program(t, "javac", "mvn")
	j := &java{faulty: startFaulty(t), program: buildJava(t, version)}
	var err error
	if j.relay, err = polaristest.NewRelay(shanghai, j.server.GRPCAddr); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.relay.Close() })
	for _, row := range javaRows {
		t.Run(row.key, func(t *testing.T) {
			t.Cleanup(func() { j.fault(t, false) })
			service := "novel-" + row.key
			registerNovel(t, j.console, service)
			row.test(t, j, service)
		})
	}
}

// buildJava builds scripts/clients/polaris-java with a version of the SDK, and returns
// the command that runs the program.
func buildJava(t *testing.T, version string) []string {
	t.Helper()
	const source = "../../scripts/clients/polaris-java"
	dir := t.TempDir()
	libraries := filepath.Join(dir, "lib")
	path := filepath.Join(libraries, "*")
	for _, command := range [][]string{
		{"mvn", "-q", "-B", "-f", source, "-Dpolaris.version=" + version, "dependency:copy-dependencies", "-DoutputDirectory=" + libraries},
		{"javac", "-d", dir, "-cp", path, filepath.Join(source, "Consumer.java")},
	} {
		if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", command, err, out)
		}
	}
	return []string{"java", "-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error", "-cp", path + string(os.PathListSeparator) + dir, "Consumer"}
}

func javaOwn(t *testing.T, j *java, service string) {
	c := j.start(t, service, t.TempDir())
	c.has(t, groupList)
	j.isolate(t, service, true)
	c.has(t, poolList)
	j.isolate(t, service, false)
	c.has(t, groupList)
}

func javaKeeps(t *testing.T, j *java, service string) {
	c := j.start(t, service, t.TempDir())
	c.has(t, groupList)
	j.fault(t, true)
	j.isolate(t, service, true)
	c.keeps(t, j, groupList)
	j.fault(t, false)
	c.has(t, poolList)
}

func javaFirstAsk(t *testing.T, j *java, service string) {
	dir := t.TempDir()
	j.fault(t, true)
	c := j.start(t, service, dir)
	c.keeps(t, j, nil)
	if files := onDisk(t, dir, service); len(files) > 0 {
		t.Errorf("on the disk of a client without a list: %v", files)
	}
	j.fault(t, false)
	c.has(t, groupList)
}

func javaRestart(t *testing.T, j *java, service string) {
	dir := t.TempDir()
	c := j.start(t, service, dir)
	c.has(t, groupList)
	var before map[string]string
	wait(t, func() error {
		if before = onDisk(t, dir, service); len(before) == 0 {
			return errorf("no list of %s in %s", service, dir)
		}
		return nil
	})
	j.fault(t, true)
	j.isolate(t, service, true)
	for range 2 {
		c.end(t)
		c = j.start(t, service, dir)
		c.keeps(t, j, groupList)
		if after := onDisk(t, dir, service); fmt.Sprint(after) != fmt.Sprint(before) {
			t.Errorf("on the disk: %v, before %v", after, before)
		}
	}
	j.fault(t, false)
	c.has(t, poolList)
}

// javaClient is a running program with the SDK.
type javaClient struct {
	in     io.Closer
	states chan javaState
}

// javaState is what the SDK has of the service.
type javaState struct {
	Hosts []string
	Error string
}

// start starts a program. It ends with the test, or by end.
func (j *java) start(t *testing.T, service, dir string) *javaClient {
	t.Helper()
	in, out := startProgram(t, j.program[0], append(slices.Clone(j.program[1:]), j.relay.Addr, service, dir, strconv.Itoa(polaristest.FreePort()))...)
	c := &javaClient{in, make(chan javaState)}
	go func() {
		defer close(c.states)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var s javaState
			if json.Unmarshal(lines.Bytes(), &s) == nil {
				select {
				case c.states <- s:
				case <-t.Context().Done():
					return
				}
			}
		}
	}()
	return c
}

// end ends the program, and waits for that.
func (c *javaClient) end(t *testing.T) {
	t.Helper()
	if err := c.in.Close(); err != nil {
		t.Fatal(err)
	}
	for range c.states {
	}
}

// has waits until the SDK has the hosts.
func (c *javaClient) has(t *testing.T, want []string) {
	t.Helper()
	c.until(t, fmt.Sprint(want), func(s javaState) bool { return s.Error == "" && slices.Equal(s.Hosts, want) })
}

// keeps reads states until the server has answered two requests by a fault, and some
// more, for the SDK to take the answer. Each state has the hosts, and nothing else.
func (c *javaClient) keeps(t *testing.T, j *java, want []string) {
	t.Helper()
	enough, after := j.faults(t)+2, 0
	c.until(t, fmt.Sprint(enough, " faults"), func(s javaState) bool {
		if !slices.Equal(s.Hosts, want) {
			t.Fatalf("under the fault the SDK has %+v, want %v", s, want)
		}
		if j.faults(t) >= enough {
			after++
		}
		return after > 3
	})
}

// until reads states until one is as wanted.
func (c *javaClient) until(t *testing.T, want string, done func(javaState) bool) {
	t.Helper()
	deadline := time.After(polaristest.Patience)
	var last javaState
	for {
		select {
		case s, running := <-c.states:
			if !running {
				t.Fatal("the Java client has ended")
			}
			if last = s; done(s) {
				return
			}
		case <-deadline:
			t.Fatalf("the Java client has %+v, want %s", last, want)
		}
	}
}

// onDisk returns the files by which the SDK remembers the instances of a service.
func onDisk(t *testing.T, dir, service string) map[string]string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*#"+service+"#instance.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files[filepath.Base(name)] = string(text)
	}
	return files
}
