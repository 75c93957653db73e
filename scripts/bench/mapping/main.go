package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"runtime/pprof"
	"time"

	"github.com/gaissmai/bart"

	"github.com/polaris-contrib/setrouter/internal/mappingtest"
	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

func rss(key string) string {
	b, _ := os.ReadFile("/proc/self/status")
	for _, l := range strings.Split(string(b), "\n") {
		if strings.HasPrefix(l, key) {
			return strings.TrimSpace(strings.TrimPrefix(l, key+":"))
		}
	}
	return ""
}

func live() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func main() {
	dir := os.Args[2]
	n := 1000000
	switch os.Args[1] {
	case "gen":
		es := mappingtest.Entries(n)
		os.WriteFile(dir+"/m.csv", mappingtest.CSV(es), 0o600)
		os.WriteFile(dir+"/m.yaml", mappingtest.YAML(es), 0o600)
	case "bare":
		es := mappingtest.Entries(n)
		a := live()
		t := &bart.Table[*int]{}
		x := new(int)
		start := time.Now()
		for _, e := range es {
			t.Insert(e.Prefix, x)
		}
		fmt.Println(time.Since(start), float64(live()-a)/float64(n), "B/entry")
		runtime.KeepAlive(t)
		a = live()
		t2 := &bart.Table[[2]uint64]{}
		for _, e := range es {
			t2.Insert(e.Prefix, [2]uint64{})
		}
		fmt.Println(float64(live()-a)/float64(n), "B/entry with 16 bytes")
		runtime.KeepAlive(t2)
		runtime.KeepAlive(es)
	case "m.csv", "m.yaml":
		base := live()
		if len(os.Args) > 3 {
			p, _ := os.Create(os.Args[3])
			pprof.StartCPUProfile(p)
			defer pprof.StopCPUProfile()
		}
		start := time.Now()
		var problems strict.Problems
		file, _ := strict.ReadFile(dir+"/"+os.Args[1], &problems)
		read := time.Since(start)
		t := location.LoadMapping([]strict.File{file}, &problems)
		took := time.Since(start)
		if problems.Err() != nil {
			fmt.Println(len(problems.List()), problems.List()[0])
			return
		}
		size := len(file.Data)
		file = strict.File{}
		l := live()
		fmt.Println(os.Args[1], "read", read, "load", took, "entries", t.Len(), "file", size>>20, "MB; live", float64(l-base)/float64(t.Len()), "B/entry, peak", rss("VmHWM"))
		start = time.Now()
		c := 0
		for range t.All() {
			c++
		}
		fmt.Println("All", time.Since(start))
		runtime.KeepAlive(t)
	}
}
