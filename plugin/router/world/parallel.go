package world

import "sync"

// inParallel calls work for each number below count, in up to so many goroutines. A panic
// of work is a panic of inParallel: whoever called can recover from it.
func inParallel(count, workers int, work func(n int)) {
	workers = max(1, min(workers, count))
	panics := make([]any, workers)
	var all sync.WaitGroup
	for first := range workers {
		all.Go(func() {
			defer func() { panics[first] = recover() }()
			for n := first; n < count; n += workers {
				work(n)
			}
		})
	}
	all.Wait()
	for _, p := range panics {
		if p != nil {
			panic(p)
		}
	}
}
