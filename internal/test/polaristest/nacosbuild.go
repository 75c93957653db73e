package polaristest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// NacosKind is a Nacos SDK with its version, and how its program is built.
type NacosKind struct {
	Name    string
	Version string
	// Language is go, java, python or node. It decides where packages come from.
	Language string
	// Build builds the program into a folder of its own, from the folder scripts/clients,
	// and returns the command that runs the program. All paths are absolute.
	Build func(clients, dir, version string) ([]string, error)
}

// NacosKinds returns the SDKs that the programs are written for.
func NacosKinds() []NacosKind {
	return []NacosKind{
		{"nacos-client", "1.4.8", "java", buildNacosJava},
		{"nacos-client", "2.5.1", "java", buildNacosJava},
		{"nacos-client", "3.2.1-2026.03.30", "java", buildNacosJava},
		{"nacos-sdk-go", "2.3.2", "go", buildNacosGo},
		{"nacos-sdk-python", "1.0.0", "python", buildNacosPython},
		{"nacos-sdk-python", "2.0.11", "python", buildNacosPython},
		{"nacos-sdk-python", "3.2.0", "python", buildNacosPython},
		{"npm nacos", "2.6.3", "node", buildNacosNode},
	}
}

// String returns the name and the version.
func (k NacosKind) String() string { return k.Name + " " + k.Version }

func buildNacosGo(clients, dir, _ string) ([]string, error) {
	binary := filepath.Join(dir, "nacos")
	return []string{binary}, Build(filepath.Join(clients, "nacos"), binary, ".")
}

func buildNacosJava(clients, dir, version string) ([]string, error) {
	source, libraries := filepath.Join(clients, "nacos-java"), filepath.Join(dir, "lib")
	path := filepath.Join(libraries, "*")
	err := run("", "mvn", "-q", "-B", "-f", source, "-Dnacos.version="+version, "dependency:copy-dependencies", "-DoutputDirectory="+libraries)
	if err != nil {
		return nil, err
	}
	return []string{"java", "-XX:TieredStopAtLevel=1", "-Xmx256m", "-Duser.home=" + dir, "-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
		"-cp", path + string(os.PathListSeparator) + dir, "Client",
	}, run("", "javac", "-d", dir, "-cp", path, filepath.Join(source, "Client.java"))
}

func buildNacosPython(clients, dir, version string) ([]string, error) {
	source := filepath.Join(clients, "nacos-python")
	bin, err := Python(dir, filepath.Join(source, "requirements-"+version+".txt"))
	return []string{filepath.Join(bin, "python"), filepath.Join(source, "client.py")}, err
}

func buildNacosNode(clients, dir, _ string) ([]string, error) {
	return buildNode(clients, "nacos-node", dir)
}

// buildNode builds a program of scripts/clients for Node. Node finds packages beside the
// program, so a copy of it runs.
func buildNode(clients, program, dir string) ([]string, error) {
	for _, name := range []string{"package.json", "client.js"} {
		text, err := os.ReadFile(filepath.Join(clients, program, name))
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			return nil, err
		}
	}
	return []string{"node", filepath.Join(dir, "client.js")}, run(dir, "npm", "install", "--silent", "--no-audit", "--no-fund", "--no-package-lock")
}

// run runs a command in a folder. Its error has what the command printed.
func run(dir, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%v: %w\n%s", cmd.Args, err, out)
	}
	return nil
}
