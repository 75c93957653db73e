//go:build kubernetes

package kubernetes

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/polaris-contrib/setrouter/internal/test/kubetest"
	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

const (
	scaleNodes = 100
	scalePods  = 5000
	scaleLags  = 1000
	writers    = 8
)

func scalePod(n int) kubetest.Pod {
	return kubetest.Pod{
		Namespace: "app", Name: fmt.Sprintf("epp-core-6d4cf56db6-%05d", n), Node: fmt.Sprintf("node-%d", n%scaleNodes),
		Labels: map[string]string{"set-group": "epp.core.bj", "app": "epp", "lane": "gray", "pod-template-hash": "6d4cf56db6"},
		IPs:    []string{scaleAddr(n)},
	}
}

func scaleAddr(n int) string { return fmt.Sprintf("10.0.%d.%d", n/200, n%200+1) }

// inParallel calls f for 0 to n-1, by several goroutines.
func inParallel(t *testing.T, n int, f func(int) error) {
	t.Helper()
	next := make(chan int)
	var all sync.WaitGroup
	for range writers {
		all.Go(func() {
			for i := range next {
				if err := f(i); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	all.Wait()
	if t.Failed() {
		t.FailNow()
	}
}

// heap is what is in use after a collection.
func heap() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc) / (1 << 20)
}

// TestKubernetesScale measures what docs/kubernetes.md says.
func TestKubernetesScale(t *testing.T) {
	ctx := t.Context()
	cluster, client := startCluster(t)
	do(t, client.Namespace(ctx, "app"))
	inParallel(t, scaleNodes, func(n int) error {
		return client.Node(ctx, fmt.Sprintf("node-%d", n), places("north", "bj", fmt.Sprint("bj-", n%3)), fmt.Sprintf("10.9.0.%d", n+1))
	})
	inParallel(t, scalePods, func(n int) error { return client.Run(ctx, scalePod(n)) })

	dir, before := t.TempDir(), heap()
	began := time.Now()
	s, stop := follow(t, options(cluster, dir))
	opened := time.Since(began)
	first := waitFor(t, func() bool {
		all, _ := s.table.Addresses()
		return all == scalePods+scaleNodes && s.clusters[0].synced()
	})
	t.Logf("opened in %v, first table of %d pods on %d nodes in %v", opened, scalePods, scaleNodes, first)
	waitFor(t, func() bool {
		_, ok, err := readDisk(s.clusters[0].file, s.clusters[0].options)
		return ok && err == nil
	})
	t.Logf("memory: %.1f MiB on the heap", heap()-before)

	var lags []time.Duration
	for n := range scaleLags {
		number := n * 4
		do(t, client.Label(ctx, scalePod(number).Path(), "set-group", "epp.query.bj"))
		lags = append(lags, waitFor(t, func() bool { f, _ := s.Facts(ip(scaleAddr(number))); return f.SET == "epp.query.bj" }))
	}
	slices.Sort(lags)
	t.Logf("lag from the API server's answer to a label change until lookups have it, %d changes one by one: p50 %v, p99 %v, most %v", scaleLags, lags[scaleLags/2], lags[scaleLags*99/100], lags[scaleLags-1])

	began = time.Now()
	inParallel(t, scalePods, func(n int) error { return client.Label(ctx, scalePod(n).Path(), "set-group", "epp.core.sh") })
	wrote := time.Since(began)
	behind := waitFor(t, func() bool {
		for _, f := range s.All() {
			if f.Shared == nil && f.SET != "epp.core.sh" {
				return false
			}
		}
		return true
	})
	t.Logf("%d label changes by %d writers: the API server took %.0f a second, and the table was whole %v after the last", scalePods, writers, scalePods/wrote.Seconds(), behind)
	eventually(t, "the copy on disk", "written", func() string {
		if c, _, _ := readDisk(s.clusters[0].file, s.clusters[0].options); len(c.Pods) == scalePods && c.Pods[scalePods-1].SET == "epp.core.sh" {
			return "written"
		}
		return "old"
	})
	stop()
	began = time.Now()
	again, err := New(options(cluster, dir))
	do(t, err)
	all, _ := again.table.Addresses()
	t.Logf("%d addresses from the copy on disk in %v", all, time.Since(began))
}

// waitFor polls without a pause, for a short time that is measured.
func waitFor(t *testing.T, done func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	for !done() {
		if time.Since(began) > polaristest.Patience {
			t.Fatal("it did not come about")
		}
		runtime.Gosched()
	}
	return time.Since(began)
}

// BenchmarkChange is a label change that comes to the table, without an API
// server before it.
func BenchmarkChange(b *testing.B) {
	table := NewTable()
	for n := range scaleNodes {
		table.PutNode("bj", Node{Name: fmt.Sprintf("node-%d", n), Location: place("north", "bj", "bj-1")})
	}
	pod := func(n int, set string) Pod {
		p := scalePod(n)
		return Pod{Namespace: p.Namespace, Name: p.Name, UID: p.Name, Node: p.Node, Addrs: ips(p.IPs[0]), SET: set}
	}
	for n := range scalePods {
		table.PutPod("bj", pod(n, "epp.core.bj"))
	}
	sets := []string{"epp.core.sh", "epp.core.bj"}
	for n := 0; b.Loop(); n++ {
		table.PutPod("bj", pod(n%scalePods, sets[n/scalePods%2]))
	}
}
