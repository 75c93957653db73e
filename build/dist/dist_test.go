//go:build dist

package dist

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"debug/elf"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/polaris-contrib/setrouter/internal/test/needs"
)

// release is what make dist has built.
type release struct {
	version string            // v0.9.0
	clone   string            // the checkout
	files   map[string]string // by name, the path of each file
	time    time.Time         // of the commit
}

// Two clones of one commit give the same bytes, wherever they are and whatever is in
// the caches; and these are what RELEASE.md says.
func TestDist(t *testing.T) {
	needs.Program(t, "buildah", "git", "make", "qemu-aarch64-static")
	here, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	one := build(t, here, "one", "TZ=UTC", "LC_ALL=C", 0o022)
	two := build(t, one.clone, "another/folder", "TZ=Asia/Shanghai", "LC_ALL=C.UTF-8", 0o077)
	if a, b := slices.Sorted(maps.Keys(one.files)), slices.Sorted(maps.Keys(two.files)); !slices.Equal(a, b) {
		t.Fatalf("one build has %q, the other one %q", a, b)
	}
	for name := range one.files {
		if sum(t, one.files[name]) != sum(t, two.files[name]) {
			t.Errorf("%s differs", name)
		}
	}
	t.Run("names and sums", one.testSums)
	t.Run("programs", one.testPrograms)
	t.Run("SBOM", one.testSBOM)
	t.Run("image", one.testImage)
	t.Run("chart", one.testChart)
	t.Run("manifests", one.testManifests)
}

// build makes a release in a clone of a repository, with a build cache of its own. Modules come from
// the cache that is there: their sums are checked. The version is the first one of
// CHANGELOG.md.
func build(t *testing.T, from, name, zone, locale string, mask int) *release {
	t.Helper()
	dir := t.TempDir()
	r := &release{clone: filepath.Join(dir, name), files: map[string]string{}}
	shell(t, dir, nil, fmt.Sprintf("umask %03o && git clone -q --no-tags file://%s %s", mask, from, name))
	changelog, err := os.ReadFile(filepath.Join(r.clone, "CHANGELOG.md"))
	if err != nil {
		t.Fatal(err)
	}
	r.version = regexp.MustCompile(`(?m)^## (v\S+)`).FindStringSubmatch(string(changelog))[1]
	began := time.Now()
	cache := filepath.Join(dir, "cache")
	shell(t, r.clone, []string{zone, locale, "GOCACHE=" + cache}, fmt.Sprintf("umask %03o && make dist VERSION=%s", mask, r.version))
	t.Logf("%s: built in %s", name, time.Since(began).Round(time.Second))
	if err := os.RemoveAll(cache); err != nil {
		t.Fatal(err)
	}
	var seconds int64
	if _, err := fmt.Sscan(shell(t, r.clone, nil, "git log -1 --format=%ct"), &seconds); err != nil {
		t.Fatal(err)
	}
	r.time = time.Unix(seconds, 0)
	entries, err := os.ReadDir(filepath.Join(r.clone, "bin/dist", r.version))
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		r.files[entry.Name()] = filepath.Join(r.clone, "bin/dist", r.version, entry.Name())
	}
	return r
}

// shell runs a command in a directory, and returns what it printed.
func shell(t *testing.T, dir string, environment []string, command string) string {
	t.Helper()
	cmd := exec.Command("sh", "-c", command)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), environment...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", command, err, out)
	}
	return strings.TrimSpace(string(out))
}

func sum(t *testing.T, name string) string {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", hash.Sum(nil))
}

// programs are the commands of build/.
func (r *release) programs(t *testing.T) []string {
	t.Helper()
	return strings.Fields(shell(t, r.clone, nil, `go list -f '{{if eq .Name "main"}}{{.Dir}}{{end}}' ./build/... | sed '/^$/d; s:.*/::'`))
}

