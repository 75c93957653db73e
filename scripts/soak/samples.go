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

// sample is what a process uses at a moment.
type sample struct {
	time                  time.Time
	megabytes, goroutines float64
}

// samples are the samples of each process of each node. They are safe for
// concurrent use.
type samples struct {
	mu        sync.Mutex
	byProcess map[process][]sample
}

type process struct{ node, life int }

func newSamples() *samples { return &samples{byProcess: map[process][]sample{}} }

const sampleInterval = time.Second

func (m *samples) watch(ctx context.Context, s *soak) {
	for ctx.Err() == nil {
		for _, n := range s.nodes {
			server, life := n.current()
			if !life.up {
				continue
			}
			taken := sample{time: time.Now(), megabytes: resident(server.PID())}
			body, err := get(ctx, "http://"+server.HTTPAddr+"/metrics")
			if err != nil || taken.megabytes == 0 {
				continue
			}
			taken.goroutines = metric(body, "go_goroutines")
			m.mu.Lock()
			p := process{n.number, life.number}
			m.byProcess[p] = append(m.byProcess[p], taken)
			m.mu.Unlock()
		}
		select {
		case <-ctx.Done():
		case <-time.After(sampleInterval):
		}
	}
}

// resident returns the resident memory of a process in MB, and 0 if there is no
// such process.
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
		if value, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			v, _ := strconv.ParseFloat(value, 64)
			return v
		}
	}
	return 0
}

// Bounds of growth from the second quarter of a process's life to the last. They
// allow for the garbage collector and for connections. A life that is shorter than
// shortestLife is not judged.
const (
	shortestLife   = 4 * time.Minute
	moreMegabytes  = 1.2 // times, and
	someMegabytes  = 25
	moreGoroutines = 1.1 // times, and
	someGoroutines = 30
)

// trend is how memory and goroutines of a process developed.
type trend struct {
	process
	lived        time.Duration
	quarters     [4]sample // medians
	judged, grew bool
}

func (m *samples) trends() (out []trend) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for p, list := range m.byProcess {
		if len(list) < 8 {
			continue
		}
		t := trend{process: p, lived: list[len(list)-1].time.Sub(list[0].time)}
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
