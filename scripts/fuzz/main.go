// Command fuzz runs every fuzz target of the repository, each for a time, and stops
// at the first finding. With -keep it runs no target. It then puts interesting
// inputs of earlier runs beside the tests: those that run statements that no other
// input runs.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

func main() {
	duration := flag.Duration("time", 10*time.Minute, "for each target")
	only := flag.String("run", "", "regular expression of package/Target")
	parallel := flag.Int("parallel", 0, "workers; 0 is one for each processor")
	keeping := flag.Bool("keep", false, "keep interesting inputs of earlier runs as seeds, and run nothing")
	cache := flag.String("cache", "", "with -keep, where the fuzzer's inputs are; empty is Go's cache")
	flag.Parse()
	targets, err := find(*only)
	if err == nil && *keeping {
		err = keepAll(targets, *cache)
	} else if err == nil {
		err = run(targets, *duration, *parallel)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// target is a fuzz function of a package below the working directory.
type target struct {
	dir, name string
}

func (t target) String() string { return t.dir + "/" + t.name }

// seeds is where go test looks for inputs of the target.
func (t target) seeds() string { return filepath.Join(t.dir, "testdata", "fuzz", t.name) }

var declared = regexp.MustCompile(`(?m)^func (Fuzz\w+)\(f \*testing\.F\)`)

func find(only string) (targets []target, err error) {
	wanted, err := regexp.Compile(only)
	if err != nil {
		return nil, err
	}
	err = filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range declared.FindAllSubmatch(text, -1) {
			if t := (target{filepath.Dir(path), string(m[1])}); wanted.MatchString(t.String()) {
				targets = append(targets, t)
			}
		}
		return err
	})
	if err == nil && len(targets) == 0 {
		err = fmt.Errorf("no fuzz target matches %q", only)
	}
	return targets, err
}

var (
	progress = regexp.MustCompile(`execs: (\d+) .*total: (\d+)\)`)
	finding  = regexp.MustCompile(`(?:go test -run=|testing seed corpus entry: )(\S+)`)
)

func run(targets []target, duration time.Duration, parallel int) error {
	for _, t := range targets {
		// By default the fuzzer spends a minute on making an input of kilobytes
		// small, and does nothing else in that time.
		args := []string{"test", "-run=^$", "-fuzz=^" + t.name + "$", "-fuzztime=" + duration.String(), "-fuzzminimizetime=100x"}
		if parallel > 0 {
			args = append(args, fmt.Sprint("-parallel=", parallel))
		}
		out, err := exec.Command("go", append(args, "./"+t.dir)...).CombinedOutput()
		repeat := finding.FindSubmatch(out)
		// The fuzzer sometimes takes the end of its own time for a failure.
		if err != nil && (repeat != nil || !bytes.Contains(out, []byte("context deadline exceeded"))) {
			fmt.Printf("%s\n%s", t, out)
			if repeat != nil {
				return fmt.Errorf("%s has a finding, to repeat: go test ./%s -run '%s'", t, t.dir, repeat[1])
			}
			return fmt.Errorf("%s: %w", t, err)
		}
		runs, inputs := "0", "0"
		if all := progress.FindAllSubmatch(out, -1); all != nil {
			last := all[len(all)-1]
			runs, inputs = string(last[1]), string(last[2])
		}
		fmt.Printf("%s: %v, %s runs, %s interesting inputs\n", t, duration, runs, inputs)
	}
	return nil
}
