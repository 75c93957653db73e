package main

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/polaris-contrib/setrouter/internal/livefile"
	"golang.org/x/sys/unix"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/internal/test/mappingtest"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

var loadTarget = map[string]string{"csv": "<= 3 s", "yaml": "<= 15 s"}

// measureFile loads a file, and then reloads it with one entry changed, by the
// server's own code.
func measureFile(dir, kind string, entries int) ([]row, error) {
	name := filepath.Join(dir, "mapping."+kind)
	queries := mappingtest.Queries(mappingtest.Entries(entries), 1<<20)
	empty := liveHeap()
	resetPeak()
	start, cpu := time.Now(), cpuTime(unix.CLOCK_PROCESS_CPUTIME_ID)
	table, err := load(name)
	if err != nil {
		return nil, err
	}
	took, cpu := time.Since(start), cpuTime(unix.CLOCK_PROCESS_CPUTIME_ID)-cpu
	peak := memory("VmHWM")
	perEntry := float64(liveHeap()-empty) / float64(table.Len())
	runtime.KeepAlive(table)
	rows := []row{
		{"load " + kind, fmt.Sprintf("%.2f s, CPU %.2f s", took.Seconds(), cpu.Seconds()), loadTarget[kind]},
		{"peak resident memory, load " + kind, megabytes(peak), ""},
		{"memory per entry, " + kind, fmt.Sprintf("%.0f bytes", perEntry), "<= 160 bytes"},
	}
	table = nil
	more, err := measureReload(name, kind, queries)
	return append(rows, more...), err
}

func measureReload(name, kind string, queries []netip.Addr) ([]row, error) {
	live, err := livefile.Open(livefile.Options[location.Table]{Globs: []string{name}, Load: loadTable})
	if err != nil {
		return nil, err
	}
	heap := liveHeap()
	quiet := p99(queries, live, func() { time.Sleep(3 * time.Second) })
	if err := os.Rename(name+".changed", name); err != nil {
		return nil, err
	}
	before := memory("VmRSS")
	resetPeak()
	reloading := p99(queries, live, func() { err = live.Reload(false) })
	if err != nil {
		return nil, err
	}
	peak, took := memory("VmHWM"), live.Status().Took
	again := p99(queries, live, func() { time.Sleep(3 * time.Second) })
	quiet = (quiet + again) / 2
	grown := int64(liveHeap()) - int64(heap)
	runtime.KeepAlive(live)
	runtime.KeepAlive(queries)
	return []row{
		{"reload, one entry changed, " + kind, fmt.Sprintf("%.2f s", took.Seconds()), ""},
		{"resident before, peak, after it", fmt.Sprintf("%s, %s, %s", megabytes(before), megabytes(peak), megabytes(memory("VmRSS"))), "returns"},
		{"live heap before and growth after it", fmt.Sprintf("%s, %d KB", megabytes(heap), grown>>10), "returns"},
		{"lookup p99 quiet, during reload", fmt.Sprintf("%d ns, %d ns", quiet.Nanoseconds(), reloading.Nanoseconds()), ""},
		{"lookup p99, ratio", fmt.Sprintf("%.2f", float64(reloading)/float64(quiet)), "<= 2"},
	}, nil
}

func loadTable(files []strict.File) (*location.Table, int, error) {
	var problems strict.Problems
	table := location.LoadMapping(files, &problems)
	return table, table.Len(), problems.Err()
}

// p99 returns the 99th percentile of the times of single lookups, one after the
// other, while something runs.
func p99(queries []netip.Addr, live *livefile.Live[location.Table], while func()) time.Duration {
	done := make(chan struct{})
	go func() {
		defer close(done)
		while()
	}()
	times := make([]time.Duration, 0, 1<<22)
	for i := 0; ; i++ {
		select {
		case <-done:
			slices.Sort(times)
			return times[len(times)*99/100]
		default:
		}
		start := time.Now()
		live.Get().Lookup(queries[i%len(queries)])
		took := time.Since(start)
		if len(times) < cap(times) {
			times = append(times, took)
		} else { // every lookup has the same chance to stay
			times[i%len(times)] = took
		}
	}
}
