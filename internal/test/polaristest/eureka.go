package polaristest

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// EurekaKind is a Eureka client with its version, and how its program is built.
type EurekaKind struct {
	Name    string
	Version string
	// Language is java, python or node. It decides where packages come from.
	Language string
	// HasFull is true if the client has a mode without deltas.
	HasFull bool
	// Build builds the program into a folder of its own, from the folder scripts/clients,
	// and returns the command that runs the program. All paths are absolute.
	Build func(clients, dir, version string) ([]string, error)
}

// EurekaKinds returns the clients that the programs are written for.
func EurekaKinds() []EurekaKind {
	return []EurekaKind{
		{"eureka-client", "1.10.18", "java", true, buildEurekaJava},
		{"eureka-client", "2.0.6", "java", true, buildEurekaJava},
		{"Spring Cloud", "4.1.4", "java", true, buildEurekaSpring},
		{"py-eureka-client", "0.13.3", "python", false, buildEurekaPython},
		{"eureka-js-client", "4.5.0", "node", true, buildEurekaNode},
	}
}

// String returns the name and the version.
func (k EurekaKind) String() string { return k.Name + " " + k.Version }

func buildEurekaJava(clients, dir, version string) ([]string, error) {
	transport := "eureka-client-jersey3"
	if version[0] == '1' { // eureka-client has its transport
		transport = "eureka-client"
	}
	return buildEurekaMaven(filepath.Join(clients, "eureka-java"), dir, "-Deureka.version="+version, "-Deureka.transport="+transport)
}

func buildEurekaSpring(clients, dir, _ string) ([]string, error) {
	return buildEurekaMaven(filepath.Join(clients, "spring-cloud-eureka"), dir)
}

func buildEurekaMaven(source, dir string, properties ...string) ([]string, error) {
	libraries := filepath.Join(dir, "lib")
	path := filepath.Join(libraries, "*")
	args := append([]string{"-q", "-B", "-f", source, "dependency:copy-dependencies", "-DoutputDirectory=" + libraries}, properties...)
	if err := run("", "mvn", args...); err != nil {
		return nil, err
	}
	return []string{"java", "-XX:TieredStopAtLevel=1", "-Xmx256m", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
		"-cp", path + string(os.PathListSeparator) + dir, "Client",
	}, run("", "javac", "-parameters", "-d", dir, "-cp", path, filepath.Join(source, "Client.java"))
}

func buildEurekaPython(clients, dir, _ string) ([]string, error) {
	source := filepath.Join(clients, "eureka-python")
	bin, err := Python(dir, filepath.Join(source, "requirements.txt"))
	return []string{filepath.Join(bin, "python"), filepath.Join(source, "client.py")}, err
}

func buildEurekaNode(clients, dir, _ string) ([]string, error) {
	return buildNode(clients, "eureka-node", dir)
}

// EurekaState is what a client has.
type EurekaState struct {
	At     time.Time `json:"-"`
	Hosts  []string
	Status string // of the client's own instance, where the program asks for it
}

// Eureka is a running program of scripts/clients with an unmodified Eureka client. Its
// methods may be called concurrently.
type Eureka struct {
	cmd  *exec.Cmd
	in   io.Closer
	done chan struct{} // closed when the process has ended

	mu     sync.Mutex
	states []EurekaState // that differ from the one before
	last   time.Time     // of all states
	status string
}

// StartEureka starts a program by its command. What the program prints on standard error
// goes to errs.
func StartEureka(command []string, errs io.Writer, dir string, args ...string) (*Eureka, error) {
	e := &Eureka{cmd: exec.Command(command[0], append(slices.Clone(command[1:]), args...)...), done: make(chan struct{})}
	e.cmd.Dir, e.cmd.Stderr, e.cmd.SysProcAttr = dir, errs, DieWithParent()
	in, err := e.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := e.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	e.in = in
	if err := e.cmd.Start(); err != nil {
		return nil, err
	}
	go e.read(out)
	return e, nil
}

func (e *Eureka) read(out io.Reader) {
	defer close(e.done)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		s := EurekaState{At: time.Now()}
		if json.Unmarshal(lines.Bytes(), &s) == nil {
			e.take(s)
		}
	}
	_ = e.cmd.Wait()
}

func (e *Eureka) take(s EurekaState) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.last = s.At
	if s.Status != "" {
		e.status = s.Status
	}
	if n := len(e.states); n == 0 || !slices.Equal(e.states[n-1].Hosts, s.Hosts) {
		e.states = append(e.states, s)
	}
}

// States returns what the client had, one state after the other; and when it last said
// what it has.
func (e *Eureka) States() ([]EurekaState, time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.states), e.last
}

// Status returns the last status of the client's own instance.
func (e *Eureka) Status() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.status
}

// Ended reports whether the process has ended.
func (e *Eureka) Ended() bool {
	select {
	case <-e.done:
		return true
	default:
		return false
	}
}

// Kill ends the program at once, as a crash does.
func (e *Eureka) Kill() {
	_ = e.cmd.Process.Kill()
	<-e.done
}

// Close ends the program, and waits for that.
func (e *Eureka) Close() {
	_ = e.in.Close()
	<-e.done
}
