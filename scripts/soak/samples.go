package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// sample is what a process uses at a moment of its life.
type sample struct {
	at                    time.Time
	megabytes, goroutines float64
}

// samples are those of each process of each node. They are safe for concurrent
// use.
type samples struct {
	mu sync.Mutex
	of map[process][]sample
}

type process struct{ node, life int }

func newSamples() *samples { return &samples{of: map[process][]sample{}} }

const sampleInterval = time.Second

func (m *samples) watch(ctx context.Context, s *soak) {
	for ctx.Err() == nil {
		for _, n := range s.nodes {
			server, life := n.now()
			if !life.up {
				continue
			}
			one := sample{at: time.Now(), megabytes: resident(server.PID())}
			body, err := get(ctx, "http://"+server.HTTPAddr+"/metrics")
			if err != nil || one.megabytes == 0 {
				continue
			}
			one.goroutines = metric(body, "go_goroutines")
			m.mu.Lock()
			p := process{n.number, life.number}
			m.of[p] = append(m.of[p], one)
			m.mu.Unlock()
		}
		select {
		case <-ctx.Done():
		case <-time.After(sampleInterval):
		}
	}
}

// resident is the resident memory of a process in MB, 0 where there is none.
func resident(pid int) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0
	}
	pages, _ := strconv.Atoi(strings.Fields(string(text))[1])
	return float64(pages*os.Getpagesize()) / (1 << 20)
}

func metric(text []byte, name string) float64 {
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		if value, is := strings.CutPrefix(lines.Text(), name+" "); is {
			v, _ := strconv.ParseFloat(value, 64)
			return v
		}
	}
	return 0
}

// Bounds of growth from the second quarter of a process's life to the last: what
// the garbage collector and connections make of it, and no more. Shorter lives
// are not judged.
const (
	shortestLife   = 4 * time.Minute
	moreMegabytes  = 1.2 // times, and
	someMegabytes  = 25
	moreGoroutines = 1.1 // times, and
	someGoroutines = 30
)

// trend is how a process went.
type trend struct {
	process
	lived         time.Duration
	before, after sample // medians of the second and the last quarter
	judged, grew  bool
}

func (m *samples) trends() (out []trend) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for p, list := range m.of {
		if len(list) < 8 {
			continue
		}
		quarter := len(list) / 4
		t := trend{process: p, lived: list[len(list)-1].at.Sub(list[0].at)}
		t.before, t.after = median(list[quarter:2*quarter]), median(list[3*quarter:])
		t.judged = t.lived >= shortestLife
		t.grew = t.after.megabytes > t.before.megabytes*moreMegabytes+someMegabytes ||
			t.after.goroutines > t.before.goroutines*moreGoroutines+someGoroutines
		out = append(out, t)
	}
	slices.SortFunc(out, func(a, b trend) int { return (a.node-b.node)*10000 + a.life - b.life })
	return out
}

func median(list []sample) (m sample) {
	var megabytes, goroutines []float64
	for _, s := range list {
		megabytes, goroutines = append(megabytes, s.megabytes), append(goroutines, s.goroutines)
	}
	slices.Sort(megabytes)
	slices.Sort(goroutines)
	return sample{megabytes: megabytes[len(list)/2], goroutines: goroutines[len(list)/2]}
}
