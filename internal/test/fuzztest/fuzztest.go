// Package fuzztest has what fuzz targets have in common: bounds of time and memory,
// checks of outputs, and inputs to begin with.
package fuzztest

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/metrics"
	"strconv"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/polaris-contrib/setrouter/internal/strict"
)

// Bounds of what an input may cost. Processor time counts and not the time of a
// clock, because machines are busy.
const (
	mostTime      = 10 * time.Second
	mostBytes     = 64 << 20 // allocated, for an empty input
	mostBytesEach = 64 << 10 // allocated, for each byte of the input
)

// Bounded runs f for an input of size bytes, and fails the test if f takes too much
// time or memory.
func Bounded(t testing.TB, size int, f func()) {
	t.Helper()
	bytesBefore, timeBefore := allocated(), processorTime()
	f()
	if n, most := allocated()-bytesBefore, uint64(mostBytes+size*mostBytesEach); n > most {
		t.Errorf("%d bytes of input took %d bytes of memory", size, n)
	}
	if d := processorTime() - timeBefore; d > mostTime {
		t.Errorf("%d bytes of input took %v", size, d)
	}
}

func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

func processorTime() time.Duration {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// Problems checks that each problem names a line and column of the file, and that
// its text is fit for a terminal and a log.
func Problems(t testing.TB, data []byte, list []strict.Problem) {
	t.Helper()
	lines := LinesIn(data)
	for _, p := range list {
		if p.Line < 0 || p.Line > lines || (p.Line == 0) != (p.Col == 0) || p.Col < 0 || p.Col > len(data)+1 {
			t.Errorf("%d:%d is no place in a file of %d lines: %s", p.Line, p.Col, lines, p)
		}
		Printable(t, p.String())
	}
}

// LinesIn counts lines as YAML does, which has further line breaks.
func LinesIn(data []byte) int {
	lines := 1 - bytes.Count(data, []byte("\r\n"))
	for _, end := range []string{"\n", "\r", "\u0085", "\u2028", "\u2029"} {
		lines += bytes.Count(data, []byte(end))
	}
	return lines
}

// Printable checks that a text is one line, and moves no cursor.
func Printable(t testing.TB, text string) {
	t.Helper()
	if !utf8.ValidString(text) {
		t.Errorf("%q is no UTF-8", text)
	}
	for _, r := range text {
		if r != ' ' && !strconv.IsPrint(r) {
			t.Errorf("%q has %q in it", text, r)
			return
		}
	}
}

// AddNoise adds random bytes as inputs, the same each time. Targets that are rapid
// properties need them: each draw takes some of the bytes.
func AddNoise(f *testing.F, size int) {
	for n := range 4 {
		source := rand.NewPCG(7, uint64(n))
		noise := make([]byte, size)
		for i := range noise {
			noise[i] = byte(source.Uint64())
		}
		f.Add(noise)
	}
}

// Texts returns the contents of the files that match patterns below the top of the
// repository, as inputs that mean something. Each pattern must match a file.
func Texts(f *testing.F, patterns ...string) (texts []string) {
	f.Helper()
	for _, pattern := range patterns {
		names, err := filepath.Glob(filepath.Join(top(f), pattern))
		if err != nil || len(names) == 0 {
			f.Fatalf("%s: no file, %v", pattern, err)
		}
		for _, name := range names {
			data, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			texts = append(texts, string(data))
		}
	}
	return texts
}

func top(f *testing.F) string {
	dir, err := os.Getwd()
	for err == nil && dir != filepath.Dir(dir) {
		if _, missing := os.Stat(filepath.Join(dir, "go.mod")); missing == nil {
			return dir
		}
		dir = filepath.Dir(dir)
	}
	f.Fatal("no go.mod above")
	return ""
}
