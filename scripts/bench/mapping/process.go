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

// liveHeap is what is in use after a collection, which gives the rest back to
// the system.
func liveHeap() uint64 {
	runtime.GC() // finishes what the last one swept
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// memory reads a size of this process, VmRSS or its peak VmHWM, in bytes; it is
// 0 on systems without /proc.
func memory(key string) uint64 {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return 0
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var kb uint64
		if rest, is := strings.CutPrefix(lines.Text(), key+":"); is {
			fmt.Sscan(rest, &kb)
			return kb << 10
		}
	}
	return 0
}

// resetPeak makes VmHWM start again at VmRSS.
func resetPeak() { _ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) }

// cpuTime is that of a clock: of the process, or of the thread that asks.
func cpuTime(clock int32) time.Duration {
	var t unix.Timespec
	_ = unix.ClockGettime(clock, &t)
	return time.Duration(t.Nano())
}

func megabytes(bytes uint64) string { return fmt.Sprintf("%d MB", bytes>>20) }
