package main

import (
	"bufio"
	"bytes"
	"cmp"
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
	lived        time.Duration
	quarters     [4]sample // medians
	judged, grew bool
}

func (m *samples) trends() (out []trend) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for p, list := range m.of {
		if len(list) < 8 {
			continue
		}
		t := trend{process: p, lived: list[len(list)-1].at.Sub(list[0].at)}
		for n := range t.quarters {
			t.quarters[n] = median(list[n*len(list)/4 : (n+1)*len(list)/4])
		}
		before, after := t.quarters[1], t.quarters[3]
		t.judged = t.lived >= shortestLife
		t.grew = after.megabytes > before.megabytes*moreMegabytes+someMegabytes ||
			after.goroutines > before.goroutines*moreGoroutines+someGoroutines
		out = append(out, t)
	}
	slices.SortFunc(out, func(a, b trend) int { return cmp.Or(cmp.Compare(a.node, b.node), cmp.Compare(a.life, b.life)) })
	return out
}

func median(list []sample) sample {
	var megabytes, goroutines []float64
	for _, s := range list {
		megabytes, goroutines = append(megabytes, s.megabytes), append(goroutines, s.goroutines)
	}
	slices.Sort(megabytes)
	slices.Sort(goroutines)
	return sample{megabytes: megabytes[len(list)/2], goroutines: goroutines[len(list)/2]}
}