// testSums compares the names with those of RELEASE.md, and the sums with the files.
func (r *release) testSums(t *testing.T) {
	v := r.version
	want := []string{"BUILD.txt", "SHA256SUMS", "setrouter-" + v[1:] + ".tgz", "setrouter-alerts_" + v + ".yaml", "setrouter-dashboard_" + v + ".json",
		"setrouter-image_" + v + ".tar", "setrouter-manifests_" + v + ".tar.gz"}
	for _, arch := range []string{"amd64", "arm64"} {
		want = append(want, "setrouter_"+v+"_linux_"+arch+".tar.gz")
		for _, program := range r.programs(t) {
			want = append(want, program+"_"+v+"_linux_"+arch+".cdx.json")
		}
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(r.files))); diff != "" {
		t.Errorf("the files of a release (-want +got):\n%s", diff)
	}
	var sums strings.Builder
	for _, name := range slices.Sorted(maps.Keys(r.files)) {
		if name != "SHA256SUMS" {
			fmt.Fprintf(&sums, "%s  %s\n", sum(t, r.files[name]), name)
		}
	}
	if diff := cmp.Diff(sums.String(), r.read(t, "SHA256SUMS")); diff != "" {
		t.Errorf("the sums (-want +got):\n%s", diff)
	}
}

