package main

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Bounds of what is kept for one target, so that the repository stays small and
// make test stays quick.
const (
	mostInputs = 12
	mostSize   = 16 << 10 // of one file
	mostTried  = 400      // the smallest ones
)

func keepAll(targets []target, cache string) error {
	if cache == "" {
		out, err := exec.Command("go", "list", "-m", "-f", "{{.Path}}").Output()
		goCache, errCache := exec.Command("go", "env", "GOCACHE").Output()
		if err = errors.Join(err, errCache); err != nil {
			return err
		}
		cache = filepath.Join(strings.TrimSpace(string(goCache)), "fuzz", strings.TrimSpace(string(out)))
	}
	temp, err := os.MkdirTemp("", "fuzz")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	for _, t := range targets {
		k := keeper{target: t, temp: temp, covered: map[string]bool{}}
		if err := k.keep(filepath.Join(cache, t.dir, t.name)); err != nil {
			return fmt.Errorf("%s: %w", t, err)
		}
	}
	return nil
}

// keeper chooses inputs of one target.
type keeper struct {
	target
	temp    string
	program string          // the package's tests
	covered map[string]bool // blocks of statements
}

// keep goes through the inputs of a directory, the smallest first. It keeps an input
// that runs a block of statements that neither the seeds nor the inputs kept before
// run.
func (k *keeper) keep(dir string) error {
	inputs, err := candidates(dir)
	if err != nil || len(inputs) == 0 {
		return err
	}
	if k.program, err = filepath.Abs(filepath.Join(k.temp, "tests")); err != nil {
		return err
	}
	build := exec.Command("go", "test", "-c", "-cover", "-coverpkg=./...", "-o", k.program, "./"+k.dir)
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	if _, err := k.covers("^" + k.name + "$"); err != nil {
		return err
	}
	old, err := os.ReadDir(k.seeds())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	room := mostInputs - len(old)
	for _, input := range inputs {
		if room <= 0 {
			break
		}
		kept, err := k.try(input)
		if err != nil {
			return err
		}
		if kept {
			room--
		}
	}
	now, err := os.ReadDir(k.seeds())
	fmt.Printf("%s: %d interesting inputs, %d kept before, %d now\n", k.target, len(inputs), len(old), len(now))
	return err
}

type input struct {
	path string
	size int64
}

// candidates returns the files of a directory, the smallest first.
func candidates(dir string) (out []input, err error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return nil, err
		}
		if info.Size() <= mostSize {
			out = append(out, input{filepath.Join(dir, e.Name()), info.Size()})
		}
	}
	slices.SortFunc(out, func(a, b input) int { return cmp.Or(cmp.Compare(a.size, b.size), cmp.Compare(a.path, b.path)) })
	return out[:min(len(out), mostTried)], err
}

// try puts an input among the seeds, and takes it away again if it covers nothing
// new.
func (k *keeper) try(candidate input) (kept bool, err error) {
	data, err := os.ReadFile(candidate.path)
	if err != nil {
		return false, err
	}
	name := filepath.Base(candidate.path)
	seed := filepath.Join(k.seeds(), name)
	if _, err := os.Stat(seed); err == nil {
		return false, nil
	}
	if err := os.MkdirAll(k.seeds(), 0o755); err != nil {
		return false, err
	}
	if err := os.WriteFile(seed, data, 0o644); err != nil {
		return false, err
	}
	kept, err = k.covers("^" + k.name + "$/^" + name + "$")
	if !kept && err == nil {
		return false, os.Remove(seed)
	}
	return kept, err
}

// covers runs tests, and reports whether they run statements that were not run
// before.
func (k *keeper) covers(tests string) (more bool, err error) {
	profile := filepath.Join(k.temp, "profile")
	cmd := exec.Command(k.program, "-test.run="+tests, "-test.coverprofile="+profile)
	cmd.Dir = k.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return false, fmt.Errorf("%s: %w\n%s", tests, err, out)
	}
	data, err := os.ReadFile(profile)
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
		block, count, _ := strings.Cut(lines.Text(), " ")
		if !strings.HasSuffix(count, " 0") && !k.covered[block] {
			k.covered[block], more = true, true
		}
	}
	return more, err
}
