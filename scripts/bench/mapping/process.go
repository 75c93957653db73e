package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// liveHeap returns how much of the heap is in use after a collection. The collection
// gives the rest back to the system.
func liveHeap() uint64 {
	runtime.GC() // finishes the sweep of the last collection
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// memory returns a size of this process in bytes: VmRSS, or its peak VmHWM. It is 0
// on systems without /proc.
func memory(key string) uint64 {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return 0
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var kb uint64
		if rest, ok := strings.CutPrefix(lines.Text(), key+":"); ok {
			fmt.Sscan(rest, &kb)
			return kb << 10
		}
	}
	return 0
}

// resetPeak makes VmHWM start again at VmRSS.
func resetPeak() { _ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) }

// cpuTime returns the CPU time by a clock: of the process, or of the calling thread.
func cpuTime(clock int32) time.Duration {
	var t unix.Timespec
	_ = unix.ClockGettime(clock, &t)
	return time.Duration(t.Nano())
}

func megabytes(bytes uint64) string { return fmt.Sprintf("%d MB", bytes>>20) }