func (r *release) read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(r.files[name])
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// unpack unpacks an archive, and holds each entry to what makes archives equal.
func (r *release) unpack(t *testing.T, name string) (dir string) {
	t.Helper()
	file, err := os.Open(r.files[name])
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var text io.Reader = file
	if strings.HasSuffix(name, "gz") {
		if text, err = gzip.NewReader(file); err != nil {
			t.Fatal(err)
		}
	}
	dir = t.TempDir()
	for entries := tar.NewReader(text); ; {
		h, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return dir
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if mode := h.FileInfo().Mode().Perm(); h.Uid != 0 || h.Gid != 0 || h.Uname+h.Gname != "" || !h.ModTime.Equal(r.time) || (mode != 0o755 && mode != 0o644) {
			t.Errorf("%s: %s is of %d:%d %q, of %s, with mode %o; expected root, %s, 755 or 644", name, h.Name, h.Uid, h.Gid, h.Uname+h.Gname, h.ModTime, mode, r.time)
		}
		target := filepath.Join(dir, filepath.FromSlash(path.Clean(h.Name)))
		if h.FileInfo().IsDir() {
			err = os.MkdirAll(target, 0o755)
		} else {
			data, errRead := io.ReadAll(entries)
			err = errors.Join(errRead, os.MkdirAll(filepath.Dir(target), 0o755), os.WriteFile(target, data, h.FileInfo().Mode()))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// testPrograms runs the programs of both architectures: those of arm64 in an emulator.
func (r *release) testPrograms(t *testing.T) {
	for arch, machine := range map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64} {
		name := "setrouter_" + r.version + "_linux_" + arch
		dir := filepath.Join(r.unpack(t, name+".tar.gz"), name)
		emulator := ""
		if arch == "arm64" {
			emulator = "qemu-aarch64-static "
		}
		for _, program := range r.programs(t) {
			f, err := elf.Open(filepath.Join(dir, program))
			if err != nil {
				t.Fatal(err)
			}
			isStatic := !slices.ContainsFunc(f.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP })
			if f.Machine != machine || !isStatic {
				t.Errorf("%s of %s is for %v, static: %t", program, arch, f.Machine, isStatic)
			}
			f.Close()
		}
		for command, want := range map[string]string{
			"./polaris-server version":                     "version: v1.18.1+setrouter." + r.version,
			"./setctl version":                             "setctl version " + r.version,
			"./setctl check conf/mapping/* conf/routing/*": "ok: 2 mapping files with 12 entries, 2 routing files with 8 rules and addresses",
		} {
			if got := shell(t, dir, nil, emulator+command+" 2>/dev/null"); got != want {
				t.Errorf("%s: %s: %q, want %q", arch, command, got, want)
			}
		}
		plugins := shell(t, dir, nil, emulator+"./polaris-server plugins 2>/dev/null")
		if own := strings.Count(plugins, " "+r.version+" "); own < 8 {
			t.Errorf("%s: %d plugins are of version %s:\n%s", arch, own, r.version, plugins)
		}
	}
}

func (r *release) testSBOM(t *testing.T) {
	for _, program := range r.programs(t) {
		for _, arch := range []string{"amd64", "arm64"} {
			name := program + "_" + r.version + "_linux_" + arch + ".cdx.json"
			text := r.read(t, name)
			var sbom struct {
				BOMFormat string
				Metadata  struct {
					Component struct{ Name, Version string }
				}
				Components []struct{ Name, Version string }
			}
			if err := json.Unmarshal([]byte(text), &sbom); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			components := map[string]string{}
			for _, c := range sbom.Components {
				components[c.Name] = c.Version
			}
			_, hasPolaris := components["github.com/polarismesh/polaris"]
			main := sbom.Metadata.Component
			if sbom.BOMFormat != "CycloneDX" || main.Name != "github.com/polaris-contrib/setrouter" || main.Version != r.version ||
				components["std"] == "" || hasPolaris != (program == "polaris-server") {
				t.Errorf("%s is a %s of %+v, with %v", name, sbom.BOMFormat, main, components)
			}
			if strings.Contains(text, r.clone) {
				t.Errorf("%s has the path of the checkout", name)
			}
		}
	}
}

// testImage reads the archive as a registry would get it.
func (r *release) testImage(t *testing.T) {
	dir := r.unpack(t, "setrouter-image_"+r.version+".tar")
	type descriptor struct {
		Digest   string
		Platform struct{ Architecture, OS string }
	}
	load := func(name string, into any) {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err == nil {
			err = json.Unmarshal(text, into)
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	blob := func(d descriptor) string { return "blobs/" + strings.ReplaceAll(d.Digest, ":", "/") }
	var top, index struct{ Manifests []descriptor }
	load("index.json", &top)
	if len(top.Manifests) != 1 {
		t.Fatalf("the archive has %d images, want one of two architectures", len(top.Manifests))
	}
	load(blob(top.Manifests[0]), &index)
	var arches []string
	for _, d := range index.Manifests {
		arches = append(arches, d.Platform.OS+"/"+d.Platform.Architecture)
		var manifest struct{ Config descriptor }
		load(blob(d), &manifest)
		var config struct {
			Architecture string
			Config       struct {
				User   string
				Labels map[string]string
			}
		}
		load(blob(manifest.Config), &config)
		if v := config.Config.Labels["org.opencontainers.image.version"]; v != r.version || config.Config.User != "65532:0" || config.Architecture != d.Platform.Architecture {
			t.Errorf("%s: version %q, user %q, architecture %q", d.Platform.Architecture, v, config.Config.User, config.Architecture)
		}
	}
	if !slices.Equal(arches, []string{"linux/amd64", "linux/arm64"}) {
		t.Errorf("the image is for %q", arches)
	}
}

// testChart has Helm itself read the chart.
func (r *release) testChart(t *testing.T) {
	name := "setrouter-" + r.version[1:] + ".tgz"
	r.unpack(t, name)
	shown := shell(t, r.clone, nil, "go -C scripts/tools tool helm.sh/helm/v3/cmd/helm show chart "+r.files[name])
	for _, want := range []string{"version: " + r.version[1:] + "\n", "appVersion: " + r.version + "\n"} {
		if !strings.Contains("\n"+shown+"\n", "\n"+want) {
			t.Errorf("the chart has no %q:\n%s", want, shown)
		}
	}
	rendered := shell(t, r.clone, nil, "go -C scripts/tools tool helm.sh/helm/v3/cmd/helm template setrouter --kube-version 1.30.0 "+r.files[name])
	if !strings.Contains(rendered, "setrouter:"+r.version) {
		t.Errorf("no image of version %s:\n%s", r.version, rendered)
	}
}

// testManifests builds the manifests by kustomize, and looks for the version in all.
func (r *release) testManifests(t *testing.T) {
	name := "setrouter-manifests_" + r.version
	dir := filepath.Join(r.unpack(t, name+".tar.gz"), name)
	built := shell(t, r.clone, nil, "go -C scripts/tools tool kustomize build "+filepath.Join(dir, "kubernetes/overlays/single"))
	for _, want := range []string{"image: setrouter:" + r.version + "\n", "# setrouter " + r.version + "\n", "For setrouter " + r.version + "."} {
		if !strings.Contains(built, want) {
			t.Errorf("the manifests have no %q", want)
		}
	}
	if alerts := r.read(t, "setrouter-alerts_"+r.version+".yaml"); !strings.HasPrefix(alerts, "# setrouter "+r.version+"\n") {
		t.Errorf("the alerts begin with %.60q", alerts)
	}
	var dashboard struct{ UID, Description string }
	if err := json.Unmarshal([]byte(r.read(t, "setrouter-dashboard_"+r.version+".json")), &dashboard); err != nil || dashboard.UID != "setrouter" || !strings.HasSuffix(dashboard.Description, " For setrouter "+r.version+".") {
		t.Errorf("the dashboard is %+v, %v", dashboard, err)
	}
}
